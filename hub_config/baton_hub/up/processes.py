"""Leaving no process behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Container

import psutil

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, so that none is out of sight.

    Where the system has no such thing (it is Linux'), nothing changes.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent() -> None:
    """Have this process end when its parent ends, however that happens. For ``preexec_fn``."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def reap_orphans(own: Container[int]) -> None:
    """Collect adopted processes that have ended, without touching one's own children."""
    for child in psutil.Process().children():
        try:
            if child.pid not in own and child.status() == psutil.STATUS_ZOMBIE:
                os.waitpid(child.pid, os.WNOHANG)
        except (psutil.NoSuchProcess, ChildProcessError):
            continue


def end_descendants(patience: float) -> None:
    """End everything below this process: politely, and after ``patience`` seconds for certain."""
    living = psutil.Process().children(recursive=True)
    for process in living:
        _send(process, signal.SIGTERM)
    _, living = psutil.wait_procs(living, timeout=patience)
    # What started meanwhile is included.
    living = list({*living, *psutil.Process().children(recursive=True)})
    for process in living:
        _send(process, signal.SIGKILL)
    psutil.wait_procs(living, timeout=5)


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)
