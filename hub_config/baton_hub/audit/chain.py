"""The form of a line: canonical JSON that carries its own hash and that of the line before."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from baton_contract.digest import canonical_json

SCHEMA = "urn:baton:audit:1"
"""What every line names itself after."""

TEXT, REASON, ITEMS = 255, 1000, 2000
"""How many characters of a name and of a sentence are kept, and how many groups."""

WHOLE = 2**53 - 1
"""The largest number that is written as it is."""

_SEPARATORS = str.maketrans({"\x85": "\\x85", "\u2028": "\\u2028", "\u2029": "\\u2029"})
"""What JSON leaves as it is within a text, and some readers of lines take for the end of one."""

_HASH = re.compile(rb'"hash":"([0-9a-f]{64})",')
_HEAD = re.compile(r"([1-9][0-9]{0,15}):([0-9a-f]{64})")


@dataclass(frozen=True)
class Head:
    """A line's place and hash. It stands for everything up to that line."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


START = Head(0, "0" * 64)
"""What a chain begins from."""


def parse_head(text: str) -> Head:
    """Return the head that stands in a text as ``SEQ:HASH``; raises `ValueError`."""
    match = _HEAD.fullmatch(text)
    if match is None:
        raise ValueError("a head is a line's number, a colon, and 64 hexadecimal digits")
    return Head(int(match[1]), match[2])


def seal(event: Mapping[str, Any], before: Head) -> tuple[bytes, Head]:
    """Return the line that follows ``before``, with its newline, and its head."""
    body = {**_bounded(event), "schema": SCHEMA, "seq": before.seq + 1, "prev": before.hash}
    # Made whole once: the hash is that of the line without its own key, which is cut out again.
    line = canonical_json({**body, "hash": START.hash})
    cut = _cut(line)
    head = Head(before.seq + 1, _digest(line, cut))
    return line[: cut.start(1)] + head.hash.encode() + line[cut.end(1) :] + b"\n", head


def parse_line(line: bytes) -> dict[str, Any]:
    """Return the event of a line, byte for byte as `seal` wrote it.

    Raises `ValueError` when it is no line of a chain, and `HashError` when it is one but
    its hash is that of another.
    """
    if not line.endswith(b"\n"):
        raise ValueError("the line has no end")
    cut = _cut(line)
    event = _parse(line)
    if _digest(line[:-1], cut) != event["hash"]:
        raise HashError(event)
    return event


def _cut(line: bytes) -> re.Match[bytes]:
    """Return where a line's hash stands, with its key. Quotes within texts are never bare."""
    found = _HASH.search(line)
    if found is None:
        raise ValueError("the line has no hash")
    return found


def _digest(line: bytes, cut: re.Match[bytes]) -> str:
    """Return the hash of a line without its hash: of its canonical form, if it is canonical."""
    return hashlib.sha256(line[: cut.start()] + line[cut.end() :]).hexdigest()


def _parse(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except (RecursionError, ValueError) as error:
        raise ValueError("the line is not JSON") from error
    kinds = {"seq": int, "prev": str, "hash": str, "event": str}
    if not isinstance(event, dict) or any(type(event.get(k)) is not t for k, t in kinds.items()):
        raise ValueError("the line has no place in a chain")
    return event


class HashError(ValueError):
    """A line that is well formed, but whose hash is not that of its content."""

    def __init__(self, event: dict[str, Any]) -> None:
        super().__init__("the line's content does not fit its hash")
        self.event = event


def _bounded(event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _text(value, REASON if key == "reason" else TEXT) if isinstance(value, str) else value
        for key, value in ((key, _names(value)) for key, value in event.items())
    }


def _names(value: Any) -> Any:
    """Return a list's texts, or a mapping's, cut to length; anything else as it can be written."""
    if isinstance(value, list | tuple | frozenset | set):
        return [_text(one) if isinstance(one, str) else one for one in list(value)[:ITEMS]]
    if isinstance(value, Mapping):
        return {_text(key): _names(one) for key, one in value.items()}
    # Canonical JSON has no whole numbers beyond what a double holds exactly.
    return (
        min(max(value, -WHOLE), WHOLE)
        if isinstance(value, int | float) and not isinstance(value, bool)
        else value
    )


def _text(text: str, limit: int = TEXT) -> str:
    """Return a text that fits, that UTF-8 has words for, and that is one line for everybody."""
    whole = text.encode("utf-8", "backslashreplace").decode().translate(_SEPARATORS)
    return whole if len(whole) <= limit else f"{whole[: limit - 1]}…"
