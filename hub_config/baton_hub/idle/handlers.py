"""What the culler asks the Hub: which servers may be stopped."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from jupyterhub.apihandlers import APIHandler
from tornado.web import HTTPError

from baton_hub.account import Booking
from baton_hub.process import reservations, uses

SCOPE = "custom:baton:idle"
"""What the culler needs, beside listing and stopping servers."""


class BatonAPIHandler(APIHandler):  # type: ignore[misc]
    """A part of the Hub's API that is Baton's. ``scope`` is what every method asks for."""

    scope = ""

    async def prepare(self) -> None:
        """Refuse with 403 whoever lacks the scope."""
        await super().prepare()
        # Not by the Hub's decorator: it wants the scope to exist when this file is imported.
        if self.scope not in self.expanded_scopes:
            raise HTTPError(403, f"This token has no scope {self.scope}.")

    def fields(self) -> dict[str, Any]:
        """Return the body, a JSON object; 400 for anything else."""
        body = self.get_json_body()
        if not isinstance(body, dict):
            raise HTTPError(400, "The body must be a JSON object.")
        return body

    def text(self, body: dict[str, Any], name: str) -> str:
        """Return a field that is text; 400 when it is not."""
        value = body.get(name)
        if not isinstance(value, str):
            raise HTTPError(400, f"The field {name!r} must be text.")
        return value

    def seen(self, booking: Booking) -> datetime | None:
        """Return the Hub's own figure of a server's last activity."""
        user = self.find_user(booking.user)
        orm_spawner = user and user.orm_spawners.get(booking.server)
        last = orm_spawner and orm_spawner.last_activity
        return last.replace(tzinfo=UTC) if last else None


class IdleHandler(BatonAPIHandler):
    """GET, POST /hub/api/baton/idle: for the culler, which has ``custom:baton:idle``."""

    scope = SCOPE

    def get(self) -> None:
        """Answer ``{"due": ["USER/SERVER", …]}``: the servers that were idle for too long (200)."""
        running = [booking for booking in reservations.bookings() if booking.started]
        uses.watch(running)
        due = [b for b in running if uses.is_due(b, self.seen(b))]
        self.finish({"due": [f"{booking.user}/{booking.server}" for booking in due]})

    def post(self) -> None:
        """Decide on one server right before it is stopped: ``{"stop": true or false}`` (200).

        ``{"name": "USER/SERVER"}``. When it is true, the server's stop is recorded as the
        culler's. A server that does not run is not stopped.
        """
        user, _, server = self.text(self.fields(), "name").partition("/")
        booking = reservations.get((user, server))
        self.finish({"stop": booking is not None and uses.cull(booking, self.seen(booking))})
