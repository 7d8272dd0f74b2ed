"""A real Jupyter server, MLflow and desk, each a process; only the Hub behind them is played."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from tests.lab.mlflow_asked import Mlflow
from tests.processes import await_answer, free_port, running

PEOPLE = {
    "scientist": {"groups": ["data-science"], "admin": False},
    "developer": {"groups": ["app-developers"], "admin": False},
}
SCOPES = ["access:services!service=mlflow", "access:services!service=desk"]
TRAIN = """
import sys
import mlflow
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
model = LogisticRegression(max_iter=5000).fit(X, y)
mlflow.set_experiment("tumours")
with mlflow.start_run(run_name="with-model") as run:
    mlflow.log_param("max_iter", 5000)
    mlflow.log_metric("accuracy", model.score(X, y))
    mlflow.log_metric("broken", float("nan"))
    mlflow.log_input(mlflow.data.from_pandas(X, name="breast-cancer"))
    mlflow.log_text("not a model", "notes/readme.txt")
    # Named requirements, because guessing them takes MLflow seconds.
    needs = {"pip_requirements": ["mlflow", "scikit-learn", "pandas"]}
    good = mlflow.sklearn.log_model(model, name="model", input_example=X.head(3), **needs)
    bare = mlflow.sklearn.log_model(model, name="bare", **needs)
print(run.info.run_id, run.info.experiment_id, good.model_id, bare.model_id)
"""


class Hub(ThreadingHTTPServer):
    """Answers the three questions that services ask a Hub; a token is its owner's name."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = self.answer(unquote(urlsplit(self.path).path.removeprefix("/hub/api/")))
            body = json.dumps(answer).encode()
            self.send_response(200 if answer is not None else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def answer(self, path: str) -> Any:
            if path == "groups":
                names = sorted({group for person in PEOPLE.values() for group in person["groups"]})
                return [{"name": name, "users": []} for name in names]
            name = path.removeprefix("users/")
            if path == "user":
                name = self.headers.get("Authorization", "").split()[-1].removesuffix("-token")
            if name not in PEOPLE:
                return None
            return {"kind": "user", "name": name, "scopes": SCOPES, **PEOPLE[name]}

        def log_message(self, *_: object) -> None:
            pass


@dataclass(frozen=True)
class Process:
    """A process and the address that it serves."""

    url: str
    popen: subprocess.Popen[bytes]
    log: Path

    def await_answer(self, path: str) -> None:
        """Wait until ``path`` below the address answers."""
        await_answer(self.url + path, self.popen, self.log)


@dataclass(frozen=True)
class Trained:
    """What the training script logged."""

    run_id: str
    experiment_id: str
    model_id: str
    bare_model_id: str


@dataclass(frozen=True)
class Lab:
    """A Jupyter server with the extension: its address, an HTTP client with its token, its home."""

    url: str
    http: httpx.Client
    home: Path
    process: Process

    def get(self, path: str, /, **params: str) -> Any:
        answer = self.http.get(path, params=params)
        assert answer.is_success, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None) -> httpx.Response:
        return self.http.post(path, json={} if body is None else body)


@contextmanager
def start(command: list[str], url: str, env: dict[str, str], log: Path) -> Iterator[Process]:
    """Run a process; it may take a while until it answers."""
    with running(command, log, env={**os.environ, **env}) as popen:
        yield Process(url, popen, log)


@pytest.fixture(scope="session")
def until() -> Callable[..., Any]:
    """Return a function that asks again until the answer is true, for two minutes at most."""

    def until(ask: Callable[[], Any], seconds: float = 120) -> Any:
        deadline = time.monotonic() + seconds
        while True:
            found = ask()
            if found:
                return found
            assert time.monotonic() < deadline, "it did not come to pass in time"
            time.sleep(0.05)

    return until


