"""The files that evidence names: read from below the catalogue's folder, and checked by digest."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from baton_hub.catalog.evidence.model import Document

LARGEST = 64 * 1024**2
"""Bytes of the largest file that is read; reports of big images have some 30 million."""

P = ParamSpec("P")
T = TypeVar("T")

_parsed: dict[Hashable, Any] = {}
_MOST_PARSED = 10_000


class EvidenceError(Exception):
    """What is wrong with a piece of evidence: a stable code, and a sentence with what to do."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


def load_document(
    folder: Path,
    document: Document,
    parse: Callable[Concatenate[bytes, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Return what ``parse`` makes of a file's bytes and the further arguments.

    A file that was parsed already, with the same arguments, is neither read nor parsed
    again while its digest in the profile and its entry in the file system stay the same.

    Raises `EvidenceError` (evidence_outside, evidence_file_absent, evidence_unreadable,
    evidence_too_large, evidence_digest), and what ``parse`` raises.
    """
    path = _inside(folder, document.file)
    try:
        # Path.open knows no opener.
        stream = open(path, "rb", opener=_open_now)  # noqa: SIM115
    except FileNotFoundError:
        raise _absent(document) from None
    except OSError as error:
        raise _unreadable(document, error.strerror) from None
    with stream:
        entry = os.fstat(stream.fileno())
        key = (*_stamp(entry), document.digest, parse, args, tuple(kwargs.items()))
        if key not in _parsed:
            _check_entry(document, entry)
            content = stream.read(LARGEST + 1)
            _check_content(document, content)
            if len(_parsed) >= _MOST_PARSED:
                _parsed.clear()
            _parsed[key] = parse(content, *args, **kwargs)
        return cast(T, _parsed[key])


def _open_now(path: str, flags: int) -> int:
    # Without waiting for a writer, should somebody have put a pipe there.
    return os.open(path, flags | os.O_NONBLOCK)


def _inside(folder: Path, name: str) -> Path:
    root = folder.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise EvidenceError(
            "evidence_outside",
            f"{name} leads out of the catalogue's folder. Put the file into the folder.",
        )
    return path


def _stamp(entry: os.stat_result) -> tuple[int, ...]:
    # The time of change can't be set from outside, so a file that was replaced is seen.
    return (entry.st_dev, entry.st_ino, entry.st_size, entry.st_mtime_ns, entry.st_ctime_ns)


def _check_entry(document: Document, entry: os.stat_result) -> None:
    if not stat.S_ISREG(entry.st_mode):
        raise _unreadable(document, "it is no file")
    if entry.st_size > LARGEST:
        raise EvidenceError(
            "evidence_too_large",
            f"{document.file} has {entry.st_size} bytes, and at most {LARGEST} are read."
            " Name a smaller report, without what nobody looks at.",
        )


def _check_content(document: Document, content: bytes) -> None:
    found = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if found != document.digest:
        raise EvidenceError(
            "evidence_digest",
            f"{document.file} is another file than the one that was approved: its digest is"
            f" {found}. Write that if you looked at the file, or put the approved one back.",
        )


def _absent(document: Document) -> EvidenceError:
    return EvidenceError(
        "evidence_file_absent",
        f"There is no file {document.file} in the catalogue's folder. Add it, or mend the name.",
    )


def _unreadable(document: Document, reason: str | None) -> EvidenceError:
    return EvidenceError(
        "evidence_unreadable", f"{document.file} can't be read: {reason}. Mend the file."
    )
