"""A real Hub whose tokens for services end, MLflow behind it, and a server of Ada's."""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jupyterhub
from tests.processes import await_answer, free_ports, running

LIFETIME = 120
PROFILES = Path(__file__).parents[2] / "profiles"
CONFIGURATION = """
import json, os, sys
from baton_hub.configuration import configure

c = get_config()
s = json.loads(os.environ["TEST_HUB"])
configure(c, spawner="local", public_url=s["public"], profiles=s["profiles"], audit_file="",
    mlflow_api_token=s["mlflow_token"], desk_api_token="d" * 32, mlflow_url=s["mlflow"],
    desk_url="http://127.0.0.1:9", service_token_lifetime=s["lifetime"], cull_every=0)
c.JupyterHub.bind_url, c.JupyterHub.hub_bind_url = s["public"], s["hub"]
c.JupyterHub.db_url = "sqlite:///" + s["folder"] + "/hub.sqlite"
c.JupyterHub.cookie_secret = b"0" * 32
c.JupyterHub.authenticator_class = "dummy"
c.ConfigurableHTTPProxy.command = [sys.executable, "-m", "baton_hub.proxy"]
c.ConfigurableHTTPProxy.api_url, c.ConfigurableHTTPProxy.auth_token = s["proxy"], "p" * 32
c.ConfigurableHTTPProxy.pid_file = s["folder"] + "/proxy.pid"
c.CuratedLocalSpawner.cmd = [sys.executable, "-I", "-S", s["folder"] + "/server.py"]
c.CuratedLocalSpawner.home_dir_template = s["folder"] + "/homes/{username}"
c.LocalProcessSpawner.interrupt_timeout = 1
c.JupyterHub.services.append({"name": "tests", "api_token": s["token"]})
c.JupyterHub.load_roles.append({"name": "tests", "services": ["tests"], "scopes": [
    "admin:users", "admin:servers", "admin:groups", "admin:server_state", "tokens"]})
"""
SERVER = """
import json, os, socket
port = int(os.environ["JUPYTERHUB_SERVICE_URL"].split(":")[2].split("/")[0])
with open(os.path.join(os.path.dirname(__file__), "environment.json"), "w") as out:
    json.dump(dict(os.environ), out)
answer = "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\n{}"
listener = socket.create_server(("127.0.0.1", port))
while True:
    connection, _ = listener.accept()
    connection.recv(65536)
    connection.sendall(answer.encode())
    connection.close()
"""
# As the service runs, but for the seconds for which it believes the Hub's last word.
MLFLOW = """
import runpy
from baton_hub.tracking import identity
identity.CACHE_SECONDS = 1
runpy.run_module("baton_hub.tracking", run_name="__main__")
"""


@dataclass
class TokenHub:
    """Addresses, and the Hub's API as an admin."""

    public: str
    folder: Path
    http: httpx.Client

    @property
    def mlflow(self) -> str:
        """MLflow as people reach it."""
        return self.public + "/services/mlflow"

    def spawn(self, user: str) -> dict[str, str]:
        """Start a server of theirs; return the environment that the Hub gave it."""
        found = self.folder / "environment.json"
        found.unlink(missing_ok=True)
        self.http.post(f"users/{user}")
        self.http.post("groups/data-science")
        self.http.post("groups/data-science/users", json={"users": [user]})
        options = {"profile": "python"}
        body = {"user_options": options} if jupyterhub.version_info >= (6,) else options
        answer = self.http.post(f"users/{user}/server", json=body)
        assert answer.is_success, answer.text
        wait_for(lambda: self.server(user).get("ready"))
        environment: dict[str, str] = json.loads(found.read_text())
        return environment

    def server(self, user: str) -> dict[str, Any]:
        """Return the Hub's model of their server; empty where there is none."""
        model = self.http.get(f"users/{user}").raise_for_status().json()
        found: dict[str, Any] = model["servers"].get("", {})
        return found

    def stop(self, user: str) -> None:
        """Stop their server, and wait until it is gone."""
        self.http.delete(f"users/{user}/server")
        wait_for(lambda: not self.server(user))

    def tokens(self, user: str) -> list[dict[str, Any]]:
        """Return what the Hub says of a person's tokens, oldest first."""
        found = self.http.get(f"users/{user}/tokens").raise_for_status().json()["api_tokens"]
        return sorted(found, key=lambda token: int(token["id"].lstrip("a")))

    def revoke(self, token: str, user: str) -> None:
        """End a token as its person does on the Hub's page, and wait until MLflow knows.

        The Hub shows of a token neither itself nor its beginning: they end from the oldest on.
        """
        for found in self.tokens(user):
            if "services" in found["note"] and self.status(token) != 401:
                self.http.delete(f"users/{user}/tokens/{found['id']}")
                time.sleep(1.5)  # The second for which MLflow believes the Hub's last word.
        assert self.status(token) == 401

    def status(self, token: str) -> int:
        """Return what MLflow answers who comes with this token."""
        return httpx.post(
            self.mlflow + "/api/2.0/mlflow/experiments/search",
            json={"max_results": 1},
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
        ).status_code