@pytest.fixture(scope="session")
def hub() -> Iterator[str]:
    server = Hub(("127.0.0.1", 0), Hub.Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hub/api"
    server.shutdown()
    server.server_close()


def service_env(name: str, url: str, hub: str) -> dict[str, str]:
    return {
        "JUPYTERHUB_API_TOKEN": f"{name}-token",
        "JUPYTERHUB_API_URL": hub,
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_SERVICE_NAME": name,
        "JUPYTERHUB_SERVICE_PREFIX": f"/services/{name}/",
        "JUPYTERHUB_SERVICE_URL": url,
        "JUPYTERHUB_CLIENT_ID": f"service-{name}",
        "JUPYTERHUB_OAUTH_CALLBACK_URL": f"/services/{name}/oauth_callback",
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": json.dumps([f"access:services!service={name}"]),
        "BATON_PUBLIC_URL": url,
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def start_mlflow(hub: str, folder: Path) -> AbstractContextManager[Process]:
    url = f"http://127.0.0.1:{free_port()}"
    env = service_env("mlflow", url, hub) | {
        "BATON_MLFLOW_DATABASE": f"sqlite:///{folder}/mlflow.sqlite",
        "BATON_MLFLOW_ARTIFACTS": str(folder / "artifacts"),
    }
    command = [sys.executable, "-m", "baton_hub.tracking"]
    return start(command, url + "/services/mlflow", env, folder / "mlflow.log")


def start_desk(hub: str, folder: Path) -> AbstractContextManager[Process]:
    url = f"http://127.0.0.1:{free_port()}"
    env = service_env("desk", url, hub) | {
        "BATON_DESK_DATABASE": f"sqlite:///{folder}/desk.sqlite",
        "BATON_DESK_FILES": str(folder / "files"),
    }
    command = [sys.executable, "-m", "baton_desk"]
    return start(command, url + "/services/desk", env, folder / "desk.log")


@contextmanager
def start_lab(home: Path, env: dict[str, str]) -> Iterator[Lab]:
    home.mkdir(parents=True, exist_ok=True)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser"]
    command += ["--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
    command += ["--IdentityProvider.token=secret", f"--ServerApp.root_dir={home}"]
    command += ["--ServerApp.jpserver_extensions=baton_lab=True"]
    clean = {"HOME": str(home), "JUPYTER_NO_CONFIG": "1"}
    log = home.parent / f"{home.name}.log"
    with (
        start(command, url, clean | env, log) as process,
        httpx.Client(
            base_url=url + "/baton/",
            headers={"Authorization": "token secret"},
            timeout=60,
            trust_env=False,
        ) as http,
    ):
        yield Lab(url, http, home, process)


def scientist_env(mlflow: str, desk: str) -> dict[str, str]:
    return {
        "JUPYTERHUB_API_TOKEN": "scientist-token",
        "JUPYTERHUB_USER": "scientist",
        "MLFLOW_TRACKING_URI": mlflow,
        "MLFLOW_TRACKING_USERNAME": "scientist",
        "MLFLOW_TRACKING_PASSWORD": "scientist-token",
        "BATON_DESK_URL": desk,
        "BATON_PROFILE": "scikit-learn",
        "BATON_SIZE": "small",
    }


@dataclass(frozen=True)
class Platform:
    """What the scientist has: a server of their own, MLflow and the desk."""

    mlflow: Process
    desk: Process
    lab: Lab


@pytest.fixture(scope="session")
def platform(hub: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """All of it, started at once."""
    folder = tmp_path_factory.mktemp("platform")
    with start_mlflow(hub, folder) as mlflow, start_desk(hub, folder) as desk:
        env = scientist_env(mlflow.url, desk.url)
        with start_lab(folder / "scientist", env) as lab:
            mlflow.await_answer("/baton/health")
            desk.await_answer("/health")
            lab.process.await_answer("/login")
            yield Platform(mlflow, desk, lab)


@pytest.fixture(scope="session")
def mlflow(platform: Platform) -> Process:
    return platform.mlflow


@pytest.fixture(scope="module")
def records(mlflow: Process, until: Callable[..., Any]) -> Iterator[Mlflow]:
    """What MLflow has, as the scientist asks it."""
    made = Mlflow(mlflow.url, until)
    yield made
    made.close()


@pytest.fixture(scope="session")
def desk(platform: Platform) -> Process:
    return platform.desk


@pytest.fixture(scope="session")
def lab(platform: Platform) -> Lab:
    return platform.lab


@pytest.fixture(scope="session")
def lonely_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The scientist's server while MLflow and the desk are down."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    env = scientist_env(nowhere + "/services/mlflow", nowhere + "/services/desk")
    with start_lab(tmp_path_factory.mktemp("lonely") / "scientist", env) as lab:
        lab.process.await_answer("/login")
        yield lab


@pytest.fixture(scope="session")
def plain_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A server that no Baton Hub started."""
    env = dict.fromkeys(scientist_env("", ""), "")
    with start_lab(tmp_path_factory.mktemp("plain") / "somebody", env) as lab:
        lab.process.await_answer("/login")
        yield lab


@pytest.fixture(scope="session")
def trained(lab: Lab, mlflow: Process, desk: Process) -> Trained:
    """A run of a notebook in the scientist's home, with a model and one without an example."""
    cells = [
        {"cell_type": "code", "source": text, "execution_count": count, "id": f"c{count}"}
        for count, text in enumerate(("import mlflow", "train()"), 1)
    ]
    for cell in cells:
        cell |= {"outputs": [], "metadata": {}}
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (lab.home / "tumours.ipynb").write_text(json.dumps(notebook))
    env = scientist_env(mlflow.url, desk.url) | {
        "HOME": str(lab.home),
        "JPY_SESSION_NAME": str(lab.home / "tumours.ipynb"),
    }
    ended = subprocess.run(
        [sys.executable, "-c", TRAIN],
        env={**os.environ, **env},
        cwd=lab.home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    line = next(line for line in ended.stdout.splitlines() if " m-" in line)
    return Trained(*line.split())
