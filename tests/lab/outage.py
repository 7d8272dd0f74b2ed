"""A real MLflow that goes away and comes back, and people's scripts that log to it meanwhile."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from tests.lab.conftest import service_env
from tests.processes import await_answer, end, free_port

HERE = Path(__file__).parents[2]


class Service:
    """MLflow behind its guard at one address, started and stopped as often as one likes."""

    def __init__(self, hub: str, folder: Path, **env: str) -> None:
        self.folder = folder
        self._log = folder / "mlflow.log"
        url = f"http://127.0.0.1:{free_port()}"
        self.url = url + "/services/mlflow"
        self._env = {
            **os.environ,
            **service_env("mlflow", url, hub),
            "BATON_MLFLOW_DATABASE": f"sqlite:///{folder}/mlflow.sqlite",
            "BATON_MLFLOW_ARTIFACTS": str(folder / "artifacts"),
            # It is asked at its gate's address too.
            "MLFLOW_SERVER_ALLOWED_HOSTS": "*",
            **env,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.begin()
        self.await_answer()

    def begin(self) -> None:
        """Start it, and wait for nothing."""
        with self._log.open("ab") as out:
            command = [sys.executable, "-m", "baton_hub.tracking"]
            self._process = subprocess.Popen(command, env=self._env, stdout=out, stderr=out)

    def await_answer(self) -> None:
        """Wait until it answers."""
        assert self._process is not None
        await_answer(self.url + "/baton/health", self._process, self._log)

    def kill(self) -> None:
        """End it as a machine that fails does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """End it politely."""
        if self._process is not None:
            end(self._process)

    @property
    def http(self) -> httpx.Client:
        """A client of its API, as the scientist."""
        headers = {"Authorization": "Bearer scientist-token"}
        base = self.url + "/api/2.0/mlflow/"
        return httpx.Client(base_url=base, headers=headers, timeout=60, trust_env=False)

    def post(self, path: str, **body: Any) -> Any:
        """Return what MLflow answers."""
        with self.http as http:
            response = http.post(path, json=body)
        assert response.is_success, response.text
        return response.json()

    def runs(self, experiment: str) -> list[Any]:
        """Return the runs of an experiment, first started first."""
        with self.http as http:
            answer = http.get("experiments/get-by-name", params={"experiment_name": experiment})
        if answer.status_code == 404:
            return []
        found = answer.json()["experiment"]["experiment_id"]
        order = ["attributes.start_time ASC"]
        return list(
            self.post("runs/search", experiment_ids=[found], order_by=order).get("runs", [])
        )

    def steps(self, run_id: str, key: str) -> list[int]:
        """Return the steps of a metric's whole history, as they are stored."""
        found: list[int] = []
        token = ""
        with self.http as http:
            while True:
                params = {"run_id": run_id, "metric_key": key, "max_results": "25000"}
                params |= {"page_token": token} if token else {}
                page = http.get("metrics/get-history", params=params).raise_for_status().json()
                found += [int(metric.get("step", 0)) for metric in page.get("metrics", [])]
                token = page.get("next_page_token", "")
                if not token:
                    return found

    def artifact(self, run: Any, path: str) -> bytes:
        """Return the content of a run's artifact."""
        root = run["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/")
        url = f"{self.url}/api/2.0/mlflow-artifacts/artifacts/{root}/{path}"
        with self.http as http:
            return http.get(url).raise_for_status().content


