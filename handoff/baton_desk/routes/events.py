"""The desk's API: what happens, as it happens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from baton_desk.routes.stream import StreamHandler, parse_place

if TYPE_CHECKING:
    from baton_desk.views import StreamedEvent


class Events(StreamHandler):
    """GET api/events: server-sent events, without end (200, 400). Any person.

    ``id`` is the sequence number, ``event`` the type, ``data`` the event (event.v1).
    Begins after ``Last-Event-ID``; without it, now, and says first where that is.
    Ends after ten minutes, so that whoever listens has to say again who they are.
    """

    async def get(self) -> None:
        """Stream what happens to the handoffs that the caller sent or receives."""
        last = self.request.headers.get("Last-Event-ID", "")
        after = parse_place(last) if last else await self.desk.last_event()
        await self.stream(f": the desk's events\nid: {after}\n\n", after, render_event)


def render_event(streamed: StreamedEvent) -> str:
    """Return an event as a server-sent one."""
    event = streamed["event"]
    return f"id: {streamed['seq']}\nevent: {event['type']}\ndata: {json.dumps(event)}\n\n"
