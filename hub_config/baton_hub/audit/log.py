"""The record of what was decided: append-only JSON lines."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from baton_contract.timestamp import render_timestamp


class Audit:
    """A file that gets one line an event and never loses one that was written.

    Each line is one JSON object: ``time`` (RFC 3339, UTC, milliseconds), ``event``
    (``spawn`` or ``stop``), ``user``, ``server``, ``groups``, ``profile``, ``size``,
    ``digest``, ``cpu``, ``memory`` (bytes), ``gpu``, ``revision`` (the catalogue's),
    ``decision`` (``allowed`` or ``refused``), ``code`` and, for a refusal, ``reason``.
    What was asked for is recorded only as far as it names a profile and a size:
    never whole, as it may hold anything.
    """

    def __init__(self, path: Path | None, clock: Callable[[], datetime] | None = None) -> None:
        self._path = path
        self._clock = clock or (lambda: datetime.now(UTC))

    def record(self, event: str, **facts: Any) -> None:
        """Append one event, stamped with the time; returns when it is on disk."""
        time = render_timestamp(self._clock())
        self._append({"time": time, "event": event, **facts})

    def _append(self, entry: Mapping[str, Any]) -> None:
        if self._path is None:
            return
        line = json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n"
        # One write to a file opened for appending: lines of several writers do not mix.
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            os.write(handle, line.encode("utf-8", "backslashreplace"))
            os.fsync(handle)
        finally:
            os.close(handle)
