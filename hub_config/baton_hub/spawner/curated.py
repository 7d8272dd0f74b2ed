"""What both spawners share: the decision before every start, and its record."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from jupyterhub.orm import APIToken
from traitlets import Integer, List, Unicode

from baton_contract import ForbiddenError, PublicError
from baton_hub.audit import Audit
from baton_hub.audit.appender import MAX_BYTES
from baton_hub.audit.catalog import RecordedCatalog
from baton_hub.audit.events import allowed, refused, started, stopped
from baton_hub.booking import Booking, load_booking
from baton_hub.catalog import Catalog
from baton_hub.policy import ServerSpec, resolve
from baton_hub.process import audit_of, recorded_catalog, recovery_of, reservations, uses
from baton_hub.spawner.choosing import ChoosingSpawner
from baton_hub.spawner.environment import server_environment
from baton_hub.spawner.refusal import refusal
from baton_hub.spawner.service_token import ServiceTokens


class CuratedSpawner(ChoosingSpawner):
    """What makes a spawner start only what the catalogue offers to the person.

    However the options came (form, query, REST, edited, stored from last time), they
    are decided on at every start, from the catalogue as it is then. Subclasses call
    `decide` and apply what it returns; they inherit from this class first, and from
    one of JupyterHub's spawners second.
    """

    catalog_folder = Unicode(
        "profiles", help="Folder with one YAML file a profile, and quotas.yaml."
    ).tag(config=True)
    audit_file = Unicode(
        "", help="File that gets one JSON line a decision and a stop. Empty: nothing is recorded."
    ).tag(config=True)
    audit_rotate_at = Integer(
        MAX_BYTES,
        min=0,
        help="Size in bytes at which the audit's file is renamed and a new one begun. 0: never.",
    ).tag(config=True)
    baton_public_url = Unicode(
        "", help="Address of the Hub as browsers and servers reach it, without a slash at the end."
    ).tag(config=True)
    idle_limit = Integer(
        0,
        min=0,
        help="Seconds without activity after which a server is stopped, where its profile says"
        " nothing else. 0: never.",
    ).tag(config=True)

    service_token_lifetime = Integer(
        0,
        min=0,
        help="Seconds for which a server's token for the platform's services is good. The server"
        " gets a new one in time. 0: it is the server's own, good for as long as the server runs.",
    ).tag(config=True)
    service_scopes = List(
        Unicode(), help="What that token may do, as scopes; what the person may not is left out."
    ).tag(config=True)

    spec: ServerSpec | None = None
    """What was decided for the server that starts; None once the Hub was started again."""
    trouble_code = ""
    """Code of what kept the server from coming up, or ended it; empty when nothing did."""
    _was_told_to_stop = False
    _is_unconfirmed = False
    """True while a new Hub has not yet looked whether the server is still there."""
    _may_run_on = False
    """True once the server could not be stopped, or nobody could say whether it is there."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.service_tokens = ServiceTokens()
        self._service_token = ""
        super().__init__(*args, **kwargs)

    @property
    def audit(self) -> Audit:
        """The record of what is decided and what runs."""
        return audit_of(self.audit_file, self.audit_rotate_at)

    @property
    def catalog(self) -> RecordedCatalog:
        """The catalogue that decides for this spawner."""
        return recorded_catalog(self.catalog_folder, self.audit)

    async def recovered(self) -> None:
        """Return once what ran and was used before this Hub was read back."""
        await recovery_of(self.audit).ready()

    async def decide(self) -> ServerSpec:
        """Return the server to start, booked and recorded for good, or raise the refusal.

        A refusal is recorded too. A start that can't be recorded is refused.
        """
        await self.recovered()
        user, groups = self.user.name, self._groups()
        catalog = self.catalog.current()
        spec: ServerSpec | None = None
        try:
            if not catalog.profiles:
                raise ForbiddenError(
                    "catalog_broken",
                    "The catalogue has no valid profile yet. Nothing can start until it has.",
                )
            spec = resolve(catalog, user, groups, self.user_options, today=datetime.now(UTC).date())
            self.prepare(spec, catalog)
            limit = self.idle_limit if spec.stop_when_idle is None else spec.stop_when_idle
            booking = reservations.reserve(self.name, spec, catalog.quotas, limit)
            # Only now: a start that is refused replaces nothing.
            recovery_of(self.audit).settle(booking.key)
            self._record_start(booking, spec)
        except PublicError as error:
            self.note_refusal(error, asked=self.user_options, spec=spec)
            self.propose_again()
            raise refusal(error, self._hub_settings()) from None
        self.spec, self.booking, self._was_told_to_stop = spec, booking, False
        self.trouble_code, self._may_run_on = "", False
        self._keep_state()
        try:
            await self.audit.durable()
        except PublicError as error:
            raise refusal(error, self._hub_settings()) from None
        return spec

    def note_refusal(
        self, error: PublicError, *, asked: Any = None, spec: ServerSpec | None = None
    ) -> None:
        """Record that a start was refused; of what was ``asked``, only names are kept."""
        facts = refused(
            error,
            user=self.user.name,
            server=self.name,
            groups=self._groups(),
            revision=self.catalog.current().revision,
            asked=asked,
            spec=spec,
        )
        self.audit.note("spawn", **facts)

    def prepare(self, spec: ServerSpec, catalog: Catalog) -> None:
        """Get ready what the server needs, before it is booked; raise a refusal if it is not there.

        Subclasses whose servers need something of this machine say here what is missing.
        """

    def _record_start(self, booking: Booking, spec: ServerSpec) -> None:
        try:
            self.audit.record("spawn", **allowed(booking, spec))
        except PublicError:
            reservations.release(booking.key, only=booking.id)
            raise

    def _keep_state(self) -> None:
        """Store the decision now: a start may take minutes, and the Hub may end before it is over.

        JupyterHub itself stores a server's state only once the server has started.
        """
        if self.orm_spawner is not None:
            self.orm_spawner.state = self.get_state()
            self.user.db.commit()

    def note_start(self) -> None:
        """Note that the server runs; subclasses call it as soon as it does."""
        if self.booking is not None:
            self.booking = reservations.start(self.booking.key) or self.booking
            self.audit.note("start", **started(self.booking))

    async def end_lost(self, ids: Collection[str]) -> None:
        """End the servers of these decisions, which the Hub does not know.

        It was killed before it had noted what came of them, or could not stop them. Does
        nothing where no server outlives a Hub that does not know it.
        """

    def _hub_settings(self) -> dict[str, Any]:
        # The request's, where the Hub counts failures: the user's settings are a copy.
        return getattr(self.handler, "settings", {})

    def _groups(self) -> frozenset[str]:
        return frozenset(group.name for group in self.user.groups)

    def get_env(self) -> dict[str, str]:
        """Return the server's environment: the Hub's, the profile's, the services' addresses."""
        env: dict[str, str] = super().get_env()
        return {**env, **self.own_env()}

    def own_env(self) -> dict[str, Any]:
        """Return what the profile, the choice and the platform add to the environment."""
        if self.spec is None:
            return {}
        token = self.service_token()
        return {**server_environment(self.spec, self.booking, token, self.baton_public_url)}

    def service_token(self) -> str:
        """Return the token for the platform's services that the server starts with."""
        if not self.service_token_lifetime:
            return str(self.api_token)
        if not self._service_token:
            own = APIToken.find(self.user.db, self.api_token)
            self.service_tokens.own = own.id if own is not None else None
            self._service_token = self.new_service_token()
        return self._service_token

    def new_service_token(self) -> str:
        """Return one more token for the platform's services; those before it end soon."""
        token = self.service_tokens.make(
            self.user,
            scopes=list(self.service_scopes),
            lifetime=self.service_token_lifetime,
            note=f"For the platform's services, from the server {self.name or 'without a name'}",
        )
        self._keep_state()
        return token

    def get_state(self) -> dict[str, Any]:
        """Return what must outlive the Hub: with the decision, to restore its booking from."""
        state: dict[str, Any] = super().get_state()
        if self.booking is not None:
            state["baton"] = self.booking.state()
        if self.service_tokens.made:
            state["baton_service_tokens"] = self.service_tokens.state()
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        """Take up what ran before the Hub started, and book it."""
        super().load_state(state)
        recovery_of(self.audit).begin(self.end_lost)
        self.service_tokens = ServiceTokens(state.get("baton_service_tokens"))
        kept = state.get("baton")
        if kept and self.orm_spawner is not None and self.orm_spawner.server is not None:
            self.booking, self._is_unconfirmed = load_booking(kept), True
            reservations.restore(self.booking)

    def clear_state(self) -> None:
        """Forget the server: it stopped, or never came up. Its booking is taken back.

        The Hub calls this at the end of every stop and of every failed start, also of a
        stop that failed. Then the server may run on, and counts until it was ended.
        """
        super().clear_state()
        self._service_token = ""
        if self.service_tokens.made:
            self.service_tokens.end(self.user.db)
        if self.booking is None:
            return
        booking, self.booking, self.spec = self.booking, None, None
        if self._may_run_on:
            recovery_of(self.audit).lose(booking, self.end_lost)
        else:
            reservations.release(booking.key, only=booking.id)
            self.audit.note("stop", **stopped(booking, self._stop_code(booking)))

    def _stop_code(self, booking: Booking) -> str:
        """Return why a server is no more, as far as the Hub knows."""
        if uses.was_culled(booking):
            return "culled"
        if self.trouble_code:
            return self.trouble_code
        if booking.started is None or self._waiting_for_response:
            return "failed"
        if self._was_told_to_stop:
            return "stopped"
        return "lost" if self._is_unconfirmed else "ended"

    async def stop(self, now: bool = False) -> None:
        """Stop the server. Who asked for it is not told to spawners."""
        self._was_told_to_stop = True
        try:
            await super().stop(now)
        except BaseException:
            # JupyterHub forgets the server all the same.
            self._may_run_on = True
            raise

    def start_polling(self) -> None:
        """Watch the server, which is there: it started, or was found again by a new Hub."""
        self._is_unconfirmed = False
        if self.booking is not None and self.booking.started is None:
            self.note_start()  # Its start outlived the Hub that began it.
        super().start_polling()
