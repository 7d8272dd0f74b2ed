"""An audit that is written as by an earlier Hub, at any time."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from baton_contract import PublicError
from baton_hub.audit import Audit
from baton_hub.audit.events import allowed, refused, started, stopped
from baton_hub.booking import Booking
from baton_hub.policy import ServerSpec


class Past:
    """Writes events as the Hub does; each says when it happened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._now = datetime.min
        self._audit = Audit(path, lambda: self._now)

    def spawn(self, one: Booking, at: datetime) -> None:
        """A server was allowed."""
        self._note(at, "spawn", **allowed(one, spec_of(one)))

    def start(self, one: Booking) -> None:
        """A server was allowed, and runs since its booking says."""
        assert one.started is not None
        self.spawn(one, one.started)
        self._note(one.started, "start", **started(one))

    def stop(self, one: Booking, at: datetime) -> None:
        """A server stopped."""
        self._note(at, "stop", **stopped(one, "stopped"))

    def refuse(self, one: Booking, error: PublicError, at: datetime) -> None:
        """A server was refused."""
        facts = {"groups": one.groups, "revision": "r", "asked": {}, "spec": spec_of(one)}
        self._note(at, "spawn", **refused(error, user=one.user, server=one.server, **facts))

    def close(self) -> None:
        """Let somebody else write it."""
        self._audit.close()

    def _note(self, at: datetime, event: str, **facts: object) -> None:
        self._now = at
        self._audit.note(event, **facts)


def spec_of(one: Booking) -> ServerSpec:
    """Return the decision that a booking came from."""
    return ServerSpec(
        one.user,
        one.groups,
        one.profile,
        one.profile.title(),
        one.size,
        one.image,
        one.digest,
        one.amount,
        one.revision,
    )
