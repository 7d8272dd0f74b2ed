"""What an earlier life of this server left uncaptured, and what it left behind."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from baton_lab.capture.cells import FOLDER, capture_folder
from baton_lab.capture.collector import give_way, send, serve

PATIENCE_SECONDS = 60.0
"""How old a request is before it counts as left behind; a collector takes one in seconds."""
KEPT_DAYS = 30.0
"""How long a kernel's executions are kept after its last one."""


async def collect_late() -> None:
    """Have a process capture what was left behind, where there is something; wait for its end.

    The process goes on when this is cancelled.
    """
    folder = capture_folder()
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "baton_lab.capture.late", folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    await process.wait()


def sweep(folder: Path, now: float) -> set[str]:
    """Capture the runs whose requests nobody served, and remove old files.

    Returns the spools that now hold something. ``now`` is in seconds since the epoch. A
    request from the future (a clock that went wrong) counts as left behind too.
    """
    for path in folder.glob("*.later"):
        path.rename(path.with_suffix(".json"))
    keys = {path.name.split(".")[0] for path in folder.glob("*.json") if _is_left(path, now)}
    spools: set[str] = set()
    for key in sorted(keys):
        spools |= serve(folder, key, is_late=True)
    for path in (*folder.glob("*.lock"), *folder.glob("*.arriving"), *(folder / FOLDER).glob("*")):
        with suppress(OSError):
            if now - path.stat().st_mtime > KEPT_DAYS * 86400:
                path.unlink()
    return spools


def _is_left(path: Path, now: float) -> bool:
    try:
        written = int(path.name.split(".")[1]) / 1e9
    except (IndexError, ValueError):
        return False
    return not 0 <= now - written < PATIENCE_SECONDS


if __name__ == "__main__":
    give_way()
    send(sweep(Path(sys.argv[1]), time.time()))
