"""What Baton adds to the Hub's own pages and API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from jupyterhub import orm
from tornado.web import HTTPError

from baton_hub.account import Booking
from baton_hub.idle.handlers import BatonAPIHandler, IdleHandler
from baton_hub.operations.page import OperationsHandler
from baton_hub.operations.standing import idling, standing
from baton_hub.process import live_catalog, reservations, uses
from baton_hub.settings import Settings

Route = tuple[str, type, dict[str, Any]]


def handlers(settings: Settings) -> list[Route]:
    """Return the handlers, as ``c.JupyterHub.extra_handlers`` takes them; paths are below /hub."""
    return [
        (r"/api/baton/standing", StandingHandler, {"baton": settings}),
        (r"/api/baton/idle", IdleHandler, {}),
        (
            r"/baton/operations",
            OperationsHandler,
            # Plain values only: the Hub copies its configuration, and a lock can't be copied.
            {"profiles": settings.profiles, "audit_file": settings.audit_file},
        ),
    ]


class StandingHandler(BatonAPIHandler):
    """GET, POST /hub/api/baton/standing: how the caller stands, who is a person or their server.

    Needs ``custom:baton:standing``. 403 without it, and for services: nobody reads
    somebody else's.
    """

    scope = "custom:baton:standing"

    def initialize(self, baton: Settings) -> None:
        """Take over what this Hub was configured with."""
        self.baton = baton

    def get(self) -> None:
        """Answer for the caller and their server ``?server=NAME`` (200)."""
        self._answer(self.get_query_argument("server", ""))

    def post(self) -> None:
        """Take the server's word of when it was last used, and answer as GET does (200).

        ``{"server": NAME, "idle": SECONDS}``. Needs ``users:activity`` for the caller too.
        """
        person, body = self._person(), self.fields()
        server, idle = self.text(body, "server"), body.get("idle")
        # NaN is in no range.
        if isinstance(idle, bool) or not isinstance(idle, int | float) or not -1e9 < idle < 1e9:
            raise HTTPError(400, "The field 'idle' must be a number of seconds.")
        if not self.has_scope(f"users:activity!user={person.name}"):
            raise HTTPError(403, "This token may not say when the server was used.")
        booking = reservations.get((person.name, server))
        if booking is not None:
            self._keep(booking, uses.note(booking, idle))
        self._answer(server)

    def _keep(self, booking: Booking, used: datetime) -> None:
        """Have the Hub's own record show at least this, so that it outlives the Hub's process."""
        orm_spawner = self.find_user(booking.user).orm_spawners[booking.server]
        moment = used.astimezone(UTC).replace(tzinfo=None)
        if orm_spawner.last_activity is None or orm_spawner.last_activity < moment:
            orm_spawner.last_activity = moment
            self.db.commit()

    def _answer(self, server: str) -> None:
        person = self._person()
        groups = frozenset(group.name for group in person.groups)
        catalog = live_catalog(self.baton.profiles).current()
        limits = reservations.bounds(catalog.quotas, person.name, groups)
        booking = reservations.get((person.name, server))
        answer = standing(catalog, groups, limits, booking, datetime.now(UTC).date())
        self.finish({"user": person.name, **answer, "idle": booking and self._idle(booking)})

    def _idle(self, booking: Booking) -> dict[str, Any] | None:
        return idling(
            uses.idleness(booking, self.seen(booking)),
            self.baton.idle_warning,
            is_watched=uses.is_watched(self.baton.cull_every),
        )

    def _person(self) -> Any:
        if isinstance(self.current_user, orm.Service):
            raise HTTPError(403, "A service has no standing of its own.")
        return self.current_user
