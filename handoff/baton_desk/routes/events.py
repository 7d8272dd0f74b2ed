"""The desk's API: what happens, as it happens."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

from tornado.iostream import StreamClosedError

from baton_contract import BadRequestError
from baton_desk.routes.base import DeskHandler

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from baton_desk.views import StreamedEvent

HEARTBEAT = 15.0
"""Seconds after which silence is broken, so that nobody on the way hangs up."""
LONGEST = 600.0
"""Seconds after which a listener has to come again."""


class Events(DeskHandler):
    """GET api/events: server-sent events, without end. Any person.

    ``id`` is the sequence number, ``event`` the type, ``data`` the event (event.v1).
    Begins after ``Last-Event-ID``; without it, now, and says first where that is.
    Ends after ten minutes, so that whoever listens has to say again who they are.
    """

    async def get(self) -> None:
        """Stream what happens to the handoffs that the caller sent or receives."""
        after = await self._start()
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Accel-Buffering", "no")
        self.write(f": the desk's events\nid: {after}\n\n")
        try:
            await self.flush()
            await self._stream(self.desk.events(self.caller, after))
        except StreamClosedError:
            pass

    async def _start(self) -> int:
        last = self.request.headers.get("Last-Event-ID", "")
        if not last:
            return await self.desk.last_event()
        if not (last.isascii() and last.isdecimal() and len(last) < 19):
            raise BadRequestError("schema", "Last-Event-ID must be a number that the desk gave.")
        return int(last)

    async def _stream(self, events: AsyncIterator[StreamedEvent]) -> None:
        source = aiter(events)
        pending = asyncio.ensure_future(anext(source))
        self._pending = pending
        end = time.monotonic() + LONGEST
        try:
            while time.monotonic() < end:
                await asyncio.wait({pending}, timeout=HEARTBEAT)
                if pending.cancelled():
                    return  # Nobody listens any more.
                if pending.done():
                    self.write(_render(pending.result()))
                    pending = self._pending = asyncio.ensure_future(anext(source))
                else:
                    self.write(": still here\n\n")
                await self.flush()
        finally:
            pending.cancel()

    def on_connection_close(self) -> None:
        """Stop waiting for events as soon as the listener has gone."""
        pending: asyncio.Future[StreamedEvent] | None = getattr(self, "_pending", None)
        if pending is not None:
            pending.cancel()
        super().on_connection_close()


def _render(streamed: StreamedEvent) -> str:
    event = streamed["event"]
    return f"id: {streamed['seq']}\nevent: {event['type']}\ndata: {json.dumps(event)}\n\n"
