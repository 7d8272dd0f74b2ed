"""What Baton adds to the Hub's API: for people's own servers, and for the culler."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from jupyterhub import orm
from jupyterhub.apihandlers import APIHandler
from tornado.web import HTTPError

from baton_hub.booking import Booking
from baton_hub.operations.standing import idling, standing
from baton_hub.process import live_catalog, reservations, uses


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

    scope = "custom:baton:idle"

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


class StandingHandler(BatonAPIHandler):
    """GET, POST /hub/api/baton/standing: how the caller stands, who is a person or their server.

    Needs ``custom:baton:standing``. 403 without it, and for services: nobody reads
    somebody else's.
    """

    scope = "custom:baton:standing"

    def initialize(self, profiles: str, idle_warning: int, cull_every: int) -> None:
        """Take over the catalogue's folder, and two lengths of time in seconds: see `Settings`."""
        self.catalog = live_catalog(profiles)
        self.idle_warning, self.cull_every = idle_warning, cull_every

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
        catalog = self.catalog.current()
        limits = reservations.bounds(catalog.quotas, person.name, groups)
        booking = reservations.get((person.name, server))
        answer = standing(catalog, groups, limits, booking, datetime.now(UTC).date())
        self.finish({"user": person.name, **answer, "idle": booking and self._idle(booking)})

    def _idle(self, booking: Booking) -> dict[str, Any] | None:
        return idling(
            uses.idleness(booking, self.seen(booking)),
            self.idle_warning,
            is_watched=uses.is_watched(self.cull_every),
        )

    def _person(self) -> Any:
        if isinstance(self.current_user, orm.Service):
            raise HTTPError(403, "A service has no standing of its own.")
        return self.current_user


class TokenHandler(BatonAPIHandler):
    """POST /hub/api/baton/token: a new token for the platform's services, for a running server.

    ``{"server": NAME}``, asked with the server's own token, which JupyterHub gave it: no
    other token of the person's will do (403). 404 for a server that does not run.
    """

    scope = "custom:baton:standing"

    def post(self) -> None:
        """Answer ``{"token": TOKEN, "expires_in": SECONDS}`` (200); nulls where none ends."""
        name = self.text(self.fields(), "server")
        person = self.current_user
        spawner = None if isinstance(person, orm.Service) else self._spawner(name)
        if spawner is None:
            raise HTTPError(404, "There is no such server that runs.")
        given = self.get_auth_token() or ""
        if not spawner.service_tokens.is_own(self.db, given, spawner.api_token):
            raise HTTPError(403, "Only a server gets this, with the token that is its own.")
        lifetime = spawner.service_token_lifetime
        token = spawner.new_service_token() if lifetime else None
        self.set_header("Cache-Control", "no-store")
        self.finish({"token": token, "expires_in": lifetime or None})

    def _spawner(self, name: str) -> Any:
        user = self.find_user(self.current_user.name)
        if user is None or name not in user.spawners:
            return None
        spawner = user.spawners[name]
        is_ours = hasattr(spawner, "service_tokens") and spawner.booking is not None
        return spawner if is_ours and (spawner.active or spawner.ready) else None
