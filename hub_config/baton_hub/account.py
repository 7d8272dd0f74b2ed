"""What runs and what was used: the figures that quotas and budgets are held against. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from baton_hub.amount import Amount
from baton_hub.booking import Booking, Key
from baton_hub.hours import PERIODS, Hours, Period, hours_between, period_start
from baton_hub.share import Share

Holder = tuple[str, ...]
"""``("user", NAME)``, ``("group", NAME)``, ``("group", NAME, USER)`` for a member's part in it,
or ``("total",)``."""
TOTAL: Holder = ("total",)


class Account:
    """Who holds what now, and who used how much in the current day, week and month.

    Sums by person and group are kept up to date, so that a decision does not
    read every booking. Time goes forward only: hours of a period that is over are
    forgotten. Not safe for several threads: `Reservations` locks it.
    """

    def __init__(self, bookings: Iterable[Booking] = ()) -> None:
        self._shares: dict[Holder, Share] = {}
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

    def _shares_of(self, booking: Booking) -> Iterator[Share]:
        yield self._share(TOTAL)
        yield self._share(("user", booking.user))
        for group in booking.groups:
            yield self._share(("group", group))
            yield self._share(("group", group, booking.user))

    def _share(self, holder: Holder) -> Share:
        """Return a holder's share to write to."""
        found = self._shares.get(holder)
        if found is None:
            found = self._shares[holder] = Share()
            if len(holder) == 3:
                self._members.setdefault(holder[1], set()).add(holder[2])
        return found

    def _held(self, holder: Holder) -> Share:
        """Return a holder's share to read from."""
        return self._shares.get(holder) or Share()

    def _take_off(self, key: Key) -> Booking | None:
        booking = self.get(key)
        if booking is not None:
            for share in self._shares_of(booking):
                share.take(booking)
        return booking
