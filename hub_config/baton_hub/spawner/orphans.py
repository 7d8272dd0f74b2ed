"""Processes of servers on this machine that no Hub knows of any more."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress

import psutil

from baton_hub.spawner.environment import SERVER_ID


def end_processes(ids: Collection[str], patience: float = 5) -> int:
    """End all processes of servers with these ids; returns how many there were.

    They are asked to end, and killed after ``patience`` seconds. Only processes of the
    Hub's own system user are looked at. What began while this looked is ended too.
    """
    count = 0
    while found := list(_processes_of(ids)):
        count += len(found)
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        _, alive = psutil.wait_procs(found, timeout=patience)
        for process in alive:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive, timeout=patience)
    return count


def _processes_of(ids: Collection[str]) -> Iterator[psutil.Process]:
    own = os.geteuid()
    for process in psutil.process_iter():
        try:
            if process.uids().effective != own or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if process.environ().get(SERVER_ID) in ids:
                yield process
        except (psutil.Error, OSError):
            continue  # It has just ended, or is not ours to look at.
