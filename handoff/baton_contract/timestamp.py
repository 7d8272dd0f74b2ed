"""Times as the contract writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def render_timestamp(moment: datetime) -> str:
    """Return a moment in RFC 3339: UTC, milliseconds (what is finer is cut off), ``Z``.

    ``moment`` knows its zone.
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
