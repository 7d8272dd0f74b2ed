"""Bytes as people read them."""

from __future__ import annotations


def render_size(size: int) -> str:
    """Return bytes with a unit of 1024, three figures at most: ``47.1 KiB``."""
    value, unit = float(size), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{size} B" if unit == "B" else f"{value:.{1 if value < 100 else 0}f} {unit}"
