"""A running platform whose MLflow is taken away for a while."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
from tests.hub.running import Platform, wait_for


def mlflow_of(platform: Platform) -> psutil.Process | None:
    """Return the platform's MLflow; None while there is none."""
    for process in psutil.Process(platform.process.pid).children(recursive=True):
        try:
            if "baton_hub.tracking" in process.cmdline():
                return process
        except psutil.Error:
            continue
    return None


@contextmanager
def mlflow_away(platform: Platform) -> Iterator[None]:
    """End MLflow, and hold its successor before it answers anybody."""
    first = mlflow_of(platform)
    assert first is not None
    first.send_signal(signal.SIGKILL)

    def successor() -> psutil.Process | None:
        found = mlflow_of(platform)
        return found if found and found.pid != first.pid else None

    held = wait_for(successor, "the successor of MLflow")
    held.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        held.send_signal(signal.SIGCONT)
