"""Bookings to test with, and sums that are worked out anew each time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from baton_hub.amount import Amount
from baton_hub.booking import Booking
from baton_hub.hours import Hours, Period, period_start

GIB = 1024**3
NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
"""A Wednesday."""


def booking(
    user: str = "ada",
    server: str = "",
    groups: Iterable[str] = ("data-science",),
    amount: Amount | None = None,
    started: datetime | None = None,
    since: datetime = NOON,
) -> Booking:
    """Return a server that runs since ``started``, or starts."""
    name = f"{user}/{server}/{since.isoformat()}"
    taken = amount or Amount(1, 1, GIB)
    made = Booking(
        name, user, server, frozenset(groups), "python", "small", "", "sha256:0", "r", taken, since
    )
    return replace(made, started=started)


class Ledger:
    """What ran, one stretch after the other; every sum is worked out from all of them."""

    def __init__(self) -> None:
        self.running: dict[tuple[str, str], Booking] = {}
        self.ended: list[tuple[Booking, datetime]] = []

    def held(self, user: str = "", group: str = "") -> Amount:
        """Return what a person, a group, a member of it, or everybody holds."""
        total = Amount()
        for one in self.running.values():
            if _counts(one, user, group):
                total += one.amount
        return total

    def spent(self, period: Period, now: datetime, user: str = "", group: str = "") -> Hours:
        """Return what they used in a period, minute by minute clipped to it."""
        first, cpu, gpu = period_start(period, now), 0.0, 0.0
        stretches = [*self.ended, *((one, now) for one in self.running.values())]
        for one, end in stretches:
            if one.started is not None and _counts(one, user, group):
                length = max(min(end, now) - max(one.started, first), timedelta())
                cpu += one.amount.cpu * length.total_seconds() / 3600
                gpu += one.amount.gpu * length.total_seconds() / 3600
        return Hours(cpu, gpu)


def _counts(one: Booking, user: str, group: str) -> bool:
    return (not user or one.user == user) and (not group or group in one.groups)
