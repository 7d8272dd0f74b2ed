"""What runs and what was used: the figures that quotas and budgets are held against. No I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from baton_contract.timestamp import render_timestamp
from baton_hub.amount import NO_GPUS, Amount

Key = tuple[str, str]
"""Whose server: the person's name, and the server's (empty for the default one)."""


@dataclass(frozen=True)
class Booking:
    """One server that runs or starts, as it was decided."""

    id: str
    """The decision's; stands in the audit and in the server's environment."""
    user: str
    server: str
    groups: frozenset[str]
    """Its owner's when it was decided."""
    profile: str
    size: str
    image: str
    digest: str
    revision: str
    amount: Amount
    since: datetime
    """When it was decided; its hours count from ``started``."""
    started: datetime | None = None
    """When it ran; None while it starts."""
    idle_limit: int = 0
    """Seconds without activity after which it is stopped; 0 for never."""

    @property
    def key(self) -> Key:
        """Whose server it is."""
        return self.user, self.server

    def facts(self) -> dict[str, Any]:
        """Return it as JSON: for the audit and for what the Hub keeps of a server."""
        return {
            "id": self.id,
            "user": self.user,
            "server": self.server,
            "groups": sorted(self.groups),
            "profile": self.profile,
            "size": self.size,
            "image": self.image,
            "digest": self.digest,
            "revision": self.revision,
            "cpu": self.amount.cpu,
            "memory": self.amount.memory,
            "gpus": dict(self.amount.gpus),
        }

    def state(self) -> dict[str, Any]:
        """Return what `load_booking` makes it from again."""
        return {
            **self.facts(),
            "since": render_timestamp(self.since),
            "started": self.started and render_timestamp(self.started),
            "idle_limit": self.idle_limit,
        }


def load_booking(state: Mapping[str, Any]) -> Booking:
    """Return the booking that `Booking.state` wrote down."""
    started = state.get("started")
    return Booking(
        id=state["id"],
        user=state["user"],
        server=state["server"],
        groups=frozenset(state["groups"]),
        profile=state["profile"],
        size=state["size"],
        image=state.get("image", ""),
        digest=state["digest"],
        revision=state["revision"],
        amount=Amount(1, state["cpu"], state["memory"], state.get("gpus") or NO_GPUS),
        since=datetime.fromisoformat(state["since"]),
        started=datetime.fromisoformat(started) if started else None,
        idle_limit=state.get("idle_limit", 0),
    )


@dataclass(frozen=True)
class Hours:
    """CPU-hours and GPU-hours, those of every kind of GPU together."""

    cpu: float = 0.0
    gpu: float = 0.0

    def __add__(self, other: Hours) -> Hours:
        return Hours(self.cpu + other.cpu, self.gpu + other.gpu)


def hours_between(amount: Amount, start: datetime, end: datetime) -> Hours:
    """Return what a server used between two moments; nothing when they are out of order."""
    hours = max((end - start).total_seconds(), 0) / 3600
    return Hours(amount.cpu * hours, amount.gpu * hours)


