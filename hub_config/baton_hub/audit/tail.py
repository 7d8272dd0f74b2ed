"""The end of an audit's file, found without reading what stands before it."""

from __future__ import annotations

import gzip
import os
from contextlib import suppress
from pathlib import Path

from baton_hub.audit.chain import Head, parse_line

BLOCK = 1 << 16


def last_line(file: Path) -> tuple[Head | None, bytes]:
    """Return the head of a file's last good line, and the bytes that follow it."""
    if file.suffix == ".gz":
        data = gzip.decompress(file.read_bytes())
        return _last_in(data, 0) or (None, data)
    with file.open("rb") as stream:
        start, data = stream.seek(0, os.SEEK_END), b""
        while start:
            step = min(BLOCK, start)
            start = stream.seek(start - step)
            data = stream.read(step) + data
            found = _last_in(data, start)
            if found is not None:
                return found
    return None, data


def _last_in(data: bytes, start: int) -> tuple[Head, bytes] | None:
    """Look for the last good line in a file's tail, which begins at ``start``."""
    end = data.rfind(b"\n") + 1
    while end:
        begin = data.rfind(b"\n", 0, end - 1) + 1
        if begin == 0 and start:
            return None  # It may begin before what was read.
        with suppress(ValueError):
            event = parse_line(data[begin:end])
            return Head(event["seq"], event["hash"]), data[end:]
        end = begin
    return None
