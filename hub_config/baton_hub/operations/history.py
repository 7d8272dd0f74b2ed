"""What the audit holds of the last days, read once and then only what was added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from baton_contract import PublicError
from baton_hub.audit.replay import Served, moment_of, read_events, served


@dataclass(frozen=True)
class Past:
    """Servers that ended, and starts that were refused, both by time. ``fault``: why not more."""

    served: tuple[Served, ...] = ()
    refused: tuple[Mapping[str, Any], ...] = ()
    fault: str = ""


class History:
    """The audit of a path. Reads disk: not for the Hub's loop. May be asked by several threads."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = Lock()
        self._stops: list[Served] = []
        self._refused: list[Mapping[str, Any]] = []
        self._last = 0
        self._read_until: datetime | None = None

    def since(self, first: datetime) -> Past:
        """Return what ended and what was refused at or after ``first``.

        An audit that can't be read is told in ``fault``, beside what was read before.
        """
        if self._path is None:
            return Past(fault="This Hub keeps no audit.")
        fault = ""
        with self._lock:
            try:
                self._read(self._path, first)
            except (PublicError, OSError) as error:
                fault = f"The audit can't be read: {error}"
            self._forget(first)
            return Past(tuple(self._stops), tuple(self._refused), fault)

    def _read(self, path: Path, first: datetime) -> None:
        for event in read_events(path, max(first, self._read_until or first)):
            if event["seq"] <= self._last or moment_of(event) < first:
                continue
            self._last, self._read_until = event["seq"], moment_of(event)
            if event["event"] == "stop":
                self._stops += served([event])
            elif event["event"] == "spawn" and event["decision"] == "refused":
                self._refused.append(event)

    def _forget(self, first: datetime) -> None:
        self._stops = [one for one in self._stops if one.ended and one.ended >= first]
        self._refused = [event for event in self._refused if moment_of(event) >= first]


@cache
def history_of(audit_file: str) -> History:
    """Return this process's one history of an audit file; of none for an empty path."""
    return History(Path(audit_file) if audit_file else None)
