"""What runs and what was used: the figures that quotas and budgets are held against. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

from baton_contract.timestamp import render_timestamp
from baton_hub.amount import NO_GPUS, Amount

Key = tuple[str, str]
"""Whose server: the person's name, and the server's (empty for the default one)."""
Period = Literal["day", "week", "month"]
PERIODS: tuple[Period, ...] = ("day", "week", "month")
MILLION = 1_000_000
HOUR, DAY = 3600 * MILLION, 24 * 3600 * MILLION
"""In microseconds."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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

    def of(self, resource: str) -> float:
        """Return ``cpu_hours`` or ``gpu_hours``."""
        return self.cpu if resource == "cpu_hours" else self.gpu


def hours_between(amount: Amount, start: datetime, end: datetime) -> Hours:
    """Return what a server used between two moments; nothing when they are out of order."""
    hours = max((end - start).total_seconds(), 0) / 3600
    return Hours(amount.cpu * hours, amount.gpu * hours)


def period_start(period: Period, now: datetime) -> datetime:
    """Return when the period that holds ``now`` began, in UTC; a week begins on Monday."""
    return _first_midnight(period, now.astimezone(UTC).date())


@lru_cache(maxsize=256)  # One object for all who keep it, and no arithmetic at each decision.
def _first_midnight(period: Period, day: date) -> datetime:
    if period == "week":
        day -= timedelta(days=day.weekday())
    elif period == "month":
        day = day.replace(day=1)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


Holder = tuple[str, ...]
"""``("user", NAME)``, ``("group", NAME)``, ``("group", NAME, USER)`` for a member's part in it,
or ``("total",)``."""
TOTAL: Holder = ("total",)


class _Share:
    """What one holder holds now, and what those of its servers used that have ended."""

    __slots__ = ("bookings", "cpu", "gpus", "memory", "running", "spent")

    def __init__(self) -> None:
        self.bookings: dict[Key, Booking] = {}
        # In millionths, so that sums of tenths come back to where they began.
        self.cpu = 0
        self.memory = 0
        self.gpus: dict[str, int] = {}
        # By the day on which they started, what runs: CPUs, GPUs, and each times the moment of
        # its start. A period begins at midnight, so a day is in it as a whole or not at all.
        self.running: dict[int, list[int]] = {}
        # The beginning, CPU-hours and GPU-hours of the latest period of each kind: no budget
        # asks for more.
        self.spent: dict[Period, list[Any]] = {}

    @property
    def amount(self) -> Amount:
        gpus = {kind: number for kind, number in self.gpus.items() if number}
        return Amount(len(self.bookings), self.cpu / MILLION, self.memory, gpus or NO_GPUS)

    def put(self, booking: Booking) -> None:
        self.bookings[booking.key] = booking
        self._count(booking, 1)

    def take(self, booking: Booking) -> None:
        del self.bookings[booking.key]
        self._count(booking, -1)

    def _count(self, booking: Booking, sign: int) -> None:
        amount = booking.amount
        cpu = sign * round(amount.cpu * MILLION)
        self.cpu += cpu
        self.memory += sign * amount.memory
        for kind, number in amount.gpus.items():
            self.gpus[kind] = self.gpus.get(kind, 0) + sign * number
        if booking.started is not None:
            self._count_running(_moment(booking.started), cpu, sign * amount.gpu)

    def _count_running(self, start: int, cpu: int, gpu: int) -> None:
        day = start // DAY
        sums = self.running.setdefault(day, [0, 0, 0, 0])
        for index, number in enumerate((cpu, gpu, cpu * start, gpu * start)):
            sums[index] += number
        if not any(sums):
            del self.running[day]

    def add(self, period: Period, first: datetime, cpu: float, gpu: float) -> None:
        spent = self.spent.get(period)
        if spent is None or spent[0] < first:
            self.spent[period] = [first, cpu, gpu]
        elif spent[0] == first:
            spent[1] += cpu
            spent[2] += gpu

    def spent_in(self, period: Period, now: datetime) -> Hours:
        first = period_start(period, now)
        since, cpu, gpu = self.spent.get(period, (first, 0.0, 0.0))
        if since != first:
            cpu = gpu = 0.0
        cpu_now, gpu_now = self._used_by_running(_moment(first), _moment(now))
        return Hours(cpu + cpu_now / (MILLION * HOUR), gpu + gpu_now / HOUR)

    def _used_by_running(self, first: int, now: int) -> tuple[int, int]:
        cpu_used = gpu_used = 0
        for day, (cpu, gpu, cpu_starts, gpu_starts) in self.running.items():
            if day * DAY < first:
                cpu_starts, gpu_starts = cpu * first, gpu * first
            cpu_used += cpu * now - cpu_starts
            gpu_used += gpu * now - gpu_starts
        # Where a clock was set back, what runs may have started later than now.
        return max(cpu_used, 0), max(gpu_used, 0)


