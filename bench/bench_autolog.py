"""What autologging costs a fit: none, as Baton sets it, and as MLflow does by itself.

``python bench/bench_autolog.py`` starts MLflow and, at once, one real kernel per variant;
lets each fit the same scikit-learn models in turn, and prints medians, the longest and
ratios to the kernel without. Then what following the setting costs before each cell.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from tracking_service import start_hub, start_service

ROUNDS = int(os.environ.get("BATON_BENCH_ROUNDS", "10"))
SLOW_ROUNDS = 3
"""For the variants with models, of which one fit takes seconds."""
STARTS = 5
CELLS = 200
VARIANTS = {
    "plain": ("off", ""),
    "metrics": ("metrics", ""),
    "models": ("models", ""),
    "mlflow": ("off", "import mlflow; mlflow.autolog(silent=True)"),
}
"""What is set in each kernel, and what its code says."""
PREPARE = """
import time
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
data = make_classification(4000, 20, random_state=0)
def fit(trees):
    model = RandomForestClassifier(trees, random_state=0)
    start = time.perf_counter()
    model.fit(*data)
    return time.perf_counter() - start
"""


class Kernel:
    """A kernel with Baton in it, as a person's notebook has."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client

    def ask(self, code: str) -> str:
        """Run a cell; return what it printed."""
        printed: list[str] = []

        def take(message: dict[str, dict[str, str]]) -> None:
            said = message["content"]
            if message["msg_type"] == "error":
                raise SystemExit("\n".join(said["traceback"]))
            if said.get("name") == "stdout":
                printed.append(said["text"])

        self._client.execute_interactive(code, output_hook=take, timeout=600, store_history=True)
        return "".join(printed)

    def seconds(self, code: str) -> float:
        """Run a cell that prints seconds last."""
        return float(self.ask(code).split()[-1])


@contextmanager
def start_kernel(home: Path, autolog: str, env: dict[str, str]) -> Iterator[Kernel]:
    """Start a kernel whose person set ``autolog`` for all their notebooks."""
    folder = home / ".local" / "share" / "jupyter" / "baton"
    folder.mkdir(parents=True)
    (folder / "settings.json").write_text(json.dumps({"autolog": autolog}))
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(
        env={**os.environ, **env, "HOME": str(home)}, cwd=str(home), stderr=subprocess.DEVNULL
    )
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=120)
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _measure(kernels: dict[str, Kernel], trees: int) -> None:
    """Fit in turn, so that what else the machine does hits all alike."""
    names = list(kernels)
    times: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(ROUNDS + 1):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            if name in {"plain", "metrics"} or turn <= SLOW_ROUNDS:
                times[name].append(kernels[name].seconds(f"print(fit({trees}))"))
    # The first of each is what is loaded at first use.
    half = {name: statistics.median(each[1:]) for name, each in times.items()}
    most = {name: max(each[1:]) for name, each in times.items()}
    print(f"{f'forest of {trees} trees':20}", end="")
    print("".join(f"{f'{name} p50':>13}{'most':>9}" for name in names), end="")
    print("".join(f"{f'{name}/plain':>14}" for name in names[1:]))
    print(f"{'':20}", end="")
    print("".join(f"{half[n]:11.2f} s{most[n]:7.2f} s" for n in names), end="")
    print("".join(f"{half[n] / half['plain']:14.2f}" for n in names[1:]))


def _measure_cells(folder: Path) -> None:
    """Print what a look at the settings costs, and that it loads nothing."""
    empty = f"""
import time
shell = get_ipython()
start = time.perf_counter()
for _ in range({CELLS}):
    shell.baton_autolog.begin()
print((time.perf_counter() - start) / {CELLS})
"""
    print(f"{'before a cell':20}", end="")
    for autolog in ("off", "metrics"):
        with start_kernel(folder / f"cells-{autolog}", autolog, {}) as kernel:
            seconds = kernel.seconds(empty)
            loaded = kernel.ask("import sys; print('mlflow' in sys.modules)").strip()
        print(f"{f'{autolog}:':>10}{seconds * 1e6:7.1f} µs, MLflow loaded: {loaded}", end="")
    print()


def main() -> None:
    """Measure all variants in one run and print the table."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        hub = stack.enter_context(start_hub())
        service = stack.enter_context(start_service(hub, ["-m", "baton_hub.tracking"]))
        env = {
            "MLFLOW_TRACKING_URI": str(service.client.base_url).rstrip("/"),
            "MLFLOW_TRACKING_USERNAME": "ada",
            "MLFLOW_TRACKING_PASSWORD": "bench",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        kernels = {}
        for name, (autolog, code) in VARIANTS.items():
            kernels[name] = stack.enter_context(start_kernel(folder / name, autolog, env))
            kernels[name].ask(f"{code}\n{PREPARE}")
        _measure(kernels, 30)
        # What models cost does not grow with the fit, and was seen.
        _measure({name: kernels[name] for name in ("plain", "metrics")}, 120)
        _measure_cells(folder)


if __name__ == "__main__":
    sys.exit(main())
