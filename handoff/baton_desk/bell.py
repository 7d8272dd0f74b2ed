"""Wakes whoever waits for something to be committed."""

from __future__ import annotations

import asyncio
import contextlib


class Bell:
    """Counts rings, so that nobody who looks before waiting can miss one.

    For one event loop: `ring` from another thread is not safe.
    """

    def __init__(self) -> None:
        self.rings = 0
        self._next = asyncio.Event()

    def ring(self) -> None:
        """Wake everybody who waits now."""
        self.rings += 1
        self._next.set()
        self._next = asyncio.Event()

    async def wait(self, heard: int, timeout: float | None = None) -> int:  # noqa: ASYNC109
        """Return the number of rings as soon as it is above ``heard``, or after ``timeout`` s."""
        if self.rings <= heard:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._next.wait()
        return self.rings
