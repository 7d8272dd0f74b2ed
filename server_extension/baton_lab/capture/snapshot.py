"""A notebook as it was when a run started: what is saved, with what was really executed on it."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from baton_lab.capture.cells import Executed
from baton_lab.capture.mask import Mask

LARGEST = 20 * 1024 * 1024
"""Bytes of a snapshot; a larger one is kept without outputs."""
Json = dict[str, Any]
EMPTY: Json = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The notebook's content; the running cell's id; whether its cells ran in order.

    ``in_order`` is None where nothing is known to have run. ``left_out`` says what the
    content lacks, "" where nothing.
    """

    content: bytes
    cell: str | None
    in_order: bool | None
    left_out: str = ""

    @property
    def sha256(self) -> str:
        """The content's digest."""
        return hashlib.sha256(self.content).hexdigest()


def parse_notebook(text: bytes) -> Json | None:
    """Return a notebook of format 4; None for anything else."""
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError):
        return None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        return None
    return notebook if isinstance(notebook, dict) else None


def masked_notebook(text: bytes, mask: Mask) -> bytes:
    """Return a saved notebook without secrets; the very bytes where there are none."""
    notebook = parse_notebook(text)
    if notebook is None:
        plain = text.decode("utf-8", "surrogateescape")
        return mask.text(plain).encode("utf-8", "surrogateescape")
    masked = mask.value(notebook)
    return text if masked == notebook else _dump(masked)


def take_snapshot(
    saved: Json | None, executed: Sequence[Executed], mask: Mask, text: bytes = b""
) -> Snapshot:
    """Return the snapshot of a saved notebook, or one made of the executed cells alone.

    The same notebook and executions give the same bytes; these are the file's own
    (``text``) where it is what ran and has no secrets. Outputs are those that were saved; a
    cell that was changed since then has none.
    """
    laid = _Laid(saved or EMPTY)
    for one in executed:
        laid.execute(one)
    content, left_out = _render(laid.notebook(), mask, len(text))
    if text and not left_out and json.loads(content) == saved:
        content = text
    running = laid.running
    return Snapshot(
        content=content,
        cell=running.get("id") if running is not None else None,
        in_order=laid.in_order(),
        left_out=left_out,
    )


class _Laid:
    """The saved cells, on which executions are laid one after the other."""

    def __init__(self, saved: Json) -> None:
        self._saved = saved
        self._gone: list[Json] = []
        self._cells: list[Json] = [dict(cell) for cell in saved["cells"]]
        self._by_id = {cell["id"]: cell for cell in self._cells if isinstance(cell.get("id"), str)}
        self._has_ids = bool(self._by_id) or not self._cells
        self._counts: dict[int, int] = {}
        self.running: Json | None = None

    def notebook(self) -> Json:
        return {**self._saved, "cells": self._cells}

    def execute(self, one: Executed) -> None:
        if one.deleted:
            self._delete(set(one.deleted))
        cell = self._find(one)
        if cell is None:
            cell = self._add(one)
        elif _source(cell) != one.source:
            cell |= {"source": one.source, "outputs": []}
        cell["execution_count"] = one.count
        self._counts[id(cell)] = one.count
        self.running = cell

    def _delete(self, ids: set[str]) -> None:
        self._gone += [cell for cell in self._cells if cell.get("id") in ids]
        self._cells = [cell for cell in self._cells if cell.get("id") not in ids]
        for cell in ids & self._by_id.keys():
            del self._by_id[cell]

    def _add(self, one: Executed) -> Json:
        cell: Json = {"cell_type": "code", "metadata": {}, "outputs": [], "source": one.source}
        if self._has_ids:
            cell["id"] = one.cell or f"execution-{one.count}"
            self._by_id[cell["id"]] = cell
        self._cells.insert(self._behind_running(), cell)
        return cell

    def _find(self, one: Executed) -> Json | None:
        if one.cell is not None and self._has_ids:
            return self._by_id.get(one.cell)
        # Clients that name no cell run them from top to bottom; old formats name none.
        code = [cell for cell in self._cells if cell.get("cell_type") == "code"]
        same = [cell for cell in code if _source(cell) == one.source]
        return next((c for c in same if id(c) not in self._counts), same[-1] if same else None)

    def _behind_running(self) -> int:
        for index, cell in enumerate(self._cells):
            if cell is self.running:
                return index + 1
        return len(self._cells)

    def in_order(self) -> bool | None:
        """Return whether the cells down to the running one ran once from top to bottom."""
        if self.running is None:
            return None
        counts = []
        for cell in self._cells:
            if cell.get("cell_type") == "code" and _source(cell).strip():
                counts.append(self._counts.get(id(cell)))
            if cell is self.running:
                break
        if None in counts:
            return False  # A cell above was not run by this kernel.
        known = [count for count in counts if count is not None]
        return all(first < second for first, second in itertools.pairwise(known))


def _source(cell: Json) -> str:
    source = cell.get("source", "")
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def _render(notebook: Json, mask: Mask, size: int) -> tuple[bytes, str]:
    """Return the content and what it lacks; ``size`` is that of the notebook's file."""
    if size <= LARGEST:
        content = _dump(mask.value(notebook))
        if len(content) <= LARGEST:
            return content, ""
        size = len(content)
    bare = {**notebook, "cells": [_without_outputs(cell) for cell in notebook["cells"]]}
    content = _dump(mask.value(bare))
    if len(content) <= LARGEST:
        return content, f"outputs ({_mega(size)}; a snapshot may have {_mega(LARGEST)})"
    code = [cell for cell in bare["cells"] if cell.get("execution_count") is not None]
    content = _dump(mask.value({**EMPTY, "cells": code}))
    return content, f"all but the code that ran ({_mega(size)})"


def _without_outputs(cell: Json) -> Json:
    kept = {name: value for name, value in cell.items() if name != "attachments"}
    return {**kept, "outputs": []} if cell.get("cell_type") == "code" else kept


def _dump(notebook: Json) -> bytes:
    # Written as Jupyter writes notebooks.
    text = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True)
    return (text + "\n").encode("utf-8", "backslashreplace")


def _mega(size: int) -> str:
    return f"{size / 1024 / 1024:.0f} MiB"
