"""Times and the ids that carry them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from baton_contract.timestamp import render_timestamp

Clock = Callable[[], int]
"""Returns now, in milliseconds since 1970, UTC. Everything at the desk is told its clock."""

DAY = 24 * 60 * 60 * 1000
_EPOCH = datetime.fromtimestamp(0, UTC)


def system_clock() -> int:
    """Return now by the machine's clock."""
    return time.time_ns() // 1_000_000


def render_moment(moment: int) -> str:
    """Return a moment as the contract writes it."""
    return render_timestamp(_EPOCH + timedelta(milliseconds=moment))


def new_id(moment: int, order: int | None = None) -> str:
    """Return a UUIDv7 (RFC 9562) of ``moment`` as 32 hexadecimal digits; ids sort by time.

    ``order`` (below 4096) sorts ids of the same moment.
    """
    second = secrets.randbits(12) if order is None else order
    value = (moment & (2**48 - 1)) << 80 | 0x7 << 76 | second << 64
    return f"{value | 0b10 << 62 | secrets.randbits(62):032x}"
