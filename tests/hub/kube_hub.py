"""A real Hub whose cluster is a test's: JupyterHub in a process of its own, pods over HTTP."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import jupyterhub
import psutil
from tests.hub.cluster import NAMESPACE, Cluster
from tests.hub.running import wait_for

TOKEN = "token-of-the-tests"  # Good for this one Hub.
DIGEST = f"sha256:{'a' * 64}"
PYTHON = f"""
name: python
title: Python
description: Notebooks.
owner: Data platform
image: {{reference: "registry.example.org/secret-place/python:1", digest: "{DIGEST}"}}
access: {{everybody: true}}
sizes:
  small: {{cpu: 0.5, memory: 1G}}
  large: {{cpu: 4, memory: 16G, gpus: {{nvidia.com/gpu: 1}}}}
connections: [lake]
"""
LAKE = """
connections:
  lake:
    title: The lake
    kind: lake
    access: {everybody: true}
    environment: {LAKE_HOST: lake.example.org}
    secrets: {LAKE_PASSWORD: {secret: lake-access, key: password}}
"""
QUOTAS = "each_user: {servers: 1}\ngroups: {Data Science: {cpu: 100}}\n"
CONFIG = """
import os, sys
from baton_hub import configure
c = get_config()  # noqa: F821
facts = FACTS
configure(
    c,
    spawner="kube",
    public_url=facts["public"],
    profiles=facts["profiles"],
    audit_file=facts["audit"],
    mlflow_url="http://127.0.0.1:9",
    mlflow_api_token="token-of-mlflow",
    desk_url="http://127.0.0.1:9",
    desk_api_token="token-of-the-desk",
    contact="the data platform team",
)
c.JupyterHub.bind_url = facts["public"]
c.JupyterHub.hub_bind_url = facts["hub"]
c.JupyterHub.db_url = facts["database"]
c.JupyterHub.cookie_secret = bytes(32)
c.JupyterHub.allow_named_servers = True
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": facts["slow"]}
c.JupyterHub.cleanup_servers = False
c.ConfigurableHTTPProxy.command = [sys.executable, "-m", "baton_hub.proxy"]
c.ConfigurableHTTPProxy.api_url = facts["proxy"]
c.ConfigurableHTTPProxy.auth_token = "token-of-the-proxy"
c.ConfigurableHTTPProxy.pid_file = facts["pid_file"]
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.load_groups = {"Data Science": {"users": ["ada", "bob"]}}
c.JupyterHub.services.append({"name": "tests", "api_token": facts["token"]})
c.JupyterHub.load_roles.append(
    {
        "name": "tests",
        "services": ["tests"],
        "scopes": ["admin:users", "admin:servers", "access:servers"],
    }
)
c.KubeSpawner.namespace = facts["namespace"]
c.KubeSpawner.port = facts["cluster_port"]
c.KubeSpawner.k8s_api_request_retry_timeout = 5
c.KubeSpawner.start_timeout = 40
c.CuratedKubeSpawner.use_priority_classes = True
c.CuratedKubeSpawner.full_cluster_patience = 4
c.Spawner.poll_interval = 1
c.Spawner.consecutive_failure_limit = 2
c.Spawner.http_timeout = 4
"""


class KubeHub:
    """A Hub with `CuratedKubeSpawner`, which can be killed and started again."""

    def __init__(self, folder: Path, cluster: Cluster, slow: float = 8) -> None:
        self.folder, self.cluster = folder, cluster
        self.public, self.hub, proxy = (f"http://127.0.0.1:{port}" for port in _free_ports(3))
        profiles = folder / "profiles"
        profiles.mkdir(parents=True)
        (profiles / "python.yaml").write_text(PYTHON)
        (profiles / "connections.yaml").write_text(LAKE)
        (profiles / "quotas.yaml").write_text(QUOTAS)
        (profiles / "evidence.yaml").write_text("required: []\n")
        self.database = folder / "hub.sqlite"
        facts = {
            "public": self.public,
            "hub": self.hub,
            "proxy": proxy,
            "profiles": str(profiles),
            "audit": str(folder / "audit.jsonl"),
            "database": f"sqlite:///{self.database}",
            "pid_file": str(folder / "proxy.pid"),
            "namespace": NAMESPACE,
            "cluster_port": cluster.port,
            "token": TOKEN,
            "slow": slow,
        }
        config = CONFIG.replace("FACTS", repr(facts))
        (folder / "jupyterhub_config.py").write_text(config)
        headers = {"Authorization": f"token {TOKEN}"}
        self.api = httpx.Client(base_url=f"{self.hub}/hub/api/", headers=headers, timeout=60)
        self._children: list[psutil.Process] = []
        self.start()

    def start(self) -> None:
        """Start the Hub and wait until it answers."""
        self.log = (self.folder / "hub.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", "jupyterhub_config.py"],
            cwd=self.folder,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                "KUBECONFIG": str(self.cluster.write_kubeconfig(self.folder)),
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            },
        )
        wait_for(self._answers, "the Hub")

    def _answers(self) -> bool:
        assert self.process.poll() is None, (self.folder / "hub.log").read_text()[-4000:]
        try:
            return self.api.get("").status_code == 200
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        """End the Hub without a word; its proxy goes on."""
        self._note_children()
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End the Hub, its proxy and its services."""
        self._note_children()
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self.process.kill()
        self.process.wait()
        # A Hub that was killed left its proxy, which has a session of its own.
        for child in self._children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        self.log.close()
        self.api.close()

    def _note_children(self) -> None:
        with suppress(psutil.NoSuchProcess):
            self._children += psutil.Process(self.process.pid).children(recursive=True)

    def ask(self, user: str, server: str = "", **options: Any) -> httpx.Response:
        """Ask for a server."""
        self.api.post(f"users/{user}")
        path = f"users/{user}/servers/{server}" if server else f"users/{user}/server"
        options = {"profile": "python", **options}
        body = {"user_options": options} if jupyterhub.version_info >= (6,) else options
        return self.api.post(path, json=body)

    def servers(self, user: str) -> dict[str, Any]:
        """Return the servers of somebody that run or start."""
        return dict(self.api.get(f"users/{user}").json()["servers"])

    def audit(self) -> list[dict[str, Any]]:
        """Return all events."""
        lines = (self.folder / "audit.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def words(self) -> str:
        """Return all that the Hub logged."""
        return (self.folder / "hub.log").read_text()

    def forget(self) -> None:
        """Take the Hub's database away."""
        shutil.move(self.database, self.folder / "old.sqlite")


def _free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
