"""Where an audit is kept: the file that grows, and those that were rotated away from it."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import click

from baton_contract import ConflictError

VARIABLE = "BATON_AUDIT_FILE"
PLACES = (
    ".lab/audit.jsonl",
    "~/.local/share/baton/audit.jsonl",
    "/srv/jupyterhub/audit.jsonl",
)
"""Where an audit is looked for when nobody says where it is."""

LINE_BYTES = 1 << 20
"""More than a line ever has; what is longer is not an audit."""


class AuditError(ConflictError):
    """An audit can't be read as one. The text says where and what."""

    def __init__(self, file: Path, line: int, message: str) -> None:
        super().__init__("audit_broken", f"{file}:{line}: {message}")
        self.file, self.line, self.sentence = file, line, message


def find_audit(given: Path | None) -> Path:
    """Return the audit to read: the one given, else ``BATON_AUDIT_FILE``, else one of `PLACES`.

    Raises `click.ClickException` with a sentence when there is none.
    """
    named = given or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if named is not None:
        if log_files(named):
            return named
        raise click.ClickException(f"There is no audit at {named}. Name another file.")
    found = next((p for p in (Path(p).expanduser() for p in PLACES) if p.is_file()), None)
    if found is None:
        raise click.ClickException(
            f"No audit was found in {', '.join(PLACES)}."
            f" Name it with --audit FILE, or set {VARIABLE}."
        )
    return found


def head_file(path: Path) -> Path:
    """Return the file beside an audit that holds its last line's number and hash."""
    return path.with_name(f"{path.name}.head")


def log_files(path: Path) -> list[Path]:
    """Return an audit's files, oldest first: those rotated away, then the one that grows.

    Whatever rotated them may have named them: files beside it whose names begin with
    its own belong to it when their first line has a place in the chain. They are put
    in order by that place, and may be compressed by gzip.
    """
    heads = [head_file(path), *path.parent.glob(f"{path.name}.lock")]
    rotated = [
        (number, file)
        for file in (*path.parent.glob(f"{path.name}.*"), *path.parent.glob(f"{path.name}-*"))
        if file not in heads and (number := first_number(file)) is not None
    ]
    found = [file for _, file in sorted(rotated, key=lambda pair: (pair[0], pair[1].name))]
    return [*found, path] if path.is_file() else found


def first_number(file: Path) -> int | None:
    """Return the place in the chain of a file's first line; None when it has none."""
    try:
        _, line = next(read_lines(file))
        number = json.loads(line)["seq"]
    except (StopIteration, ValueError, TypeError, KeyError, OSError):
        return None
    return number if isinstance(number, int) else None


def read_lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """Yield each line's number, from 1, and its bytes; all but a torn last one end in a newline."""
    with _open(file) as stream:
        number = 0
        while line := stream.readline(LINE_BYTES):
            number += 1
            yield number, line


def _open(file: Path) -> IO[bytes]:
    return gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb")  # type: ignore[return-value]
