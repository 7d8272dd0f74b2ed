"""A real Hub as a process of its own, whose servers are real processes that do nothing.

Configuration, spawner, policy, audit and proxy are the platform's. Only what a server
runs is replaced, by a few lines that say that they are up: so a hundred may start.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import jupyterhub
import psutil
from tests.hub.running import wait_for

from baton_contract import NotFoundError
from baton_hub.audit.replay import read_events
from baton_hub.spawner.environment import SERVER_ID
from baton_hub.spawner.orphans import end_processes

CONFIGURATION = """
import json, os, sys
from baton_hub.configuration import configure

c = get_config()
s = json.loads(os.environ["TEST_HUB"])
configure(c, spawner="local", public_url=s["public"], profiles=s["profiles"],
    audit_file=s["audit"], mlflow_api_token="m" * 32, desk_api_token="d" * 32,
    mlflow_url="http://127.0.0.1:9", desk_url="http://127.0.0.1:9")
c.JupyterHub.bind_url, c.JupyterHub.hub_bind_url = s["public"], s["hub"]
c.JupyterHub.db_url = "sqlite:///" + s["folder"] + "/hub.sqlite"
c.JupyterHub.cookie_secret = b"0" * 32
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.allow_named_servers = True
# Of a hundred starts none is to be put off: Baton's limits are asked, not JupyterHub's.
c.JupyterHub.concurrent_spawn_limit = 0
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 120}
c.ConfigurableHTTPProxy.command = [sys.executable, "-m", "baton_hub.proxy"]
c.ConfigurableHTTPProxy.api_url, c.ConfigurableHTTPProxy.auth_token = s["proxy"], "p" * 32
c.ConfigurableHTTPProxy.pid_file = s["folder"] + "/proxy.pid"
c.CuratedLocalSpawner.cmd = [sys.executable, "-I", "-S", s["folder"] + "/server.py"]
c.CuratedLocalSpawner.home_dir_template = s["folder"] + "/homes/{username}"
c.LocalProcessSpawner.interrupt_timeout = 1
c.Spawner.http_timeout = c.Spawner.start_timeout = 120
c.JupyterHub.services.append({"name": "tests", "api_token": s["token"]})
c.JupyterHub.load_roles.append({"name": "tests", "services": ["tests"], "scopes": [
    "admin:users", "admin:servers", "admin:groups", "admin:server_state"]})
"""

SERVER = """
import os, socket
port = int(os.environ["JUPYTERHUB_SERVICE_URL"].split(":")[2].split("/")[0])
answer = "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\n{}"
listener = socket.create_server(("127.0.0.1", port))
while True:
    connection, _ = listener.accept()
    connection.recv(65536)
    connection.sendall(answer.encode())
    connection.close()
"""

TOKEN = "t" * 32


class HubProcess:
    """A Hub that can be started, killed, and started again on what it left."""

    def __init__(self, folder: Path, profiles: Path) -> None:
        self.folder, self.profiles = folder, profiles
        self.audit_file = folder / "audit.jsonl"
        (folder / "config.py").write_text(CONFIGURATION)
        (folder / "server.py").write_text(SERVER)
        public, hub, proxy = free_ports(3)
        settings = {
            "folder": str(folder),
            "profiles": str(profiles),
            "audit": str(self.audit_file),
            "public": f"http://127.0.0.1:{public}",
            "hub": f"http://127.0.0.1:{hub}",
            "proxy": f"http://127.0.0.1:{proxy}",
            "token": TOKEN,
        }
        self._environment = {**os.environ, "TEST_HUB": json.dumps(settings)}
        self.client = httpx.Client(
            base_url=f"{settings['hub']}/hub/api/",
            headers={"Authorization": f"token {TOKEN}"},
            limits=httpx.Limits(max_connections=200),
            timeout=150,
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; returns when it serves."""
        command = [sys.executable, "-m", "jupyterhub", "-f", str(self.folder / "config.py")]
        with (self.folder / "hub.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=self._environment, stdout=log, stderr=log
            )
        wait_for(self._serves, "the Hub's start", 120)

    def _serves(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "hub.log").read_text()[-3000:]
        try:
            return self.client.get("").is_success
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """End it without any warning."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """End it, and all that it started, however it ended."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            finally:
                self.process.kill()
                self.process.wait()
        self.client.close()
        end_processes({event["id"] for event in self.events() if event.get("id")})
        proxy = self.folder / "proxy.pid"
        if proxy.exists() and psutil.pid_exists(pid := int(proxy.read_text().split()[0])):
            psutil.Process(pid).kill()

    def add_people(self, names: Iterable[str], group: str) -> None:
        """Make people, in one group."""
        people = list(names)
        assert self.client.post("users", json={"usernames": people}).is_success
        self.client.post(f"groups/{group}")
        answer = self.client.post(f"groups/{group}/users", json={"users": people})
        assert answer.is_success, answer.text

    def ask(self, user: str, server: str = "", **options: Any) -> httpx.Response | None:
        """Ask for a server; None when the Hub was killed meanwhile."""
        path = f"users/{user}/servers/{server}" if server else f"users/{user}/server"
        body = {"user_options": options} if jupyterhub.version_info >= (6,) else options
        try:
            return self.client.post(path, json=body)
        except httpx.TransportError:
            return None

    def ask_for_all(
        self, servers: Iterable[tuple[str, str]], **options: Any
    ) -> list[httpx.Response | None]:
        """Ask for many servers at once; returns the answers."""
        wanted = list(servers)
        with ThreadPoolExecutor(len(wanted)) as pool:
            return list(pool.map(lambda key: self.ask(*key, **options), wanted))

    def stop_all(self) -> None:
        """Stop every server, and wait until they are gone."""
        with ThreadPoolExecutor(20) as pool:
            list(pool.map(self._stop, self.servers().values()))
        wait_for(lambda: not self.servers(), "the servers' stop")

    def _stop(self, key: tuple[str, str]) -> None:
        user, server = key
        path = f"users/{user}/servers/{server}" if server else f"users/{user}/server"
        self.client.delete(path)

    def servers(self) -> dict[str, tuple[str, str]]:
        """Return the servers that the Hub knows: each decision's id, with whose it is."""
        found = {}
        for user in self.client.get("users", params={"state": "active"}).json():
            for name, server in user["servers"].items():
                identity = (server["state"] or {}).get("baton", {}).get("id", f"no id: {server}")
                found[identity] = (user["name"], name)
        return found

    def events(self) -> list[dict[str, Any]]:
        """Return what the audit holds."""
        try:
            return list(read_events(self.audit_file))
        except NotFoundError:
            return []

    def allowed(self) -> set[str]:
        """Return the ids of all decisions that let a server start."""
        return {e["id"] for e in self.events() if e.get("decision") == "allowed"}

    def unfinished(self) -> set[str]:
        """Return the ids of decisions that the audit has as allowed, and without a stop."""
        return self.allowed() - {e["id"] for e in self.events() if e["event"] == "stop"}

    def processes(self) -> set[str]:
        """Return the ids that processes of this machine carry, of this Hub's decisions."""
        return set(_identities()) & self.allowed()


def _identities() -> Iterator[str]:
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE:
                yield process.environ().get(SERVER_ID, "")
        except (psutil.Error, OSError):
            continue


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    with ExitStack() as stack:
        # All are held open together, so that no two are the same.
        held = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in held]
