"""A real Hub with its proxy, and MLflow behind it: each a process, started once a session."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.postgres import make_database
from tests.postgres import postgres as postgres
from tests.processes import await_answer, free_ports, running

PREFIX = "/services/mlflow"
ACCESS = "access:services!service=mlflow"
PASSWORD = "only-in-tests"
WORKERS = 3

HUB_CONFIG = """
import os
import sys

c = get_config()
port = os.environ["TEST_PORT"]
c.JupyterHub.bind_url = f"http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = os.environ["TEST_HUB"]
c.JupyterHub.db_url = "sqlite:///hub.sqlite"
c.ConfigurableHTTPProxy.command = [sys.executable, "-m", "baton_hub.proxy"]
c.ConfigurableHTTPProxy.api_url = os.environ["TEST_PROXY_API"]
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = os.environ["TEST_PASSWORD"]
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {"olga"}
# From the start: MLflow believes for half a minute what it was told of somebody's groups.
c.JupyterHub.load_groups = {"science": {"users": ["ada", "bob"]}, "sales": {"users": ["eve"]}}
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.services = [
    {
        "name": "mlflow",
        "url": os.environ["JUPYTERHUB_SERVICE_URL"],
        "api_token": os.environ["JUPYTERHUB_API_TOKEN"],
        "oauth_client_id": "service-mlflow",
        "oauth_no_confirm": True,
    },
    {"name": "tests", "api_token": os.environ["TEST_TOKEN"]},
]
access = "access:services!service=mlflow"
c.JupyterHub.load_roles = [
    {"name": "user", "scopes": ["self", access]},
    {
        "name": "mlflow",
        "services": ["mlflow"],
        "scopes": ["read:users:name", "read:users:groups"],
    },
    {
        "name": "tests",
        "services": ["tests"],
        "scopes": ["admin:users", "admin:groups", "tokens", access],
    },
]
"""


@dataclass
class Tracking:
    """Addresses of the running platform, and tokens of its people."""

    url: str
    """MLflow as people reach it, through the Hub's proxy."""
    direct: str
    """MLflow's own port, which nobody should rely on being out of reach."""
    hub: str
    folder: Path
    mlflow_pid: int
    admin: httpx.Client
    _tokens: dict[str, str] = field(default_factory=dict)

    def token(self, user: str, *scopes: str) -> str:
        """Return a Hub token of the user, made on first use."""
        key = " ".join((user, *scopes))
        if key not in self._tokens:
            self.admin.post(f"/users/{user}")
            body: dict[str, Any] = {"note": "tests"} | ({"scopes": scopes} if scopes else {})
            made = self.admin.post(f"/users/{user}/tokens", json=body).raise_for_status()
            self._tokens[key] = made.json()["token"]
        return self._tokens[key]

    def group(self, name: str, *users: str) -> None:
        """Put the users, who may be new, into a Hub group, which may be new too."""
        self.admin.post(f"/groups/{name}")
        for user in users:
            self.admin.post(f"/users/{user}")
        body = {"users": users}
        self.admin.post(f"/groups/{name}/users", json=body).raise_for_status()

    def client(self, user: str) -> httpx.Client:
        """Return an HTTP client that calls MLflow as the user."""
        headers = {"Authorization": f"Bearer {self.token(user)}"}
        # Plain HTTP: to read the machine's certificates takes longer than the request.
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, verify=False)

    def kernel_environment(self, user: str) -> dict[str, str]:
        """Return the environment that the user's kernel has, beside the process's own."""
        home = self.folder / "homes" / user
        home.mkdir(parents=True, exist_ok=True)
        return {
            **os.environ,
            # What one keeps while MLflow does not answer must not be sent as another's.
            "HOME": str(home),
            "MLFLOW_TRACKING_URI": self.url,
            "MLFLOW_TRACKING_USERNAME": user,
            "MLFLOW_TRACKING_PASSWORD": self.token(user),
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }

    def call(self, user: str, route: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST to an MLflow 2.0 route as the user; return the JSON of its success."""
        with self.client(user) as client:
            response = client.post(f"/api/2.0/mlflow/{route}", json=body)
        assert response.is_success, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def run(self, user: str, name: str) -> dict[str, Any]:
        """Start a run in a new experiment; return its info."""
        experiment = self.call(
            user, "experiments/create", {"name": f"{name} {secrets.token_hex(3)}"}
        )
        body = {"experiment_id": experiment["experiment_id"], "start_time": 1}
        info: dict[str, Any] = self.call(user, "runs/create", body)["run"]["info"]
        return info


@contextmanager
def start_tracking(folder: Path, **settings: str) -> Iterator[Tracking]:
    """Start the Hub and MLflow, wait until both answer, and stop them at the end.

    ``settings`` replace MLflow's environment; without them it is SQLite and a folder.
    """
    public, hub, proxy, service = (f"http://127.0.0.1:{port}" for port in free_ports(4))
    environment = {
        **os.environ,
        "JUPYTERHUB_API_TOKEN": secrets.token_hex(32),
        "JUPYTERHUB_API_URL": f"{hub}/hub/api",
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_SERVICE_NAME": "mlflow",
        "JUPYTERHUB_SERVICE_PREFIX": f"{PREFIX}/",
        "JUPYTERHUB_SERVICE_URL": service,
        "JUPYTERHUB_CLIENT_ID": "service-mlflow",
        "JUPYTERHUB_OAUTH_CALLBACK_URL": f"{PREFIX}/oauth_callback",
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": f'["{ACCESS}"]',
        "BATON_MLFLOW_DATABASE": f"sqlite:///{folder}/mlflow.sqlite",
        "BATON_MLFLOW_ARTIFACTS": str(folder / "artifacts"),
        "BATON_PUBLIC_URL": public,
        "TEST_PORT": public.rpartition(":")[2],
        "TEST_HUB": hub,
        "TEST_PROXY_API": proxy,
        "TEST_PASSWORD": PASSWORD,
        "TEST_TOKEN": secrets.token_hex(32),
        **settings,
    }
    (folder / "jupyterhub_config.py").write_text(HUB_CONFIG)
    with ExitStack() as stack:
        logs = folder / "hub.log", folder / "mlflow.log"
        started = [
            stack.enter_context(
                running([sys.executable, "-m", module], log, env=environment, cwd=folder)
            )
            for module, log in zip(("jupyterhub", "baton_hub.tracking"), logs, strict=True)
        ]
        headers = {"Authorization": f"token {environment['TEST_TOKEN']}"}
        admin = stack.enter_context(httpx.Client(base_url=f"{public}/hub/api", headers=headers))
        for path, process, log in zip(
            ("/hub/api/", f"{PREFIX}/baton/health"), started, logs, strict=True
        ):
            await_answer(public + path, process, log)
        mlflow = started[1]
        yield Tracking(f"{public}{PREFIX}", service + PREFIX, public, folder, mlflow.pid, admin)


@pytest.fixture(scope="session")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracking]:
    """MLflow behind a Hub as it is by default: SQLite, a folder, one worker."""
    with start_tracking(tmp_path_factory.mktemp("tracking")) as started:
        yield started


@pytest.fixture(scope="session")
def tracking_postgres(
    tmp_path_factory: pytest.TempPathFactory, postgres: str
) -> Iterator[Tracking]:
    """MLflow behind a Hub as it is for many: PostgreSQL, and several workers."""
    database = make_database(postgres, "mlflow")
    settings = {"BATON_MLFLOW_DATABASE": database, "BATON_MLFLOW_WORKERS": str(WORKERS)}
    with start_tracking(tmp_path_factory.mktemp("tracking"), **settings) as started:
        yield started


@pytest.fixture(params=["tracking", "tracking_postgres"], ids=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest) -> Tracking:
    """MLflow behind a Hub, once on SQLite and once on PostgreSQL with several workers."""
    started: Tracking = request.getfixturevalue(request.param)
    return started
