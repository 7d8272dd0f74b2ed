"""Who used how much: hours of servers, CPUs and GPUs, from the audit alone. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from baton_hub.audit.replay import Served

By = Literal["user", "group", "profile"]


@dataclass(frozen=True)
class Window:
    """A stretch of time; what lies outside does not count."""

    start: datetime
    end: datetime

    def seconds(self, one: Served) -> float:
        """Return for how long a server ran within it; one that still runs, up to its end."""
        start, end = max(one.started, self.start), min(one.ended or self.end, self.end)
        return max((end - start).total_seconds(), 0)


@dataclass(frozen=True)
class Used:
    """What was used by one person, one group, or of one profile. ``name`` empty: by none."""

    name: str
    servers: int = 0
    """How many starts of servers the hours are of."""
    people: int = 0
    server_hours: float = 0.0
    cpu_hours: float = 0.0
    gpu_hours: float = 0.0
    """Those of every kind of GPU together."""


@dataclass(frozen=True)
class Usage:
    """What was used within a window, most CPU-hours first, and altogether.

    Somebody in two groups is counted in each, so the groups' hours may come to more
    than ``total``, in which every server is counted once.
    """

    window: Window
    rows: tuple[Used, ...]
    total: Used
    running: int
    """How many of the servers still run."""
    lost: int
    """How many of the servers were lost: when they really ended is not known."""


def usage(served: Iterable[Served], by: By, window: Window) -> Usage:
    """Return what was used, by person, group or profile."""
    rows: dict[str, Used] = {}
    people: dict[str, set[str]] = {}
    everybody: set[str] = set()
    total = Used("")
    running = lost = 0
    for one in served:
        seconds = window.seconds(one)
        if not seconds:
            continue
        for name in _names(one, by):
            rows[name] = _plus(rows.get(name, Used(name)), one, seconds)
            people.setdefault(name, set()).add(one.booking.user)
        total = _plus(total, one, seconds)
        everybody.add(one.booking.user)
        running += one.ended is None
        lost += one.code == "lost"
    named = [replace(row, people=len(people[row.name])) for row in rows.values()]
    named.sort(key=lambda row: (-row.cpu_hours, row.name))
    return Usage(window, tuple(named), replace(total, people=len(everybody)), running, lost)


def _names(one: Served, by: By) -> Iterable[str]:
    if by == "user":
        return [one.booking.user]
    return sorted(one.booking.groups) or [""] if by == "group" else [one.booking.profile]


def _plus(row: Used, one: Served, seconds: float) -> Used:
    hours, amount = seconds / 3600, one.booking.amount
    return replace(
        row,
        servers=row.servers + 1,
        server_hours=row.server_hours + hours,
        cpu_hours=row.cpu_hours + hours * amount.cpu,
        gpu_hours=row.gpu_hours + hours * amount.gpu,
    )
