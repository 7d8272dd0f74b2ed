"""Server-sent events: an answer that goes on, and ends when nobody listens any more."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from tornado.iostream import StreamClosedError

from baton_contract import BadRequestError
from baton_desk.routes.base import DeskHandler

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from baton_desk.views import StreamedEvent

HEARTBEAT = 15.0
"""Seconds of silence after which a comment keeps proxies from closing the stream."""
LONGEST = 600.0
"""Seconds until a listener has to come again, and so to prove who it is."""


class StreamHandler(DeskHandler):
    """A handler that answers with `stream`."""

    def initialize(self) -> None:
        """Prepare to notice that the listener has gone."""
        super().initialize()
        self._gone = asyncio.Event()

    async def stream(
        self, opening: str, after: int, render: Callable[[StreamedEvent], str]
    ) -> None:
        """Send ``opening``, then each of the caller's events after ``after``, as it happens.

        Ends when the listener has gone, or after `LONGEST`.
        """
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("X-Accel-Buffering", "no")
        with contextlib.suppress(StreamClosedError):
            await self._send(opening)
            async for streamed in self._until_end(self.desk.events(self.caller, after)):
                await self._send(render(streamed) if streamed else ": still here\n\n")

    def on_connection_close(self) -> None:
        """Stop waiting for events that nobody will read."""
        self._gone.set()
        super().on_connection_close()

    async def _send(self, text: str) -> None:
        self.write(text)
        await self.flush()

    async def _until_end(
        self, events: AsyncIterator[StreamedEvent]
    ) -> AsyncIterator[StreamedEvent | None]:
        """Yield events, and None for a heartbeat, until the listener has gone or it is time."""
        clock = asyncio.get_running_loop()
        end = clock.time() + LONGEST
        gone = asyncio.ensure_future(self._gone.wait())
        coming = asyncio.ensure_future(anext(events))
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
                coming = asyncio.ensure_future(anext(events))
        finally:
            gone.cancel()
            coming.cancel()
            await asyncio.gather(gone, coming, return_exceptions=True)


def parse_place(text: str) -> int:
    """Return the sequence number of the last event that a listener was given."""
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise BadRequestError(
            "schema", "The place in the stream must be a number that the desk gave."
        )
    return int(text)
