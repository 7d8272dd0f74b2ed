"""Hints between the workers of one PostgreSQL database, on this machine and others.

A panel is connected to one worker, and what it shows is recorded through any. Each
worker tells the others by NOTIFY, and listens.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import astuple

import psycopg
from sqlalchemy.engine import make_url

from baton_hub.tracking.hints import Hint, Hints, Waiting

log = logging.getLogger(__name__)

CHANNEL = "baton_hints"
PACE_SECONDS = 0.1
"""Hints that come within this time are sent as one notification."""
RETRY_SECONDS = 2.0
MOST = 5000
"""How many different hints may wait while PostgreSQL is slow or away."""
PAYLOAD_BYTES = 7900
"""PostgreSQL takes less than 8000."""
MISSED = (Hint(None, None, "run"), Hint(None, None, "model"))
"""What is told after an interruption: anything may have changed."""


class Relay:
    """Gives what this worker's requests publish to all others, and theirs to `hints`.

    When PostgreSQL is away, hints of that time are lost; listeners are told to look
    anew as soon as it is back. Nothing that is recorded depends on it.
    """

    def __init__(self, address: str, hints: Hints) -> None:
        # What libpq reads is SQLAlchemy's address without the driver.
        self._address = (
            make_url(address).set(drivername="postgresql").render_as_string(hide_password=False)
        )
        self._hints = hints
        self._waiting = Waiting(MOST)
        self._origin = secrets.token_hex(8)
        hints.elsewhere = self._waiting.add

    async def run(self) -> None:
        """Send and listen until cancelled."""
        interrupted = False
        while True:
            try:
                async with (
                    await self._connect() as listening,
                    await self._connect() as sending,
                    asyncio.TaskGroup() as tasks,
                ):
                    await listening.execute(f"LISTEN {CHANNEL}")
                    if interrupted:
                        self._tell(MISSED)
                    tasks.create_task(self._send(sending))
                    tasks.create_task(self._listen(listening))
            except* (psycopg.Error, OSError) as errors:
                log.warning("Hints to other workers are interrupted: %s", errors.exceptions[0])
                interrupted = True
            await asyncio.sleep(RETRY_SECONDS)

    async def _connect(self) -> psycopg.AsyncConnection[tuple[object, ...]]:
        return await psycopg.AsyncConnection.connect(
            self._address, autocommit=True, application_name="baton hints"
        )

    async def _send(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        while True:
            for payload in render_payloads(self._origin, await self._waiting.take()):
                await connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, payload))
            await asyncio.sleep(PACE_SECONDS)

    async def _listen(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        async for notification in connection.notifies():
            origin, hints = json.loads(notification.payload)
            if origin != self._origin:
                self._tell(Hint(*hint) for hint in hints)
        raise psycopg.OperationalError("the connection was closed")

    def _tell(self, hints: Iterable[Hint]) -> None:
        for hint in hints:
            self._hints.deliver(hint)


def render_payloads(origin: str, hints: list[Hint]) -> Iterator[str]:
    """Yield notifications that hold all of the hints and are short enough to be sent."""
    begin = json.dumps([origin, []])[:-2]
    held: list[str] = []
    size = len(begin)
    for hint in hints:
        text = json.dumps(astuple(hint))
        if held and size + len(text) + 2 > PAYLOAD_BYTES:
            yield f"{begin}{','.join(held)}]]"
            held, size = [], len(begin)
        held.append(text)
        size += len(text) + 1
    if held:
        yield f"{begin}{','.join(held)}]]"
