"""The page on which operations see the catalogue, who runs what, use over time and refusals."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.scopes import needs_scope
from tornado.web import authenticated

from baton_hub.operations.history import history_of
from baton_hub.operations.survey import DAYS, survey
from baton_hub.process import audit_of, live_catalog, recovery_of, reservations


class OperationsHandler(BaseHandler):  # type: ignore[misc]
    """``GET /hub/baton/operations``: HTML for Hub admins (scope admin-ui); 403 for others."""

    def initialize(self, profiles: str, audit_file: str) -> None:
        """Take over where the catalogue is, and what is in the audit."""
        self.catalog = live_catalog(profiles)
        self.history = history_of(audit_file)
        self.audit = audit_of(audit_file)

    @authenticated
    @needs_scope("admin-ui")  # type: ignore[untyped-decorator]
    async def get(self) -> None:
        """Answer with the page as things stand now."""
        await recovery_of(self.audit).ready()
        now = datetime.now(UTC)
        # A month of decisions is read from disk: not in the Hub's loop.
        past = await asyncio.to_thread(self.history.since, now - timedelta(days=DAYS))
        catalog = self.catalog.current()
        view = survey(
            catalog,
            self.catalog.faults,
            reservations.bookings(),
            reservations.shared_bounds(catalog.quotas),
            past,
            now,
        )
        self.finish(await self.render_template("operations.html", view=view))
