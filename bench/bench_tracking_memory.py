"""What MLflow takes of a machine: `mlflow server` against ours, one worker and four.

``python bench/bench_tracking_memory.py`` starts each on a fresh database, has it answer a
few requests of each kind, and prints the seconds until it answered and the memory of all
its processes: PSS counts what they share once. Four workers of ours need PostgreSQL's
programs; without them only one is measured.
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
from tracking_service import API, MIB, PREFIX, Service, start_hub, start_service

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.machine import postgres as find_postgres
from tests.postgres import make_database, start_postgres

REQUESTS = 60
OURS = ["-m", "baton_hub.tracking"]


def _mlflow(workers: int, database: str = "sqlite:///mlflow.sqlite") -> list[str]:
    options = {
        "--host": "127.0.0.1",
        "--port": "{port}",
        "--backend-store-uri": database,
        "--artifacts-destination": "artifacts",
        "--static-prefix": PREFIX,
        "--workers": str(workers),
    }
    return ["-m", "mlflow", "server", *(part for pair in options.items() for part in pair)]


# As ours has it; with jobs, MLflow adds a process for each kind of them.
NO_JOBS = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def _use(service: Service) -> None:
    """Record and search a little, on connections of its own, so that every worker has a part."""
    body = {"experiment_id": "0", "start_time": 1}
    for number in range(REQUESTS):
        with httpx.Client(base_url=service.client.base_url, headers=service.client.headers) as one:
            run = one.post(f"{API}/runs/create", json=body).raise_for_status().json()["run"]
            metric = {"run_id": run["info"]["run_id"], "key": "m", "value": 1.0, "timestamp": 1}
            one.post(f"{API}/runs/log-metric", json=metric).raise_for_status()
            if number % 10 == 0:
                search = {"experiment_ids": ["0"], "max_results": 50}
                one.post(f"{API}/runs/search", json=search).raise_for_status()


def _measure(name: str, hub: str, command: list[str], **settings: str) -> int:
    began = time.monotonic()
    with start_service(hub, command, **settings) as service:
        ready = time.monotonic() - began
        _use(service)
        rss, pss = service.memory()
        count = len(service.processes())
    print(f"{name:28}{ready:7.1f} s{count:11}{rss / MIB:9.0f} MiB{pss / MIB:8.0f} MiB")
    return pss


def main() -> None:
    """Measure one after the other and print the table."""
    with ExitStack() as stack:
        hub = stack.enter_context(start_hub())
        print(f"{'':28}{'answers':>9}{'processes':>11}{'RSS':>13}{'PSS':>12}")
        theirs = _measure("mlflow server", hub, _mlflow(1), **NO_JOBS)
        ours = _measure("ours", hub, OURS)
        print(f"{'':28}ratio of PSS {ours / theirs:.2f}")
        if (programs := find_postgres()) is None:
            print("PostgreSQL is not installed: several workers are not measured.")
            return
        server = stack.enter_context(start_postgres(programs))
        named = make_database(server, "theirs").replace("postgresql:", "postgresql+psycopg:")
        theirs = _measure("mlflow server, 4 workers", hub, _mlflow(4, named), **NO_JOBS)
        settings = {
            "BATON_MLFLOW_DATABASE": make_database(server, "ours"),
            "BATON_MLFLOW_WORKERS": "4",
        }
        ours = _measure("ours, 4 workers", hub, OURS, **settings)
        print(f"{'':28}ratio of PSS {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
