"""The warning before the Hub stops this server because nobody uses it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from baton_contract.errors import UnavailableError

log = logging.getLogger("baton_lab.idle")
RETRY = 20.0
"""Seconds until a Hub that did not answer, or that has no culler at work, is asked again."""
LONGEST_TICK = 15.0
"""Seconds between two looks at whether somebody came back, once they were warned."""


class Standings(Protocol):
    """Who knows when this server is stopped."""

    async def standing(self, idle: float) -> dict[str, Any] | None:
        """Return how this server stands; see `Hub`."""


class Uses(Protocol):
    """Who knows when this server was last used."""

    def last(self) -> datetime:
        """Return when."""

    def touch(self) -> None:
        """Count this moment as use."""


class Watch:
    """Keeps the Hub informed of this server's use, and knows when it is about to be stopped.

    It sleeps until a warning could be due, then tells the Hub when the server was last
    used. The Hub says how long is left: only its word leads to a warning, and use takes
    the warning back before the time is up. ``changed`` is called with each change.
    """

    def __init__(
        self,
        hub: Standings,
        use: Uses,
        changed: Callable[[datetime | None], None],
        *,
        clock: Callable[[], datetime] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._hub = hub
        self._use = use
        self._changed = changed
        self._clock = clock or (lambda: datetime.now(UTC))
        self._sleep = sleep
        self.stops_at: datetime | None = None
        """When this server is stopped unless it is used; None until that is near."""

    async def run(self) -> None:
        """Watch until cancelled; ends where the Hub never stops this server."""
        while True:
            try:
                standing = await self.ask()
                idle = standing and standing["idle"]
                if not idle:
                    return
                await self._wait(idle)
            except UnavailableError as error:
                log.debug("The Hub was not told of this server's use: %s", error)
                await self._sleep(RETRY)
            # Top of the loop: a watch that ends would let the server be stopped unwarned.
            except Exception:
                log.exception("The watch over this server's use failed; it goes on")
                await self._sleep(RETRY)

    async def ask(self) -> dict[str, Any] | None:
        """Tell the Hub when this server was last used; return how it stands."""
        return await self._hub.standing((self._clock() - self._use.last()).total_seconds())

    async def keep(self) -> None:
        """Count this moment as use, and have the Hub know it at once."""
        self._use.touch()
        await self.ask()
        self._tell(None)

    async def _wait(self, idle: dict[str, Any]) -> None:
        """Sleep until the warning is due; when it is, warn until somebody comes back."""
        calm = idle["remaining"] - idle["warning"]
        if calm > 0:
            self._tell(None)
            await self._sleep(calm)
        elif not idle["is_watched"]:
            # Nobody is there to stop it: a warning would not come true.
            await self._sleep(RETRY)
        else:
            await self._warn(idle)

    async def _warn(self, idle: dict[str, Any]) -> None:
        used = self._use.last()
        self._tell(self._clock() + timedelta(seconds=idle["remaining"]))
        over = self._clock() + timedelta(seconds=idle["remaining"] + RETRY)
        tick = min(LONGEST_TICK, max(idle["warning"] / 20, 0.5))
        while self._clock() < over:
            await self._sleep(tick)
            if self._use.last() > used:
                self._tell(None)
                return

    def _tell(self, moment: datetime | None) -> None:
        is_news = (moment is None) != (self.stops_at is None)
        self.stops_at = moment
        if is_news:
            self._changed(moment)