def _moment(time: datetime) -> int:
    """Return microseconds since 1970 in UTC."""
    return (time - EPOCH) // timedelta(microseconds=1)


class Account:
    """Who holds what now, and who used how much in the current day, week and month.

    Sums by person and group are kept up to date, so that a decision does not
    read every booking. Time goes forward only: hours of a period that is over are
    forgotten. Not safe for several threads: `Reservations` locks it.
    """

    def __init__(self, bookings: Iterable[Booking] = ()) -> None:
        self._shares: dict[Holder, _Share] = {}
        self._members: dict[str, set[str]] = {}
        for booking in bookings:
            self.book(booking)

    def book(self, booking: Booking) -> None:
        """Add a server; one of the same key is taken off, and its hours are forgotten."""
        self._take_off(booking.key)
        for share in self._shares_of(booking):
            share.put(booking)

    def start(self, key: Key, moment: datetime) -> Booking | None:
        """Note that a server runs; its hours count from here. None when it is not booked."""
        booking = self.get(key)
        if booking is not None:
            self._take_off(key)
            booking = replace(booking, started=moment)
            self.book(booking)
        return booking

    def release(self, key: Key, moment: datetime) -> Booking | None:
        """Take a server off and keep its hours; None when it is not booked (any more)."""
        booking = self._take_off(key)
        if booking is not None and booking.started is not None:
            self.spend(booking, booking.started, moment)
        return booking

    def spend(self, booking: Booking, start: datetime, end: datetime) -> None:
        """Add a stretch of a server's hours, as far as they fell into the latest periods."""
        shares = list(self._shares_of(booking))
        for period in PERIODS:
            first = period_start(period, end)
            used = hours_between(booking.amount, max(start, first), end)
            for share in shares:
                share.add(period, first, used.cpu, used.gpu)

    def spend_as(self, other: Account) -> None:
        """Add the hours of servers that have ended in another account."""
        for holder, share in other._shares.items():
            for period, spent in share.spent.items():
                self._share(holder).add(period, *spent)

    def __iter__(self) -> Iterator[Booking]:
        return iter(self._held(TOTAL).bookings.values())

    def __len__(self) -> int:
        return len(self._held(TOTAL).bookings)

    def get(self, key: Key) -> Booking | None:
        """Return a server's booking."""
        return self._held(TOTAL).bookings.get(key)

    def of_user(self, user: str) -> Amount:
        """Return what a person holds."""
        return self._held(("user", user)).amount

    def of_group(self, group: str) -> Amount:
        """Return what a group's members hold together."""
        return self._held(("group", group)).amount

    @property
    def total(self) -> Amount:
        """What everybody holds together."""
        return self._held(TOTAL).amount

    def members(self, group: str) -> dict[str, Amount]:
        """Return what each member of a group holds, of those that hold anything."""
        every = {user: self._held(("group", group, user)) for user in self._members.get(group, ())}
        return {user: share.amount for user, share in every.items() if share.bookings}

    def spent_by_user(self, user: str, period: Period, now: datetime) -> Hours:
        """Return what a person used in the period that holds ``now``, up to then."""
        return self._held(("user", user)).spent_in(period, now)

    def spent_by_group(self, group: str, period: Period, now: datetime) -> Hours:
        """Return what a group's members used together in the period that holds ``now``."""
        return self._held(("group", group)).spent_in(period, now)

    def spent_in_total(self, period: Period, now: datetime) -> Hours:
        """Return what everybody used together in the period that holds ``now``."""
        return self._held(TOTAL).spent_in(period, now)

    def spent_by_members(self, group: str, period: Period, now: datetime) -> dict[str, Hours]:
        """Return what each member of a group used of it in the period that holds ``now``."""
        return {
            user: self._held(("group", group, user)).spent_in(period, now)
            for user in self._members.get(group, ())
        }

    def _shares_of(self, booking: Booking) -> Iterator[_Share]:
        yield self._share(TOTAL)
        yield self._share(("user", booking.user))
        for group in booking.groups:
            yield self._share(("group", group))
            yield self._share(("group", group, booking.user))

    def _share(self, holder: Holder) -> _Share:
        """Return a holder's share to write to."""
        found = self._shares.get(holder)
        if found is None:
            found = self._shares[holder] = _Share()
            if len(holder) == 3:
                self._members.setdefault(holder[1], set()).add(holder[2])
        return found

    def _held(self, holder: Holder) -> _Share:
        """Return a holder's share to read from."""
        return self._shares.get(holder) or _Share()

    def _take_off(self, key: Key) -> Booking | None:
        booking = self.get(key)
        if booking is not None:
            for share in self._shares_of(booking):
                share.take(booking)
        return booking
