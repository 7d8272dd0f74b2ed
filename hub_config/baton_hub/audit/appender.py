"""One process's hold on an audit's file: lock, recovery after a crash, rotation, append."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

from baton_contract.timestamp import render_timestamp
from baton_hub.audit.chain import START, Head, parse_head, seal
from baton_hub.audit.files import first_number, head_file, log_files
from baton_hub.audit.tail import last_line

log = logging.getLogger(__name__)

MAX_BYTES = 64 * 2**20
"""At what size the file is rotated, unless somebody says otherwise."""
MODE = 0o640


class BusyError(OSError):
    """Another process writes this audit."""


class Appender:
    """Adds lines to an audit, each in its place in the chain, and never changes one.

    Only one process at a time may; the lock is held on the head's file until the process
    ends. What a killed predecessor left unfinished is kept, and told by a ``repair`` event.
    Whoever renames the file away finds the next line in a new one. Safe for several
    threads. Every method may raise `OSError`; the event is then not recorded, and what
    got into the file of it is told before the next one.
    """

    def __init__(self, path: Path, clock: Callable[[], datetime], rotate_at: int) -> None:
        self._path, self._clock, self._rotate_at = path, clock, rotate_at
        self._guard = Lock()
        self._file: int | None = None
        self._head_file: int | None = None
        self._is_known = False
        self._torn = b""
        self._untold: list[dict[str, Any]] = []
        self.head = START

    def append(self, event: Mapping[str, Any]) -> Head:
        """Add one event; it outlives this process, and the machine once `sync` returned."""
        with self._guard:
            self._catch_up()
            return self._write(event)

    def open(self) -> None:
        """Take the lock, and tell what there is to tell of how the audit was found."""
        with self._guard:
            self._catch_up()

    def sync(self) -> Head:
        """Have everything that was added reach the disk, and note the head; returns it."""
        with self._guard:
            if self._file is None or self._head_file is None:
                return self.head
            head, copy, noted = self.head, os.dup(self._file), self._head_file
        try:
            os.fsync(copy)
        finally:
            os.close(copy)
        # After the lines themselves: a head that is ahead of them always means a loss.
        os.pwrite(noted, f"{head}\n".encode(), 0)
        os.fsync(noted)
        return head

    def close(self) -> None:
        """Give the file and the lock back."""
        with self._guard:
            for handle in (self._file, self._head_file):
                if handle is not None:
                    os.close(handle)
            self._file = self._head_file = None

    def _write(self, facts: Mapping[str, Any]) -> Head:
        event = {"time": render_timestamp(self._clock()), **facts}
        line, head = seal(event, self.head)
        # What is torn is ended first, so that the new line stands alone.
        data = (b"\n" if self._torn else b"") + line
        if self._file is None:
            raise OSError("the audit is not open")
        written = 0
        try:
            while written < len(data):
                written += os.write(self._file, data[written:])
        except OSError:
            self._torn += data[:written]
            raise
        self._torn, self.head = b"", head
        return head

    def _catch_up(self) -> None:
        self._make_ready()
        if self._torn:
            self._write(repair("torn_line", torn=_extent(self._torn)))
        while self._untold:
            self._write(self._untold[0])
            del self._untold[0]

    def _make_ready(self) -> None:
        if not self._is_known:
            self._recover()
        elif self._file is None or self._was_moved(self._file):
            self._reopen()
        elif 0 < self._rotate_at <= os.fstat(self._file).st_size and not self._torn:
            self._rotate(self._file)

    def _reopen(self) -> None:
        """Go on in a new file, as the last one was renamed."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        if _size(self._path) and last_line(self._path) != (self.head, self._torn):
            self._untold.append(repair("set_aside", set_aside=self._set_aside()))
        self._file = self._open()
        _sync_folder(self._path.parent)

    def _was_moved(self, file: int) -> bool:
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return True
        held = os.fstat(file)
        return (there.st_ino, there.st_dev) != (held.st_ino, held.st_dev)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, MODE)

    def _rotate(self, file: int) -> None:
        """Rename the file after the day and its first line; go on in a new one."""
        os.fsync(file)
        number = first_number(self._path) or 0
        name = f"{self._path.name}-{self._clock():%Y%m%d}-{number:010d}"
        try:
            _rename(self._path, self._path.with_name(name))
        except OSError as error:
            # The file goes on growing, which is better than not to record. Nobody tries again.
            self._rotate_at = 0
            log.error("The audit %s can't be rotated: %s.", self._path, error.strerror)  # noqa: TRY400
        else:
            self._reopen()

    def _recover(self) -> None:
        """Take up a chain where it ended, or begin one."""
        noted = self._take_lock()
        rotated = [file for file in log_files(self._path) if file != self._path]
        last, self._torn = last_line(self._path) if _size(self._path) else (None, b"")
        aside = None
        if last is None and self._torn and not rotated:
            aside, self._torn = self._set_aside(), b""
        if last is None and rotated:
            last, _ = last_line(rotated[-1])
        # Whoever moved every file away left the head, from which the chain goes on.
        self.head = last or (noted if noted and not aside else START)
        self._file = self._open()
        _sync_folder(self._path.parent)
        self._untold = []
        if self.head == START:
            os.truncate(head_file(self._path), 0)
            self._untold = [{"event": "begin", "set_aside": aside}]
        elif noted and (noted.seq > self.head.seq or _contradicts(noted, self.head)):
            log.error("The audit %s ends before %s, which was noted as its end.", self._path, noted)
            self._untold = [repair("end_missing", head=str(noted))]
        self._is_known = True

    def _take_lock(self) -> Head | None:
        """Become the one process that writes; returns the head that was noted last."""
        path = head_file(self._path)
        if self._head_file is None:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, MODE)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os.close(handle)
                if not isinstance(error, BlockingIOError):
                    raise
                raise BusyError(
                    f"Another Hub writes the audit {self._path}: stop it,"
                    " or give each Hub an audit_file of its own."
                ) from None
            self._head_file = handle
        with suppress(ValueError):
            return parse_head(path.read_text("ascii").rstrip("\n"))
        return None

    def _set_aside(self) -> dict[str, Any]:
        """Rename what is in the way and no part of the chain; returns what it was."""
        extent = _extent(self._path.read_bytes())
        name = f"{self._path.name}.unchained-{self._clock():%Y%m%dT%H%M%SZ}"
        file = _rename(self._path, self._path.with_name(name))
        return {"file": file.name, **extent}


def _contradicts(noted: Head, last: Head) -> bool:
    return noted.seq == last.seq and noted.hash != last.hash


def repair(code: str, **facts: Any) -> dict[str, Any]:
    known = {"torn": None, "head": None, "set_aside": None, "dropped": None}
    return {"event": "repair", "code": code, **known, **facts}


def _extent(data: bytes) -> dict[str, Any]:
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _rename(file: Path, wanted: Path) -> Path:
    """Rename a file without ever taking another one's place; returns its new path."""
    free, count = wanted, 0
    while free.exists():
        count += 1
        free = wanted.with_name(f"{wanted.name}.{count}")
    file.rename(free)
    return free


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _sync_folder(folder: Path) -> None:
    """Have a new name reach the disk, where the file system knows how to."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
