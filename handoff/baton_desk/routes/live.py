"""The pages' stream: hints about what changed, for the person who looks."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from tornado.iostream import StreamClosedError

from baton_contract import BadRequestError
from baton_desk.routes.pages_base import PageHandler

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from baton_contract.types import Event
    from baton_desk.views import StreamedEvent

HEARTBEAT = 15.0
"""Seconds of silence after which a comment keeps proxies from closing the stream."""
LONGEST = 600.0
"""Seconds until the browser has to connect, and so to prove who it is, again."""

SENTENCES = {
    "checking": "{model} version {version} is being checked.",
    "check_failed": "A check found a fault in {model} version {version}.",
    "offered": "{sender} hands {model} version {version} to {team}.",
    "changes_requested": "{actor} asks for changes to {model} version {version}.",
    "accepted": "{actor} accepted {model} version {version}.",
    "declined": "{actor} declined {model} version {version}.",
    "withdrawn": "{actor} took {model} version {version} back.",
    "expired": "The offer of {model} version {version} has expired.",
    "superseded": "A newer version takes the place of {model} version {version}.",
    "revoked": "{actor} revoked {model} version {version}.",
    "commented": "{actor} wrote about {model} version {version}.",
    "deployment_reported": "{actor} reports {model} version {version} in {environment}: {status}.",
}


class LiveHandler(PageHandler):
    """GET live?after=SEQ: server-sent hints, each ``{"handoff", "type", "text"}`` (200, 400, 401).

    Only about handoffs that the caller sent or receives; the page fetches what
    changed. Begins after ``after`` or ``Last-Event-ID``.
    """

    async def get(self) -> None:
        """Stream until the browser goes, or has to sign in again."""
        after = self._after()
        self._gone = asyncio.Event()
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("X-Accel-Buffering", "no")
        events = self.desk.events(self.caller, after)
        with contextlib.suppress(StreamClosedError):
            await self._send(": live\n\n")
            async for streamed in self._until_end(events):
                await self._send(render_hint(streamed) if streamed else ": still here\n\n")

    def on_connection_close(self) -> None:
        """Stop waiting for events that nobody will read."""
        gone = getattr(self, "_gone", None)
        if gone:
            gone.set()

    def _after(self) -> int:
        last = self.request.headers.get("Last-Event-ID") or self.get_query_argument("after", "")
        if not last.isdecimal() or len(last) > 18:
            raise BadRequestError(
                "bad_position", "The stream's place is no number. Reload the page."
            )
        return int(last)

    async def _send(self, text: str) -> None:
        self.write(text)
        await self.flush()

    async def _until_end(
        self, events: AsyncIterator[StreamedEvent]
    ) -> AsyncIterator[StreamedEvent | None]:
        """Yield events, and None for a heartbeat, until the browser has gone or it is time."""
        clock = asyncio.get_running_loop()
        end = clock.time() + LONGEST
        gone = asyncio.ensure_future(self._gone.wait())
        coming: asyncio.Future[StreamedEvent] = asyncio.ensure_future(_next(events))
        try:
            while not gone.done() and clock.time() < end:
                waits: set[asyncio.Future[Any]] = {gone, coming}
                await asyncio.wait(waits, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    return
                if not coming.done():
                    yield None
                    continue
                yield coming.result()
                coming = asyncio.ensure_future(_next(events))
        finally:
            gone.cancel()
            coming.cancel()
            await asyncio.gather(gone, coming, return_exceptions=True)


async def _next(events: AsyncIterator[StreamedEvent]) -> StreamedEvent:
    return await anext(events)


def render_hint(streamed: StreamedEvent) -> str:
    """Return an event as a server-sent hint: which handoff, what kind, one sentence."""
    event = streamed["event"]
    hint = {
        "handoff": event["data"]["handoff"],
        "type": event["type"],
        "text": _sentence(event),
    }
    return f"id: {streamed['seq']}\nevent: hint\ndata: {json.dumps(hint)}\n\n"


def _sentence(event: Event) -> str:
    kind = event["type"].rpartition(".")[2]
    return SENTENCES.get(kind, "").format(**event["data"])
