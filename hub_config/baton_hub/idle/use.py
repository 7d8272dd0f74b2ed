"""When servers were last used, and which of them may be stopped for it. No I/O, no Hub."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from baton_hub.booking import Booking

WATCHED_ROUNDS, WATCHED_SECONDS = 3, 30
"""A culler that was silent for this many of its rounds, and seconds, is taken for dead."""
GRACE = timedelta(minutes=2)
"""What servers get to speak up after the Hub was started: they ask again every 20 seconds."""
MARKED_FOR = timedelta(minutes=5)
"""How long a stop may take to reach the spawner after the culler asked for it."""


@dataclass(frozen=True)
class Idleness:
    """How long a server has not been used, and how long it may stay so. All in seconds."""

    limit: int
    """0: it is never stopped for being idle."""
    idle: float

    @property
    def remaining(self) -> float | None:
        """What is left until it is stopped, never below nothing; None when it never is."""
        return max(self.limit - self.idle, 0) if self.limit else None

    @property
    def is_due(self) -> bool:
        """Tell whether it may be stopped now."""
        return self.remaining == 0

    def warning(self, lead: int) -> int:
        """Return how long before its end the person is warned: at most half of the limit."""
        return min(lead, self.limit // 2)


class Uses:
    """What running servers said of their use, by the id of their booking.

    A server knows what the Hub can't see: that a kernel computes in silence, and that
    an open page which only refreshes itself is no use. What it said lasts as long as
    the Hub's process; until it speaks again, ``seen`` (the Hub's own figure) stands in.
    """

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        self._clock = clock or (lambda: datetime.now(UTC))
        self._began = self._clock()
        self._used: dict[str, datetime] = {}
        self._culled: dict[str, datetime] = {}
        self._asked: datetime | None = None

    def note(self, booking: Booking, idle: float) -> datetime:
        """Take a server's word that it was last used ``idle`` seconds ago; returns when that was.

        An older use than the one known changes nothing.
        """
        used = self._clock() - timedelta(seconds=max(idle, 0))
        self._used[booking.id] = max(used, self._used.get(booking.id, used))
        self._culled.pop(booking.id, None)
        return self._used[booking.id]

    def idleness(self, booking: Booking, seen: datetime | None) -> Idleness:
        """Return how idle a server is; ``seen`` is the Hub's own figure of its last activity."""
        used = self._used.get(booking.id) or seen or booking.since
        used = max(used, booking.started or booking.since)
        return Idleness(booking.idle_limit, max((self._clock() - used).total_seconds(), 0))

    def is_due(self, booking: Booking, seen: datetime | None) -> bool:
        """Tell whether a server may be stopped now.

        One that has not spoken yet to a Hub that has just started is given time to: what
        it did while the Hub was away, nobody knows but itself.
        """
        if booking.id not in self._used and self._clock() - self._began < GRACE:
            return False
        return booking.started is not None and self.idleness(booking, seen).is_due

    def cull(self, booking: Booking, seen: datetime | None) -> bool:
        """Decide whether a server is stopped now, and remember why it will be."""
        due = self.is_due(booking, seen)
        if due:
            self._culled[booking.id] = self._clock()
        return due

    def was_culled(self, booking: Booking) -> bool:
        """Tell whether a server that just stopped did so because `cull` said so."""
        marked = self._culled.get(booking.id)
        return marked is not None and self._clock() - marked < MARKED_FOR

    def watch(self, running: Collection[Booking]) -> None:
        """Note that the culler is at work, and forget the servers that are gone."""
        self._asked = self._clock()
        ids = {booking.id for booking in running}
        for kept in (self._used, self._culled):
            for gone in kept.keys() - ids:
                del kept[gone]

    def is_watched(self, every: int) -> bool:
        """Tell whether a culler that comes every so many seconds still does."""
        if self._asked is None:
            return False
        silent = (self._clock() - self._asked).total_seconds()
        return silent < max(WATCHED_ROUNDS * every, WATCHED_SECONDS)
