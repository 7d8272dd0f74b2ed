"""Where an audit is kept: the file that grows, and those that were rotated away from it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from baton_contract import ConflictError

TORN_LINES = 20
"""How many unreadable lines may stand before a file's first event."""

LINE_BYTES = 1 << 20
"""More than a line ever has; what is longer is not an audit."""


class AuditError(ConflictError):
    """An audit can't be read as one. The text says where and what."""

    def __init__(self, file: Path, line: int, message: str) -> None:
        super().__init__("audit_broken", f"{file}:{line}: {message}")
        self.file, self.line, self.sentence = file, line, message


def head_file(path: Path) -> Path:
    """Return the file beside an audit that holds its last line's number and hash."""
    return path.with_name(f"{path.name}.head")


def log_files(path: Path) -> list[Path]:
    """Return an audit's files, oldest first: those rotated away, then the one that grows.

    Whatever rotated them may have named them: files beside it whose names begin with
    its own belong to it when their first line has a place in the chain. They are put
    in order by that place, and may be compressed by gzip. Of copies, the largest counts.
    """
    known: dict[int, Path] = {}
    for file in (*path.parent.glob(f"{path.name}.*"), *path.parent.glob(f"{path.name}-*")):
        number = first_number(file)
        if number is not None and (number not in known or _size(file) > _size(known[number])):
            known[number] = file
    if path.is_file():
        # A copy of it that somebody left here begins with the same line.
        known.pop(first_number(path) or 0, None)
    return [*(known[number] for number in sorted(known)), *([path] if path.is_file() else [])]


def _size(file: Path) -> int:
    return file.stat().st_size


@contextmanager
def open_files(listed: Callable[[], list[Path]]) -> Iterator[list[tuple[Path, IO[bytes]]]]:
    """Open every file of a list at once, so that a rotation meanwhile takes none away.

    ``listed`` is asked again when a rotation came between the list and its files.
    """
    with ExitStack() as stack:
        while True:
            files = listed()
            try:
                opened = [(file, stack.enter_context(_open(file))) for file in files]
            except FileNotFoundError:
                continue
            if listed() == files:
                break
        yield opened


def first_number(file: Path) -> int | None:
    """Return the place in the chain of a file's first line; None when it has none."""
    event = first_event(file)
    return event["seq"] if event else None


def first_event(file: Path) -> dict[str, Any] | None:
    """Return a file's first event; None when it holds none.

    Before it may stand what a crash left of a line, and nothing else.
    """
    try:
        with _open(file) as stream:
            for number, line in read_lines(stream):
                event = _json(line)
                if event is not None or number == TORN_LINES:
                    return event if isinstance(event, dict) and _has_place(event) else None
    except (OSError, EOFError):
        return None
    return None


def _json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _has_place(event: dict[str, Any]) -> bool:
    return isinstance(event.get("seq"), int) and isinstance(event.get("event"), str)


def read_lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield each line's number, from 1, and its bytes; all but a torn last one end in a newline."""
    number = 0
    while line := stream.readline(LINE_BYTES):
        number += 1
        yield number, line


def _open(file: Path) -> IO[bytes]:
    return gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb")  # type: ignore[return-value]
