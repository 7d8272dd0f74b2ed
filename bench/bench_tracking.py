"""What the Hub's sign-in costs: MLflow behind it against the same MLflow without.

``python bench/bench_tracking.py`` starts both on fresh SQLite databases, sends each the
same requests in turn, and prints a table of medians, 99th percentiles and ratios.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket

import httpx

PREFIX = "/services/mlflow"
API = "/api/2.0/mlflow"
RUNS = 50
ROUNDS = {"log_metric": 300, "log_batch of 100 metrics": 100, "search of 50 runs": 60}
MIB = 1024 * 1024

PLAIN = """
import os, sys
from baton_hub.tracking import settings as environment
from baton_hub.tracking.database import prepare

settings = environment.parse_settings(os.environ)
environment.apply(settings)
prepare(settings.database)
import uvicorn
from mlflow.server.fastapi_app import app

uvicorn.run(app, host=settings.host, port=settings.port, access_log=False, log_level="warning")
"""


class Hub(BaseHTTPRequestHandler):
    """Says of every token that it is Ada's; the service asks it once a minute."""

    def do_GET(self) -> None:
        scopes = ["access:services!service=mlflow"]
        body = json.dumps({"kind": "user", "name": "ada", "admin": False, "scopes": scopes})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _service(hub: str, code: list[str]) -> Iterator[httpx.Client]:
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
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
        }
        command = [sys.executable, "-W", "ignore", *code]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        headers = {"Authorization": "Bearer bench"}
        client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}{PREFIX}", headers=headers, timeout=120
        )
        try:
            while not _answers(client):
                time.sleep(0.2)
            yield client
        finally:
            client.close()
            process.terminate()
            process.wait()


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/version").is_success
    except httpx.TransportError:
        return False


def _prepare(client: httpx.Client) -> dict[str, Callable[[], httpx.Response]]:
    """Record some runs; return what is to be measured, by name."""
    made = client.post(f"{API}/experiments/create", json={"name": "bench"}).json()
    experiment = made["experiment_id"]
    for number in range(RUNS):
        body = {"experiment_id": experiment, "start_time": number + 1}
        run = client.post(f"{API}/runs/create", json=body).json()["run"]["info"]["run_id"]
        metrics = [{"key": f"m{i}", "value": i, "timestamp": 1, "step": 0} for i in range(10)]
        client.post(f"{API}/runs/log-batch", json={"run_id": run, "metrics": metrics})
    metric = {"run_id": run, "key": "m", "value": 1.0, "timestamp": 1}
    hundred = [{"key": "b", "value": 1.0, "timestamp": 1, "step": step} for step in range(100)]
    file = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/large.bin"
    large = os.urandom(100 * MIB)
    search = {"experiment_ids": [experiment], "max_results": RUNS}
    return {
        "log_metric": lambda: client.post(f"{API}/runs/log-metric", json=metric),
        "log_batch of 100 metrics": lambda: client.post(
            f"{API}/runs/log-batch", json={"run_id": run, "metrics": hundred}
        ),
        "search of 50 runs": lambda: client.post(f"{API}/runs/search", json=search),
        "100 MiB artifact up": lambda: client.put(file, content=large),
        "100 MiB artifact down": lambda: client.get(file),
    }


def _milliseconds(action: Callable[[], httpx.Response]) -> float:
    start = time.perf_counter()
    action().raise_for_status()
    return (time.perf_counter() - start) * 1000


def main() -> None:
    """Measure both in turn, so that what else the machine does hits both alike."""
    with ExitStack() as stack:
        hub = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
        threading.Thread(target=hub.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{hub.server_port}/hub/api"
        plain = _prepare(stack.enter_context(_service(address, ["-c", PLAIN])))
        wrapped = _prepare(stack.enter_context(_service(address, ["-m", "baton_hub.tracking"])))
        print(f"{'':26}{'plain p50':>11}{'ours p50':>11}{'ratio':>7}{'ratio p99':>11}")
        for name in plain:
            times: tuple[list[float], list[float]] = ([], [])
            for _ in range(ROUNDS.get(name, 7)):
                times[0].append(_milliseconds(plain[name]))
                times[1].append(_milliseconds(wrapped[name]))
            half = [statistics.median(one) for one in times]
            tail = [statistics.quantiles(one, n=100, method="inclusive")[98] for one in times]
            print(
                f"{name:26}{half[0]:8.1f} ms{half[1]:8.1f} ms"
                f"{half[1] / half[0]:7.2f}{tail[1] / tail[0]:11.2f}"
            )


if __name__ == "__main__":
    main()
