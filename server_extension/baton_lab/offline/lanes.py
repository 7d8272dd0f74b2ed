"""The files of a journal: how they are locked, read, and shortened once MLflow has them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from baton_lab.offline.entries import Entry, parse_line

CALLS, BESIDE, SENT = ".calls", ".beside", ".sent"


@dataclass(frozen=True)
class Lane:
    """One file of entries, of one run, experiment or model, to be sent in its order."""

    owner: str
    path: Path

    @property
    def is_calls(self) -> bool:
        """Whether these are the owner's own calls, and not what came beside them."""
        return self.path.suffix == CALLS

    def position(self) -> int:
        """Return how many bytes of it MLflow has."""
        try:
            return int(self._sent.read_text("ascii"))
        except (OSError, ValueError):
            return 0

    def advance(self, position: int) -> None:
        """Remember that MLflow has the file up to this byte."""
        arriving = self._sent.with_suffix(".arriving")
        arriving.write_text(str(position), "ascii")
        arriving.replace(self._sent)

    def finish(self) -> bool:
        """Remove the file if MLflow has all of it; return whether it did."""
        with locked(self.path) as fd:
            rest = os.pread(fd, os.fstat(fd).st_size, self.position())
            # Nobody writes now: a line without an end is what a crash left.
            if b"\n" in rest:
                return False
            # In this order: what is sent twice is sent once, what is skipped is lost.
            self._sent.unlink(missing_ok=True)
            self.path.unlink()
        return True

    @property
    def _sent(self) -> Path:
        return self.path.with_name(self.path.name + SENT)


def load_lanes(folder: Path) -> list[Lane]:
    """Return what waits in a spool, in the order in which it was begun."""
    runs = folder / "runs"
    paths = [*runs.iterdir()] if runs.is_dir() else []
    lanes = [Lane(path.stem, path) for path in paths if path.suffix in {CALLS, BESIDE}]
    return sorted(lanes, key=lambda lane: (since(lane), not lane.is_calls, lane.owner))


def since(lane: Lane) -> str:
    """Return when a lane was begun, ISO 8601 in UTC; "" where that is not known."""
    with suppress(OSError):
        for entry, _ in load_entries(lane.path):
            return entry["at"] if entry and entry["kind"] == "since" else ""
    return ""


def load_entries(path: Path, start: int = 0) -> Iterator[tuple[Entry | None, int]]:
    """Yield each entry from the byte ``start`` on, with the byte at which it ends.

    None for a line that a crash tore: the call that wrote it never returned. A last line
    without an end is left for later: somebody may be writing it.
    """
    with path.open("rb") as lines:
        lines.seek(start)
        for line in lines:
            if not line.endswith(b"\n"):
                return
            start += len(line)
            yield parse_line(line), start


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold the file at ``path``, made if it is absent, for this process alone."""
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if _is_still(fd, path):
                yield fd
                return
        finally:
            os.close(fd)


def _is_still(fd: int, path: Path) -> bool:
    """Tell whether the file was not cleared away while its lock was awaited."""
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False
