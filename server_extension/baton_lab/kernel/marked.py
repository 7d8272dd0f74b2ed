"""Cells that are runs: what starts a run in a cell, and ends it with the cell.

A cell that begins with ``%%baton …`` is run as that line followed by the rest of the cell, at
its top level. So whatever works in a cell works in it: what its last line shows, ``await``,
other magics, line numbers in a traceback. What ends with the cell hears how it ended.
"""

from __future__ import annotations

import threading
from asyncio import CancelledError
from collections.abc import Callable
from typing import Any

from IPython.core.inputtransformer2 import cell_magic

HEAD = "%%baton"
End = Callable[[str], None]
"""Called with the status that a cell ended with: FINISHED, FAILED or KILLED."""


class Cells:
    """Knows which cells of each thread are being run, and what is to end with which."""

    def __init__(self) -> None:
        self._here = threading.local()

    def begin(self, info: Any) -> None:
        """Note a cell that begins; IPython's event ``pre_run_cell``."""
        self._running().append((info, []))

    def end(self, result: Any = None) -> None:
        """End what began in a cell; IPython's event ``post_run_cell``.

        A cell may run others (``%%capture``, ``%run``): each ends what is its own.
        """
        running = self._running()
        found = next((n for n, (info, _) in enumerate(running) if _is_of(result, info)), None)
        if found is None:
            return
        status = status_of(result)
        while len(running) > found:
            for ended in reversed(running.pop()[1]):
                ended(status)

    def at_end(self, ended: End) -> bool:
        """Have ``ended`` called when this thread's cell ends; False where none is known."""
        running = self._running()
        if running:
            running[-1][1].append(ended)
        return bool(running)

    def _running(self) -> list[tuple[Any, list[End]]]:
        if not hasattr(self._here, "running"):
            self._here.running = []
        found: list[tuple[Any, list[End]]] = self._here.running
        return found


def _is_of(result: Any, info: Any) -> bool:
    """Tell whether a result is a cell's; an interrupted one has a description of its own."""
    found = getattr(result, "info", None)
    return found is None or found is info or found.raw_cell == info.raw_cell


def status_of(result: Any) -> str:
    """Return the status of a run whose cell ended so."""
    error = getattr(result, "error_in_exec", None) or getattr(result, "error_before_exec", None)
    if result is None or isinstance(error, KeyboardInterrupt | CancelledError):
        return "KILLED"
    return "FINISHED" if error is None else "FAILED"


def unfold(lines: list[str]) -> list[str]:
    """Return a cell's lines with ``%%baton`` at its head as a line magic, others as they are."""
    words = lines[0].split(maxsplit=1) if lines and lines[0].startswith(HEAD) else []
    if words[:1] != [HEAD]:
        return lines
    line = words[1].strip() if len(words) > 1 else ""
    call = f"get_ipython().run_line_magic('baton', {line!r})\n"
    body = lines[1:]
    first = next((n for n, line in enumerate(body) if line.strip()), len(body))
    rest = cell_magic(unfold(body[first:]))  # type: ignore[no-untyped-call]
    return [call, *body[:first], *rest]
