"""The cells that a kernel ran, written down as they start: sources that no file has.

JupyterLab does not save a notebook when a cell runs, so only the kernel knows what was
really executed. This module is loaded by every kernel and imports next to nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VARIABLE = "BATON_CELL"
"""Tells the processes that a cell starts which kernel and cell that is, as JSON."""
NAME = "IPYNB_FILE"
"""MLflow's own variable for the name that it tags a notebook's runs with."""
FOLDER = "cells"


@dataclass(frozen=True, kw_only=True)
class Executed:
    """One execution: the cell's id (None where the client named none), its count, its source.

    ``deleted`` has the ids of cells that the person deleted since the execution before.
    """

    cell: str | None
    count: int
    source: str
    deleted: tuple[str, ...] = ()


class Watch:
    """Writes a kernel's executions into a file of its own; one that can't be written is let go.

    A line is on the disk's cache, and so survives the kernel's end, before the cell runs.
    """

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.kernel = kernel_of(shell) or ""
        self.trouble = ""
        self.is_nested = inherited_kernel() not in {None, self.kernel}
        """Whether a notebook started this kernel, whose variables it then has."""
        self.cell: str | None = None
        """The cell that began last, and its execution count."""
        self.count: int | None = None
        self._ahead: int | None = None
        self._pid = 0
        self._fd = -1
        self._path: Path | None = None
        self._written: dict[str, str] = {}

    def begin(self, info: Any) -> None:
        """Note the cell that is about to run; IPython's event ``pre_run_cell``."""
        with suppress(Exception):  # No cell fails because of what is noted about it.
            if getattr(info, "store_history", False):
                self._begin(info)

    def path(self) -> Path | None:
        """Return the file of this process's executions; None where none can be written.

        A fork of the kernel that ran no cell of its own has its parent's.
        """
        return self._path

    def _begin(self, info: Any) -> None:
        metadata = request_metadata(self.shell)
        cell = getattr(info, "cell_id", None) or metadata.get("cellId")
        self.cell, self.count = str(cell) if cell else None, self._current()
        deleted = metadata.get("deletedCells") or ()
        self._write(self.cell, self.count, str(info.raw_cell), list(deleted))
        said = {"kernel": self.kernel, "cell": self.cell, "count": self.count}
        os.environ[VARIABLE] = json.dumps({**said, "cells": os.fspath(self._path or "")})

    def _current(self) -> int:
        """Return the number that the cell shows, which IPython has counted on by now or not.

        It depends on its version; its list of inputs gets this one later in all of them.
        """
        count = int(self.shell.execution_count)
        if self._ahead is None:
            known = len(self.shell.history_manager.input_hist_raw)
            self._ahead = 1 if count > known else 0
        return count - self._ahead

    def _write(self, cell: str | None, count: int, source: str, deleted: list[str]) -> None:
        self._open()
        line: dict[str, Any] = {"cell": cell, "count": count}
        if cell is None or self._written.get(cell) != source:
            line["source"] = source
        if deleted:
            line["deleted"] = deleted
        if self._fd >= 0 and _append(self._fd, line) and cell is not None:
            self._written[cell] = source

    def _open(self) -> None:
        # A fork of the kernel writes a file of its own.
        if self._pid == os.getpid():
            return
        self._pid, self._fd, self._path, self._written = os.getpid(), -1, None, {}
        try:
            folder = cells_folder()
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = folder / f"{self.kernel or 'kernel'}-{self._pid}.jsonl"
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_TRUNC
            self._fd, self._path = os.open(path, flags, 0o600), path
        except OSError as error:
            self.trouble = error.strerror or str(error)


def watch(shell: Any) -> None:
    """Note each cell that the kernel runs from now on; does nothing outside a kernel."""
    if getattr(shell, "kernel", None) is None:
        return
    noted = Watch(shell)
    _name_notebook(is_nested=noted.is_nested)
    shell.events.register("pre_run_cell", noted.begin)
    # Other parts of this process find the watch where they find the shell.
    shell.baton_watch = noted


def _name_notebook(*, is_nested: bool) -> None:
    """Tell MLflow the notebook's name, which it asks the server for else, token in the address."""
    name = Path(os.environ.get("JPY_SESSION_NAME", "")).name
    if is_nested:
        os.environ.pop(NAME, None)  # The other notebook's.
    elif name.endswith(".ipynb"):
        os.environ[NAME] = name


def kernel_of(shell: Any) -> str | None:
    """Return the kernel's id, which the server knows it by, from its connection file's name."""
    application = getattr(getattr(shell, "kernel", None), "parent", None)
    name = Path(getattr(application, "connection_file", "") or "").stem
    return name.removeprefix("kernel-") or None


def inherited_kernel() -> str | None:
    """Return the kernel whose cell started this process; None where none did."""
    with suppress(ValueError, AttributeError):
        kernel = json.loads(os.environ.get(VARIABLE, "")).get("kernel")
        return kernel if isinstance(kernel, str) else None
    return None


def request_metadata(shell: Any) -> dict[str, Any]:
    """Return what the client says beside the code that it asked to run."""
    kernel: Any = getattr(shell, "kernel", None)
    parent: Any = kernel.get_parent("shell") if hasattr(kernel, "get_parent") else {}
    metadata = parent.get("metadata") if isinstance(parent, dict) else None
    return metadata if isinstance(metadata, dict) else {}


def cells_folder() -> Path:
    """Return the folder of these files, readable by the person alone."""
    return capture_folder() / FOLDER


def capture_folder() -> Path:
    """Return the folder, on the home volume, of what waits to be captured."""
    from jupyter_core.paths import jupyter_data_dir

    return Path(jupyter_data_dir()) / "baton" / "capture"


def load_executed(path: Path, count: int | None) -> list[Executed]:
    """Return the executions in a file up to ``count``, or all; [] for a file that is gone."""
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return []
    found = list(_parse(text))
    last = max((n for n, one in enumerate(found) if one.count == count), default=None)
    return found if last is None else found[: last + 1]


def _parse(text: str) -> Iterator[Executed]:
    sources: dict[str, str] = {}
    for line in text.splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue  # Torn by the machine's end.
        cell, source = said.get("cell"), said.get("source")
        if source is None:
            source = sources.get(cell, "")
        elif cell is not None:
            sources[cell] = source
        deleted = tuple(said.get("deleted", ()))
        yield Executed(cell=cell, count=said["count"], source=source, deleted=deleted)


def _append(fd: int, line: dict[str, Any]) -> bool:
    text = json.dumps(line, separators=(",", ":")) + "\n"
    try:
        return os.write(fd, text.encode("utf-8", "backslashreplace")) > 0
    except OSError:
        return False
