"""What Baton adds to MLflow's client: per log call, and per start of a run.

``python bench/bench_client.py`` starts one MLflow behind the Hub's sign-in, and beside it
two Python processes and two kernels with a notebook in a git repository: of each, one with
Baton and one where nobody finds it. They call the same server in turns, one call each, so
that what else the machine does falls on both. It prints medians and 99th percentiles in
milliseconds, what Baton adds, the ratio, and the median of what each call took longer than
the one beside it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import nbformat
from jupyter_client.manager import KernelManager
from nbformat.v4 import new_code_cell, new_notebook
from tracking_service import Service, start_hub, start_service

ROUNDS = 400
EVERY = 4
"""Of so many rounds one starts a run."""
AUTHOR = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
NAMES = ("log_metric", "log_param", "set_tag", "start_run")

CELL = "5f0c1d2e"
PREPARE = """
import json, sys, time

if KIND == "plain":
    from importlib import metadata
    found = metadata.entry_points
    def entry_points(**given):
        points = found(**given)
        return metadata.EntryPoints(p for p in points if not p.value.startswith("baton_lab"))
    metadata.entry_points = entry_points

import mlflow
from mlflow.tracking._tracking_service.utils import _get_store

assert (type(_get_store()).__module__.startswith("baton_lab")) == (KIND == "baton")
mlflow.set_experiment("bench")
run = mlflow.start_run()
count = 0

def timed(call, *given):
    began = time.perf_counter()
    call(*given)
    return (time.perf_counter() - began) * 1000

def start():
    mlflow.start_run(nested=True)

def measure(name, times):
    global count
    taken = []
    for _ in range(times):
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
SERVE = """
for line in sys.stdin:
    name, times = line.split()
    measure(name, int(times))
"""


class Script:
    """A process that logs when it is told to."""

    def __init__(self, kind: str, environment: dict[str, str], home: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", f"KIND = {kind!r}{PREPARE}{SERVE}"],
            env=environment,
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
        return _find_taken(self._process.stdout)

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


class Notebook:
    """A kernel that logs in a cell of its notebook when it is told to."""

    def __init__(self, kind: str, environment: dict[str, str], home: Path) -> None:
        notebook = new_notebook(cells=[new_code_cell("measure()", id=CELL)])
        nbformat.write(notebook, home / "bench.ipynb")
        for command in (["init", "-q"], ["add", "."], [*AUTHOR, "commit", "-qm", "Bench"]):
            subprocess.run(["git", *command], cwd=home, env=environment, check=True)
        self._manager = KernelManager(kernel_name="python3")
        self._manager.start_kernel(
            env={**environment, "JPY_SESSION_NAME": str(home / "bench.ipynb")},
            cwd=str(home),
            extra_arguments=["--InteractiveShellApp.extensions=[]"] if kind == "plain" else [],
            stderr=subprocess.DEVNULL,
        )
        self._client = self._manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=120)
        self._ask(f"KIND = {kind!r}{PREPARE}")
        captured = self._ask("print('baton.cell' in mlflow.get_run(run.info.run_id).data.tags)")
        if (captured[-1] == "True") != (kind == "baton"):
            raise SystemExit(f"The {kind} kernel's run has the wrong tags.")

    def _ask(self, code: str) -> list[str]:
        """Run a cell as JupyterLab sends it; return the lines that it printed."""
        content = {"code": code, "silent": False, "store_history": True}
        message = self._client.session.msg("execute_request", content, metadata={"cellId": CELL})
        self._client.shell_channel.send(message)
        printed = ""
        while True:
            said = self._client.get_iopub_msg(timeout=120)
            if said["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            if said["msg_type"] == "error":
                raise SystemExit("\n".join(said["content"]["traceback"]))
            if said["content"].get("name") == "stdout":
                printed += said["content"]["text"]
            if said["content"].get("execution_state") == "idle":
                return printed.splitlines()

    def time(self, name: str, times: int) -> list[float]:
        """Return what each of so many calls took, in milliseconds."""
        return _find_taken(self._ask(f"measure({name!r}, {times})"))

    def end(self) -> None:
        """End it."""
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


def _find_taken(lines: Iterable[str]) -> list[float]:
    for line in lines:
        if line.startswith("TOOK"):
            taken: list[float] = json.loads(line.removeprefix("TOOK "))
            return taken
    raise SystemExit("A worker ended.")


def main() -> None:
    """Measure, and print."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        hub = stack.enter_context(start_hub())
        service = stack.enter_context(start_service(hub, ["-m", "baton_hub.tracking"]))
        for place in (Script, Notebook):
            print(f"in a {place.__name__.lower()}")
            _measure(place, _environment(service), folder)


def _measure(place: type[Script | Notebook], environment: dict[str, str], folder: Path) -> None:
    with ExitStack() as stack:
        workers: dict[str, Script | Notebook] = {}
        for kind in ("plain", "baton"):
            home = folder / f"{place.__name__}-{kind}"
            home.mkdir()
            own = {"HOME": str(home), "JUPYTER_RUNTIME_DIR": str(home / "run")}
            workers[kind] = place(kind, environment | own, home)
            stack.callback(workers[kind].end)
            for name in NAMES:
                workers[kind].time(name, 3)  # Connections, and what is loaded when first used.
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
