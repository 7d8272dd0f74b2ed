"""When a delivery that failed is tried again."""

from __future__ import annotations

import random

DELAYS = (5, 60, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
"""Seconds before the second try, the third, …: about three days in all."""


def next_delay(
    attempt: int, asked: float | None = None, *, chance: random.Random | None = None
) -> int | None:
    """Return the milliseconds until the next try after try number ``attempt``, or None for no more.

    A fifth is left to chance, so that receivers are not hit by everybody at once.
    Never sooner than the receiver ``asked`` for, in seconds.
    """
    if attempt > len(DELAYS):
        return None
    jitter = (chance or random.SystemRandom()).uniform(0.8, 1.2)
    return round(1000 * max(DELAYS[attempt - 1] * jitter, asked or 0.0))