def wait_for(ask: Callable[[], Any], seconds: float = 60) -> Any:
    """Return what ``ask`` returns as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (found := ask()):
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.05)
    return found


@contextmanager
def token_hub(folder: Path, lifetime: int = LIFETIME) -> Iterator[TokenHub]:
    """Start a Hub and MLflow, and stop both with all that they started."""
    public, hub, proxy, service = (f"http://127.0.0.1:{port}" for port in free_ports(4))
    admin, mlflow_token = secrets.token_hex(16), secrets.token_hex(16)
    settings = {
        "folder": str(folder),
        "profiles": str(PROFILES),
        "public": public,
        "hub": hub,
        "proxy": proxy,
        "mlflow": service,
        "mlflow_token": mlflow_token,
        "lifetime": lifetime,
        "token": admin,
    }
    (folder / "jupyterhub_config.py").write_text(CONFIGURATION)
    (folder / "server.py").write_text(SERVER)
    prefix = "/services/mlflow"
    environment = {
        **os.environ,
        "TEST_HUB": json.dumps(settings),
        "JUPYTERHUB_API_TOKEN": mlflow_token,
        "JUPYTERHUB_API_URL": f"{hub}/hub/api",
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_SERVICE_NAME": "mlflow",
        "JUPYTERHUB_SERVICE_PREFIX": f"{prefix}/",
        "JUPYTERHUB_SERVICE_URL": service,
        "JUPYTERHUB_CLIENT_ID": "service-mlflow",
        "JUPYTERHUB_OAUTH_CALLBACK_URL": f"{prefix}/oauth_callback",
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": '["access:services!service=mlflow"]',
        "BATON_MLFLOW_DATABASE": f"sqlite:///{folder}/mlflow.sqlite",
        "BATON_MLFLOW_ARTIFACTS": str(folder / "artifacts"),
        "BATON_PUBLIC_URL": public,
    }
    commands = [[sys.executable, "-m", "jupyterhub"], [sys.executable, "-c", MLFLOW]]
    paths = ["/hub/api/", f"{prefix}/baton/health"]
    with ExitStack() as stack:
        logs = [folder / "hub.log", folder / "mlflow.log"]
        started = [
            stack.enter_context(running(command, log, env=environment, cwd=folder))
            for command, log in zip(commands, logs, strict=True)
        ]
        for path, process, log in zip(paths, started, logs, strict=True):
            await_answer(public + path, process, log)
        headers = {"Authorization": f"token {admin}"}
        client = httpx.Client(
            base_url=f"{hub}/hub/api/", headers=headers, timeout=120, trust_env=False
        )
        with client as http:
            running_hub = TokenHub(public, folder, http)
            try:
                yield running_hub
            finally:
                for user in http.get("users", params={"state": "active"}).json():
                    running_hub.stop(user["name"])
