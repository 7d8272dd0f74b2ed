"""What both spawners share: the decision before every start, and its record."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from traitlets import Integer, Unicode, default

from baton_contract import ForbiddenError, PublicError
from baton_hub.account import Booking, load_booking
from baton_hub.audit import Audit
from baton_hub.audit.events import allowed, refused, started, stopped
from baton_hub.catalog import LiveCatalog
from baton_hub.policy import ServerSpec, resolve
from baton_hub.process import audit_of, live_catalog, reservations, uses
from baton_hub.spawner.form import parse_form, render_form
from baton_hub.spawner.refusal import refusal

if TYPE_CHECKING:
    from jupyterhub.spawner import Spawner as Base
else:
    # JupyterHub wants every class below its own to be a complete spawner; this is a half of one.
    from traitlets.config import LoggingConfigurable as Base


class CuratedSpawner(Base):  # type: ignore[misc]
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
    baton_public_url = Unicode(
        "", help="Address of the Hub as browsers and servers reach it, without a slash at the end."
    ).tag(config=True)
    contact = Unicode(
        "the people who run this Hub",
        help="Whom to ask for access; completes the sentence 'Please ask …' on the spawn page.",
    ).tag(config=True)

    idle_limit = Integer(
        0,
        min=0,
        help="Seconds without activity after which a server is stopped, where its profile says"
        " nothing else. 0: never.",
    ).tag(config=True)

    spec: ServerSpec | None = None
    """What was decided for the server that starts; None once the Hub was started again."""
    booking: Booking | None = None
    """What the server that runs or starts holds; None when there is none."""
    trouble_code = ""
    """Code of what kept the server from coming up, or ended it; empty when nothing did."""
    _was_told_to_stop = False
    _is_unconfirmed = False
    """True while a new Hub has not yet looked whether the server is still there."""
    page_notice = ""
    """What people should know about how servers run here, in one sentence."""

    @property
    def audit(self) -> Audit:
        """The record of what is decided and what runs."""
        return audit_of(self.audit_file)

    @property
    def catalog(self) -> LiveCatalog:
        """The catalogue that decides for this spawner."""
        return live_catalog(self.catalog_folder)

    async def decide(self) -> ServerSpec:
        """Return the server to start, booked and recorded for good, or raise the refusal.

        A refusal is recorded too. A start that can't be recorded is refused.
        """
        user, groups = self.user.name, self._groups()
        catalog = self.catalog.current()
        spec: ServerSpec | None = None
        try:
            if not catalog.profiles:
                raise ForbiddenError(
                    "catalog_broken",
                    "The catalogue has no valid profile yet. Nothing can start until it has.",
                )
            spec = resolve(catalog, user, groups, self.user_options)
            limit = self.idle_limit if spec.stop_when_idle is None else spec.stop_when_idle
            booking = reservations.reserve(self.name, spec, catalog.quotas, limit)
            self._record_start(booking, spec)
        except PublicError as error:
            asked = {"user": user, "server": self.name, "asked": self.user_options, "spec": spec}
            facts = refused(error, groups=groups, revision=catalog.revision, **asked)
            self.audit.note("spawn", **facts)
            raise refusal(error, self._hub_settings()) from None
        self.spec, self.booking, self._was_told_to_stop = spec, booking, False
        self.trouble_code = ""
        try:
            await self.audit.durable()
        except PublicError as error:
            raise refusal(error, self._hub_settings()) from None
        return spec

    def _record_start(self, booking: Booking, spec: ServerSpec) -> None:
        try:
            self.audit.record("spawn", **allowed(booking, spec))
        except PublicError:
            reservations.release(booking.key, only=booking.id)
            raise

    def note_start(self) -> None:
        """Note that the server runs; subclasses call it as soon as it does."""
        if self.booking is not None:
            self.booking = reservations.start(self.booking.key) or self.booking
            self.audit.note("start", **started(self.booking))

    async def end_lost(self, ids: Collection[str]) -> None:
        """End the servers of these decisions, which the Hub does not know.

        It was killed before it had noted what came of them. Does nothing where no
        server outlives a Hub that does not know it.
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
        spec = self.spec
        if spec is None:
            return {}
        # Waits a minute for MLflow, as for one that restarts; its own 7 make it four.
        env: dict[str, Any] = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "5", **spec.environment}
        env.update(
            MLFLOW_TRACKING_URI=f"{self.baton_public_url}/services/mlflow",
            MLFLOW_TRACKING_USERNAME=self.user.name,
            MLFLOW_TRACKING_PASSWORD=self.api_token,
            MLFLOW_DISABLE_TELEMETRY="true",
            BATON_DESK_URL=f"{self.baton_public_url}/services/desk",
            BATON_SERVER_ID=self.booking.id if self.booking else "",
            BATON_PROFILE=spec.profile,
            BATON_SIZE=spec.size,
            BATON_IMAGE=spec.image,
            BATON_IMAGE_DIGEST=spec.digest,
        )
        return env

    def get_state(self) -> dict[str, Any]:
        """Return what must outlive the Hub: with the decision, to restore its booking from."""
        state: dict[str, Any] = super().get_state()
        if self.booking is not None:
            state["baton"] = self.booking.state()
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        """Take up what ran before the Hub started, and book it."""
        super().load_state(state)
        kept = state.get("baton")
        if kept and self.orm_spawner is not None and self.orm_spawner.server is not None:
            self.booking, self._is_unconfirmed = load_booking(kept), True
            reservations.restore(self.booking)

    def clear_state(self) -> None:
        """Forget the server: it stopped, or never came up. Its booking is taken back.

        The Hub calls this at the end of every stop and of every failed start.
        """
        super().clear_state()
        if self.booking is not None:
            booking, self.booking, self.spec = self.booking, None, None
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
        await super().stop(now)

    def start_polling(self) -> None:
        """Watch the server, which is there: it started, or was found again by a new Hub."""
        self._is_unconfirmed = False
        super().start_polling()

    @default("options_form")
    def _curated_options_form(self) -> Any:
        return lambda spawner: spawner.render_options()

    @default("options_from_form")
    def _curated_options_from_form(self) -> Any:
        return parse_form

    @default("apply_user_options")
    def _curated_apply_user_options(self) -> Any:
        # `decide` applies them; without this JupyterHub warns that nobody does.
        return lambda spawner, user_options: None  # noqa: ARG005

    def options_from_query(self, query_data: Mapping[str, list[str]]) -> dict[str, Any]:
        """Return the options that stand in an address such as ``/spawn?profile=NAME&size=NAME``."""
        return parse_form(query_data)

    def render_options(self) -> str:
        """Return the part of the spawn page where the person chooses."""
        catalog, groups = self.catalog.current(), self._groups()
        return render_form(
            catalog,
            reservations.bounds(catalog.quotas, self.user.name, groups, without=self.booking),
            chosen=self.user_options,
            user=self.user.name,
            groups=sorted(groups),
            contact=self.contact,
            notice=self.page_notice,
            faults=self.catalog.faults if self.user.admin else (),
            is_broken=not catalog.profiles,
        )
