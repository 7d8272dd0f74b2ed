"""The half of a spawner that people see: the page where they choose, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from traitlets import Any as AnyTrait
from traitlets import Unicode, default

from baton_hub.audit.catalog import RecordedCatalog
from baton_hub.booking import Booking
from baton_hub.catalog.connections import Connection
from baton_hub.process import reservations
from baton_hub.spawner.form import parse_form
from baton_hub.spawner.page import render_page

if TYPE_CHECKING:
    from jupyterhub.spawner import Spawner as Base
else:
    # JupyterHub wants every class below its own to be a complete spawner; this is a half of one.
    from traitlets.config import LoggingConfigurable as Base


class ChoosingSpawner(Base):  # type: ignore[misc]
    """What makes a spawner offer the catalogue, and take what is chosen as it comes.

    Nothing is decided here. `CuratedSpawner` says which catalogue it is, and decides.
    """

    contact = Unicode(
        "the people who run this Hub",
        help="Whom to ask for access; completes the sentence 'Please ask …' on the spawn page.",
    ).tag(config=True)

    user_options = AnyTrait(
        help="What was asked for, as it came: `decide` refuses what is no choice."
    )
    _asked: Any = None
    """What was just refused, for the page that says so to propose again."""
    page_notice = ""
    """What people should know about how servers run here, in one sentence."""
    booking: Booking | None = None
    """What the server that runs or starts holds; None when there is none."""

    @property
    def catalog(self) -> RecordedCatalog:
        """The catalogue that decides for this spawner."""
        raise NotImplementedError

    def unavailable(self, connections: Mapping[str, Connection]) -> dict[str, str]:  # noqa: ARG002
        """Return of each connection that can't be attached now why, in a sentence."""
        return {}

    def propose_again(self) -> None:
        """Have the page that tells of a refusal propose what was chosen."""
        # JupyterHub shows a refused form on the default server's page, whichever it was for.
        for spawner in (self, getattr(self.user, "spawner", None)):
            if isinstance(spawner, ChoosingSpawner):
                spawner._asked = self.user_options

    @default("user_options")
    def _no_user_options(self) -> dict[str, Any]:
        return {}

    @default("options_form")
    def _curated_options_form(self) -> Any:
        return lambda spawner: spawner.options_page()

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

    async def recovered(self) -> None:
        """Return once the account is what it was before the Hub was started."""

    async def options_page(self) -> str:
        """Return the part of the spawn page where the person chooses, with true figures."""
        await self.recovered()
        return self.render_options()

    def render_options(self) -> str:
        """Return the part of the spawn page where the person chooses."""
        catalog, groups = self.catalog.current(), self._groups()
        asked, self._asked = self._asked, None
        return render_page(
            catalog,
            reservations.bounds(catalog.quotas, self.user.name, groups, without=self.booking),
            chosen=self.user_options if asked is None else asked,
            was_refused=asked is not None,
            user=self.user.name,
            groups=sorted(groups),
            contact=self.contact,
            notice=self.page_notice,
            home=f"{self.hub.base_url}home",
            faults=self.catalog.live.faults if self.user.admin else (),
            unavailable=self.unavailable(catalog.connections),
        )
