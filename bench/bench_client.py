"""What Baton adds to MLflow's client in a kernel: per log call, and per start of a run.

``python bench/bench_client.py`` starts one MLflow behind the Hub's sign-in and two Python
processes beside it: one with Baton's plugins, one where MLflow finds none of them. They
call the same server in turns, one call each, so that what else the machine does falls on
both. It prints medians and 99th percentiles in milliseconds, what Baton adds, the ratio,
and the median of what each call took longer than the one beside it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tracking_service import Service, start_hub, start_service

ROUNDS = 400
EVERY = 4
"""Of so many rounds one starts a run."""
NAMES = ("log_metric", "log_param", "set_tag", "start_run")

WORKER = """
import json, sys, time

if sys.argv[1] == "plain":
    from importlib import metadata
    found = metadata.entry_points
    def entry_points(**given):
        points = found(**given)
        return metadata.EntryPoints(p for p in points if not p.value.startswith("baton_lab"))
    metadata.entry_points = entry_points

import mlflow
from mlflow.tracking._tracking_service.utils import _get_store

assert (type(_get_store()).__module__.startswith("baton_lab")) == (sys.argv[1] == "baton")
mlflow.set_experiment("bench")
run = mlflow.start_run()
count = 0

def timed(call, *given):
    began = time.perf_counter()
    call(*given)
    return (time.perf_counter() - began) * 1000

def start():
    mlflow.start_run(nested=True)

for line in sys.stdin:
    name, times = line.split()
    taken = []
    for _ in range(int(times)):
        count += 1
        if name == "log_metric":
            taken.append(timed(mlflow.log_metric, "m", count, count))
        elif name == "log_param":
            taken.append(timed(mlflow.log_param, f"p{count}", count))
        elif name == "set_tag":
            taken.append(timed(mlflow.set_tag, "t", count))
        else:
            taken.append(timed(start))
            mlflow.end_run()
    print("TOOK", json.dumps(taken), flush=True)
"""


class Worker:
    """A process that logs when it is told to."""

    def __init__(self, kind: str, environment: dict[str, str], folder: Path) -> None:
        home = folder / kind
        home.mkdir()
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", WORKER, kind],
            env={**environment, "HOME": str(home), "JUPYTER_RUNTIME_DIR": str(home / "run")},
            cwd=home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def time(self, name: str, times: int) -> list[float]:
        """Return what each of so many calls took, in milliseconds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{name} {times}\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("TOOK"):
                taken: list[float] = json.loads(line.removeprefix("TOOK "))
                return taken
        raise RuntimeError("a worker ended")

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


def main() -> None:
    """Measure, and print."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        hub = stack.enter_context(start_hub())
        service = stack.enter_context(start_service(hub, ["-m", "baton_hub.tracking"]))
        environment = _environment(service)
        workers = {kind: Worker(kind, environment, folder) for kind in ("plain", "baton")}
        for worker in workers.values():
            stack.callback(worker.end)
            for name in NAMES:
                worker.time(name, 3)  # Connections, and what is loaded when first used.
        found: dict[str, dict[str, list[float]]] = {
            kind: {name: [] for name in NAMES} for kind in workers
        }
        for turn in range(ROUNDS):
            order = [*workers.items()][:: 1 if turn % 2 else -1]
            for name in NAMES:
                if name != "start_run" or turn % EVERY == 0:
                    for kind, worker in order:
                        found[kind][name] += worker.time(name, 1)
    for name in NAMES:
        print(_line(name, found["plain"][name], found["baton"][name]))


def _line(name: str, plain: list[float], baton: list[float]) -> str:
    figures = []
    for title, of in (("median", statistics.median), ("p99", _p99)):
        before, after = of(plain), of(baton)
        figures.append(
            f"{title} {before:7.2f} -> {after:7.2f} ms ({after - before:+6.2f} ms, "
            f"x{after / before:.2f})"
        )
    pairs = [after - before for before, after in zip(plain, baton, strict=True)]
    figures.append(f"call by call {statistics.median(pairs):+6.2f} ms")
    return f"{name:<11} " + "   ".join(figures)


def _p99(taken: list[float]) -> float:
    return statistics.quantiles(taken, n=100)[98]


def _environment(service: Service) -> dict[str, str]:
    url = str(service.client.base_url).rstrip("/")
    return {
        **os.environ,
        "BATON_TRACKING_URI": url,
        "MLFLOW_TRACKING_URI": url,
        "MLFLOW_TRACKING_USERNAME": "ada",
        "MLFLOW_TRACKING_PASSWORD": "bench",
        "JUPYTERHUB_API_TOKEN": "bench",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


if __name__ == "__main__":
    main()
