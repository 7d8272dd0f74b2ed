"""Serves the requests that runs left at their start: snapshot, changes, packages.

    python -m baton_lab.capture.collector FOLDER KEY

A process of its own session, started by the kernel and outliving it. What it finds goes
into the journal, from where it is sent whether MLflow is there now or not. It imports
neither MLflow nor Jupyter's server.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from baton_lab.capture.findings import collect
from baton_lab.capture.mask import load_mask
from baton_lab.offline.journal import Journal

ATTEMPTS = 3
"""How often a request is tried that ends the collector itself, by memory for instance."""


def serve(folder: Path, key: str, *, is_late: bool = False) -> None:
    """Serve all requests under ``key``, oldest first, also those that come meanwhile.

    Returns at once where another process does. With ``is_late`` this is not the
    environment that the run had, so what it would mask is not known: see `collect`.
    """
    while waiting(folder, key):
        with _locked(folder / f"{key}.lock") as is_ours:
            if not is_ours:
                return
            while requests := waiting(folder, key):
                _serve(requests[0], is_late=is_late)
        # One that came while we let go saw the lock and left it to us.


def waiting(folder: Path, key: str) -> list[Path]:
    """Return the requests under ``key``, oldest first."""
    return sorted(folder.glob(f"{key}.*.json"), key=lambda path: path.name.split(".")[1])


def _serve(path: Path, *, is_late: bool) -> None:
    attempt = int(path.name.split(".")[3]) + 1 if path.name.count(".") == 4 else 1
    path = path.rename(path.with_name(".".join((*path.name.split(".")[:3], str(attempt), "json"))))
    try:
        request: dict[str, Any] = json.loads(path.read_bytes())
        journal = Journal(Path(request["spool"]))
        mask = load_mask(os.environ)
        for entry in collect(request, journal, mask, is_late=is_late, is_last=attempt >= ATTEMPTS):
            journal.append(request["run"], entry)
    except Exception:  # noqa: BLE001 - the top of a process that nobody sees; tried again later
        if attempt < ATTEMPTS:
            return _retire(path)
    path.unlink(missing_ok=True)
    return None


def _retire(path: Path) -> None:
    """Put a request aside that failed; the server's next start tries it again."""
    with suppress(OSError):
        path.rename(path.with_suffix(".later"))


@contextmanager
def _locked(path: Path) -> Iterator[bool]:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(fd)


def main(folder: str, key: str) -> None:
    """Serve, without being in anybody's way."""
    os.nice(10)
    serve(Path(folder), key)


if __name__ == "__main__":
    main(*sys.argv[1:3])
