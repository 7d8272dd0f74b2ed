"""The inbox: what a person's teams received, and what the person sent."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from baton_desk.routes.pages_base import PageHandler
from baton_desk.routes.pages_words import STATES

if TYPE_CHECKING:
    from baton_contract.types import Handoff
    from baton_desk.views import Box

PAGE_SIZE = 30
WAITING: dict[Box, tuple[str, str]] = {
    "received": ("offered", "accept"),
    "sent": ("changes_requested", "reoffer"),
}
"""By box, the state that waits for the caller, and the action that says they can end it."""


class InboxHandler(PageHandler):
    """GET /?box=received|sent&state=S&cursor=C: the inbox, what waits first (200)."""

    page = "inbox"

    async def get(self) -> None:
        """Show one page of it."""
        box: Box = "sent" if self.get_query_argument("box", "") == "sent" else "received"
        state = self.get_query_argument("state", "")
        state = state if state in STATES else ""
        cursor = self.get_query_argument("cursor", "") or None
        live = await self.live_url()
        waiting, count = await self._waiting(box)
        listed = await self.desk.handoffs(
            self.caller, box=box, state=state or None, cursor=cursor, limit=PAGE_SIZE
        )
        # What waits is set apart on the first page; the others are in order of time.
        apart = {} if state or cursor else {item["id"]: item for item in waiting}
        query = {"box": box} | ({"state": state} if state else {})
        self.render_page(
            "inbox.html",
            live=live,
            refresh=self.request.uri,
            box=box,
            state=state,
            cursor=cursor,
            teams=sorted(self.caller.groups),
            waiting=list(apart.values()),
            waiting_count=count,
            items=[item for item in listed["items"] if item["id"] not in apart],
            next_cursor=listed["next_cursor"],
            newest_url=f"{self.prefix}?{urlencode(query)}",
            older_url=f"{self.prefix}?{urlencode(query | {'cursor': listed['next_cursor'] or ''})}",
        )

    async def _waiting(self, box: Box) -> tuple[list[Handoff], str]:
        """Return what waits for the caller, newest first, and how much that is."""
        state, action = WAITING[box]
        page = await self.desk.handoffs(self.caller, box=box, state=state, limit=PAGE_SIZE)
        items = [item for item in page["items"] if action in item["actions"]]
        more = "+" if page["next_cursor"] else ""
        return items, f"{len(items)}{more}" if items else ""
