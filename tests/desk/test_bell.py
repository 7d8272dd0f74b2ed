"""Who waits for the bell wakes, and ends when it is told to."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest

from baton_desk.bell import Bell


async def test_a_ring_before_the_wait_is_heard_and_one_that_never_comes_is_not_waited_for() -> None:
    bell = Bell()
    bell.ring()
    assert await bell.wait(0) == 1
    assert await bell.wait(1, 0.01) == 1


async def test_everybody_who_waits_wakes() -> None:
    bell = Bell()
    waiting = [asyncio.create_task(bell.wait(0)) for _ in range(3)]
    await asyncio.sleep(0)
    bell.ring()
    assert await asyncio.gather(*waiting) == [1, 1, 1]


async def test_who_is_cancelled_while_it_rings_is_cancelled() -> None:
    # A service that ends cancels its parts at any moment; one that went on would never end.
    for steps in count():
        bell = Bell()
        waiting = asyncio.create_task(bell.wait(0, 60))
        await asyncio.sleep(0.001)
        bell.ring()
        for _ in range(steps):
            await asyncio.sleep(0)
        if not waiting.cancel():
            break
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert steps > 0