class Gate:
    """The way to a server, which can be closed: who comes then is refused. Closed at first."""

    def __init__(self, url: str) -> None:
        self._target = httpx.URL(url)
        # Bound for as long as the gate exists: while it is closed nobody else gets its port.
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", 0))
        self._port: int = self._held.getsockname()[1]
        self.url = str(self._target.copy_with(port=self._port))
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.swallows = b""
        """Requests with this in them arrive, and their answers do not."""
        self.drops = b""
        """The next request with this in it does not arrive; it may have, for all one can see."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._held.close()

    def open(self) -> None:
        """Let everybody through."""
        listener = socket.create_server(("127.0.0.1", self._port))
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def close(self) -> None:
        """Let nobody through, and break what is on its way."""
        with self._lock:
            listener, self._listener = self._listener, None
            through = [*self._open]
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for one in through:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = listener.accept()
                try:
                    there = socket.create_connection((self._target.host, self._target.port))
                except OSError:
                    here.close()
                    continue
                with self._lock:
                    is_closed = self._listener is not listener
                    self._open |= set() if is_closed else {here, there}
                if is_closed:  # While this one came.
                    here.close()
                    there.close()
                    return
                for one in (here, there):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                muted = threading.Event()
                for pair in ((here, there), (there, here)):
                    args = (*pair, muted, pair[0] is here)
                    threading.Thread(target=self._pass, args=args, daemon=True).start()

    def _pass(
        self, source: socket.socket, target: socket.socket, muted: threading.Event, asks: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if asks and self.drops and self.drops in data:
                    self.drops = b""
                    break
                if asks and self.swallows and self.swallows in data:
                    muted.set()
                if not asks and muted.is_set():
                    break
                target.sendall(data)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        source.close()
        self._open.discard(source)


@dataclass
class Person:
    """A person's home and environment, on a server without the extension."""

    home: Path
    url: str
    token: str = "scientist-token"
    inside: tuple[str, ...] = ()
    """What stands before each command of theirs."""

    @property
    def env(self) -> dict[str, str]:
        """The environment of what they run."""
        return {
            **os.environ,
            "HOME": str(self.home),
            "BATON_TRACKING_URI": self.url,
            "MLFLOW_TRACKING_URI": self.url,
            "MLFLOW_TRACKING_USERNAME": "scientist",
            "MLFLOW_TRACKING_PASSWORD": self.token,
            "JUPYTERHUB_API_TOKEN": self.token,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "JUPYTER_RUNTIME_DIR": str(self.home / "runtime"),
            "PYTHONPATH": str(HERE),
        }

    @contextlib.contextmanager
    def running(self, code: str, **env: str) -> Iterator[subprocess.Popen[str]]:
        """Run a script of theirs; what it prints and complains is one stream."""
        # A disk that is mounted at their home would hide it there.
        folder = self.home.with_name("scripts") if self.inside else self.home
        folder.mkdir(exist_ok=True)
        script = folder / f"script{len([*folder.glob('script*')])}.py"
        script.write_text(code)
        process = subprocess.Popen(
            [*self.inside, sys.executable, "-u", str(script)],
            env=self.env | env,
            cwd=self.home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def run(self, code: str, **env: str) -> str:
        """Run a script to its end; return what it said."""
        with self.running(code, **env) as process:
            said, _ = process.communicate(timeout=300)
        assert process.returncode == 0, said
        return said

    def sync(self, *arguments: str) -> tuple[int, str]:
        """Call `baton sync`; return its exit code and what it said."""
        baton = Path(sys.executable).with_name("baton")
        done = subprocess.run(
            [*self.inside, baton, "sync", *arguments],
            env=self.env,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    @property
    def spool(self) -> Path:
        """The folder of what is kept for this MLflow."""
        from baton_lab.offline.places import spool_folder

        data = self.home / ".local" / "share" / "jupyter"
        return data / "baton" / "spool" / spool_folder(self.url).name

    def waiting(self) -> list[str]:
        """Return the names of the journals that wait."""
        runs = self.spool / "runs"
        return sorted(path.name for path in runs.iterdir()) if runs.is_dir() else []


@pytest.fixture(scope="module")
def service(hub: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """MLflow, running, for one file of tests."""
    service = Service(hub, tmp_path_factory.mktemp("outage"))
    service.start()
    yield service
    service.stop()


@pytest.fixture
def gate(service: Service) -> Iterator[Gate]:
    """The way to it, open."""
    with Gate(service.url) as gate:
        gate.open()
        yield gate


@pytest.fixture
def person(gate: Gate, tmp_path: Path) -> Person:
    """Somebody with a home of their own, who logs through the gate."""
    return Person(tmp_path, gate.url)
