"""MLflow's services that the benchmarks compare: ours, the same without, MLflow's own sign-in."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket

import httpx
import psutil

PREFIX = "/services/mlflow"
API = "/api/2.0/mlflow"
MIB = 1024 * 1024
PASSWORD = "of-the-bench-only"

WITHOUT = """
import os, socket, anyio.to_thread, asyncio, uvicorn
from baton_hub.tracking import database, memory, settings as environment
from baton_hub.tracking.maintenance import Maintenance

memory.limit()
settings = environment.parse_settings(os.environ)
environment.apply(settings)
database.tune()
database.prepare(settings.database)
from mlflow.server.fastapi_app import app
{more}
memory.settle()
Maintenance(settings.database).begin()

async def serve():
    anyio.to_thread.current_default_thread_limiter().total_tokens = environment.THREADS
    config = uvicorn.Config(
        app, host=settings.host, port=settings.port, access_log=False, log_level="warning",
        lifespan="off", timeout_keep_alive=75,
    )
    await uvicorn.Server(config).serve()

asyncio.run(serve())
"""
OWN_SIGN_IN = """
from mlflow.server import app as flask
from mlflow.server.auth import create_app
app = create_app(flask)
"""
"""MLflow's basic-auth over the same app; for native routes it returns the FastAPI one."""


class Hub(BaseHTTPRequestHandler):
    """Says of every token that it is Ada's; the service asks it once a minute."""

    def do_GET(self) -> None:
        scopes = ["access:services!service=mlflow"]
        body = json.dumps(
            {"kind": "user", "name": "ada", "admin": False, "groups": [], "scopes": scopes}
        )
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def start_hub() -> Iterator[str]:
    """Run a stand-in for the Hub's API; yields its address."""
    hub = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{hub.server_port}/hub/api"
    hub.shutdown()


class Service:
    """One running service: how it is called, and how much memory it has."""

    def __init__(self, client: httpx.Client, process: psutil.Process) -> None:
        self.client = client
        self.process = process

    def processes(self) -> list[psutil.Process]:
        """Return its processes, the one that was started first."""
        return [self.process, *self.process.children(recursive=True)]

    def peak(self) -> int:
        """Return the most memory that its processes have had, in bytes, shared pages in each."""
        lines = [
            line
            for process in self.processes()
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines()
            if line.startswith("VmHWM")
        ]
        return sum(int(line.split()[1]) * 1024 for line in lines)

    def memory(self) -> tuple[int, int]:
        """Return RSS and PSS of its processes, in bytes."""
        used = [process.memory_full_info() for process in self.processes()]
        return sum(each.rss for each in used), sum(each.pss for each in used)


@contextmanager
def start_service(hub: str, command: list[str], **settings: str) -> Iterator[Service]:
    """Run a service on a fresh database and wait until it answers; ``{port}`` is filled in."""
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        basic = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
        environment = {
            **os.environ,
            "JUPYTERHUB_API_TOKEN": "bench",
            "JUPYTERHUB_API_URL": hub,
            "JUPYTERHUB_CLIENT_ID": "service-mlflow",
            "JUPYTERHUB_SERVICE_NAME": "mlflow",
            "JUPYTERHUB_SERVICE_PREFIX": f"{PREFIX}/",
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}",
            "BATON_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "BATON_MLFLOW_DATABASE": f"sqlite:///{folder}/mlflow.sqlite",
            "BATON_MLFLOW_ARTIFACTS": str(Path(folder) / "artifacts"),
            "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD,
            "MLFLOW_FLASK_SERVER_SECRET_KEY": PASSWORD,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            **settings,
        }
        filled = [part.replace("{port}", str(port)) for part in command]
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-W", "ignore", *filled],
                env=environment,
                cwd=folder,
                stdout=log,
                stderr=log,
            )
        # What our service reads as a token is a password to MLflow's own sign-in.
        credentials = f"Basic {basic}" if OWN_SIGN_IN in " ".join(filled) else "Bearer bench"
        client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}{PREFIX}",
            headers={"Authorization": credentials},
            timeout=120,
        )
        try:
            _await(client, process, Path(folder) / "log")
            yield Service(client, psutil.Process(process.pid))
        finally:
            client.close()
            process.terminate()
            process.wait()


def _await(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    while process.poll() is None:
        try:
            if client.get("/version").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise SystemExit(f"The service ended: {log.read_text()[-2000:]}")
