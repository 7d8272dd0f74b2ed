"""What running and starting servers take, so that limits hold exactly."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from uuid import uuid4

from baton_hub.account import Account
from baton_hub.booking import Booking, Key
from baton_hub.catalog.quotas import Quotas
from baton_hub.policy import ServerSpec
from baton_hub.quota import Bound, admit, bounds, group_bounds, total_bounds


class Reservations:
    """The Hub's one account of resources in use, by person and server name.

    `reserve` decides and books in one step under a lock, with nothing awaited in
    between: however many ask at once, no limit is passed. A server's booking
    stands from the decision until `release`, which may be called any number of
    times. After a Hub restart, `restore` books what is still running, without
    asking: what runs can't be refused any more.
    """

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        self._clock = clock or (lambda: datetime.now(UTC))
        self._lock = Lock()
        self._account = Account()
        self._restored: set[str] = set()

    def reserve(self, server: str, spec: ServerSpec, quotas: Quotas, idle_limit: int) -> Booking:
        """Return a new booking of a server, or raise the refusal and book nothing."""
        now = self._clock()
        booking = Booking(
            id=uuid4().hex,
            user=spec.user,
            server=server,
            groups=spec.groups,
            profile=spec.profile,
            size=spec.size,
            image=spec.image,
            digest=spec.digest,
            revision=spec.revision,
            amount=spec.amount,
            since=now,
            idle_limit=idle_limit,
        )
        with self._lock:
            replaced = self._account.get(booking.key)
            decision = admit(spec, self._account, quotas, now, without=replaced)
            if not decision.allowed:
                raise decision.refusal()
            self._account.release(booking.key, now)
            self._account.book(booking)
        return booking

    def start(self, key: Key) -> Booking | None:
        """Note that a server runs; its hours count from now."""
        with self._lock:
            return self._account.start(key, self._clock())

    def restore(self, booking: Booking) -> None:
        """Book a server that runs already."""
        with self._lock:
            self._account.book(booking)
            self._restored.add(booking.id)

    def release(self, key: Key, *, only: str = "") -> Booking | None:
        """Take a server's booking back and return it; None when there is none.

        ``only`` is the id of the booking that is meant, where another server may have
        taken its place.
        """
        with self._lock:
            booking = self._account.get(key)
            if booking is None or (only and booking.id != only):
                return None
            return self._account.release(key, self._clock())

    @property
    def restored(self) -> frozenset[str]:
        """The ids of all bookings that were ever restored."""
        with self._lock:
            return frozenset(self._restored)

    def spend_as(self, account: Account) -> None:
        """Add the hours of servers that ended before this process began."""
        with self._lock:
            self._account.spend_as(account)

    def bounds(
        self, quotas: Quotas, user: str, groups: frozenset[str], *, without: Booking | None = None
    ) -> tuple[Bound, ...]:
        """Return every limit that applies to a person, with what is used of it now."""
        with self._lock:
            return bounds(quotas, user, groups, self._account, self._clock(), without=without)

    def shared_bounds(self, quotas: Quotas) -> tuple[Bound, ...]:
        """Return the limits for everybody together and of each group, with what is used now."""
        with self._lock:
            now = self._clock()
            found = total_bounds(quotas, self._account, now)
            for group in sorted(quotas.groups):
                found += group_bounds(quotas, group, self._account, now)
            return found

    def get(self, key: Key) -> Booking | None:
        """Return a server's booking; None when it neither runs nor starts."""
        with self._lock:
            return self._account.get(key)

    def bookings(self) -> tuple[Booking, ...]:
        """Return every server that runs or starts."""
        with self._lock:
            return tuple(self._account)
