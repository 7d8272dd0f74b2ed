"""Rows as text, for people to read in a terminal."""

from __future__ import annotations

from collections.abc import Sequence


def render_table(heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = 0) -> str:
    """Return lines of aligned columns; the last ``numbers`` of them to the right."""
    table = [list(heads), *([_plain(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(heads))]
    first = len(heads) - numbers
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i >= first else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    )


def _plain(text: str) -> str:
    """Return a text that can't steer a terminal."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