def period_start(period: Literal["day", "week", "month"], now: datetime) -> datetime:
    """Return when the period that holds ``now`` began, in UTC; a week begins on Monday."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period == "month" else day


class Account:
    """Who holds what now, and who used what on which day.

    Sums by person and group are kept up to date, so that a decision does not
    read every booking. Not safe for several threads: `Reservations` locks it.
    """

    def __init__(self, bookings: Iterable[Booking] = ()) -> None:
        self._bookings: dict[Key, Booking] = {}
        self._users: dict[str, dict[Key, Booking]] = defaultdict(dict)
        self._groups: dict[str, dict[Key, Booking]] = defaultdict(dict)
        self._user_sums: dict[str, Amount] = {}
        self._group_sums: dict[str, Amount] = {}
        self._total = Amount()
        self._user_days: dict[tuple[str, date], Hours] = {}
        self._group_days: dict[tuple[str, date], Hours] = {}
        for booking in bookings:
            self.book(booking)

    def book(self, booking: Booking) -> None:
        """Add a server; one of the same key is taken off, and its hours are forgotten."""
        self._take_off(booking.key)
        self._bookings[booking.key] = booking
        self._users[booking.user][booking.key] = booking
        self._count(booking, booking.amount)
        for group in booking.groups:
            self._groups[group][booking.key] = booking

    def start(self, key: Key, moment: datetime) -> Booking | None:
        """Note that a server runs; its hours count from here. None when it is not booked."""
        booking = self._bookings.get(key)
        if booking is not None:
            booking = replace(booking, started=moment)
            self._bookings[key] = self._users[booking.user][key] = booking
            for group in booking.groups:
                self._groups[group][key] = booking
        return booking

    def release(self, key: Key, moment: datetime) -> Booking | None:
        """Take a server off and keep its hours; None when it is not booked (any more)."""
        booking = self._take_off(key)
        if booking is not None and booking.started is not None:
            self.spend(booking, booking.started, moment)
        return booking

    def spend(self, booking: Booking, start: datetime, end: datetime) -> None:
        """Add a stretch of a server's hours to the days on which they fell."""
        for day, first, last in _days(start, end):
            used = hours_between(booking.amount, first, last)
            key = (booking.user, day)
            self._user_days[key] = self._user_days.get(key, Hours()) + used
            for group in booking.groups:
                shared = (group, day)
                self._group_days[shared] = self._group_days.get(shared, Hours()) + used

    def __iter__(self) -> Iterator[Booking]:
        return iter(self._bookings.values())

    def __len__(self) -> int:
        return len(self._bookings)

    def get(self, key: Key) -> Booking | None:
        """Return a server's booking."""
        return self._bookings.get(key)

    def of_user(self, user: str) -> Amount:
        """Return what a person holds."""
        return self._user_sums.get(user, Amount())

    def of_group(self, group: str) -> Amount:
        """Return what a group's members hold together."""
        return self._group_sums.get(group, Amount())

    @property
    def total(self) -> Amount:
        """What everybody holds together."""
        return self._total

    def members(self, group: str) -> dict[str, Amount]:
        """Return what each member of a group holds, of those that hold anything."""
        found: dict[str, Amount] = {}
        for booking in self._groups.get(group, {}).values():
            found[booking.user] = found.get(booking.user, Amount()) + booking.amount
        return found

    def spent_by_user(
        self, user: str, period: Literal["day", "week", "month"], now: datetime
    ) -> Hours:
        """Return what a person used in the period that holds ``now``, up to then."""
        return _spent(self._user_days, user, self._users.get(user, {}).values(), period, now)

    def spent_by_group(
        self, group: str, period: Literal["day", "week", "month"], now: datetime
    ) -> Hours:
        """Return what a group's members used together in the period that holds ``now``."""
        return _spent(self._group_days, group, self._groups.get(group, {}).values(), period, now)

    def _take_off(self, key: Key) -> Booking | None:
        booking = self._bookings.pop(key, None)
        if booking is not None:
            del self._users[booking.user][key]
            for group in booking.groups:
                del self._groups[group][key]
            self._count(booking, Amount() - booking.amount)
        return booking

    def _count(self, booking: Booking, amount: Amount) -> None:
        self._total += amount
        self._user_sums[booking.user] = self.of_user(booking.user) + amount
        for group in booking.groups:
            self._group_sums[group] = self.of_group(group) + amount


def _days(start: datetime, end: datetime) -> Iterator[tuple[date, datetime, datetime]]:
    """Yield the part of a stretch that falls on each day in UTC."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    while start < end:
        midnight = period_start("day", start) + timedelta(days=1)
        yield start.date(), start, min(midnight, end)
        start = midnight


def _spent(
    days: Mapping[tuple[str, date], Hours],
    name: str,
    running: Iterable[Booking],
    period: Literal["day", "week", "month"],
    now: datetime,
) -> Hours:
    first = period_start(period, now)
    count = (now.astimezone(UTC).date() - first.date()).days + 1
    dates = (first.date() + timedelta(days=n) for n in range(count))
    total = sum((days.get((name, day), Hours()) for day in dates), Hours())
    for booking in running:
        if booking.started is not None:
            total += hours_between(booking.amount, max(booking.started, first), now)
    return total
