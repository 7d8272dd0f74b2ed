"""Where this process stands: its notebook, kernel and cell, or its script. Asks nobody."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baton_lab.capture import cells

RUNNERS = {"papermill", "jupyter-nbconvert", "jupyter-execute", "nbconvert", "nbclient"}
"""Programs that run a notebook named on their command line."""
LONGEST_SCRIPT = 1024 * 1024
"""Bytes of a script that is kept with a run."""
Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a run is started from; None for what is not known or does not apply.

    ``path`` names the notebook as people do, from the server's root or the home;
    ``file`` is where it is on this machine. ``output`` is the notebook that papermill
    writes. ``cells`` is the file with the kernel's executions.
    """

    path: str | None = None
    file: str | None = None
    output: str | None = None
    kernel: str | None = None
    cell: str | None = None
    count: int | None = None
    cells: str | None = None
    script: str | None = None
    trouble: str = ""


def find_place() -> Place:
    """Return where this process stands, as far as can be told. Never raises."""
    shell = current_shell()
    said = _said_by_kernel(shell) if shell is not None else _said_by_environment()
    named = _notebook(said.get("kernel"), shell)
    return Place(
        **named,
        kernel=said.get("kernel") or None,
        cell=said.get("cell") or None,
        count=said.get("count"),
        cells=said.get("cells") or None,
        script=script_path() if shell is None else _script_run_by(shell),
        trouble=said.get("trouble", ""),
    )


def current_shell() -> Any:
    """Return IPython's shell where this process is a kernel, else None."""
    ipython = sys.modules.get("IPython")
    get = getattr(ipython, "get_ipython", None)  # None while IPython is being imported
    shell = get() if get is not None else None
    return shell if getattr(shell, "kernel", None) is not None else None


def _said_by_kernel(shell: Any) -> Json:
    with suppress(Exception):  # Kernels of other makers, and other versions of this one.
        metadata = cells.request_metadata(shell)
        watch = getattr(shell, "baton_watch", None)
        cell = metadata.get("cellId")
        said: Json = {
            "kernel": cells.kernel_of(shell),
            "cell": cell if isinstance(cell, str) else None,
        }
        if watch is not None:
            path = watch.path()
            said |= {"cells": os.fspath(path) if path else None, "trouble": watch.trouble}
            said["count"] = watch.count if watch.cell == said["cell"] else None
        return said
    return {}


def _said_by_environment() -> Json:
    """Return what the kernel said whose cell started this process; {} where none did."""
    try:
        said = json.loads(os.environ.get(cells.VARIABLE, ""))
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _notebook(kernel: str | None, shell: Any) -> Json:
    session = load_session(kernel) if kernel else None
    if session is not None:
        return {"path": session["path"], "file": session.get("file")}
    if shell is not None:
        run = _named_by_runner(os.getppid())
        if run is not None:
            return run
        code = getattr(shell, "user_ns", {}).get("__vsc_ipynb_file__")
        if isinstance(code, str):
            return {"path": from_home(Path(code)), "file": code}
    # A kernel that a notebook started has that notebook's variable, and is another's.
    is_nested = getattr(getattr(shell, "baton_watch", None), "is_nested", False)
    name = "" if is_nested else os.environ.get("JPY_SESSION_NAME", "")
    path = Path(_without_drive(name))
    return {"path": from_home(path), "file": os.path.abspath(path)} if name else {}  # noqa: PTH100


def _named_by_runner(pid: int) -> Json | None:
    """Return the notebooks that papermill or nbconvert was called with, if that started us."""
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "surrogateescape")
        folder = Path(os.readlink(f"/proc/{pid}/cwd"))  # noqa: PTH115
    except OSError:
        return None  # Another system, or somebody else's process.
    words = line.split("\0")
    names = {Path(word).name for word in words}
    books = [folder / word for word in words if word.endswith(".ipynb")]
    if not books or not names & RUNNERS:
        return None
    output = os.fspath(books[1]) if "papermill" in names and len(books) > 1 else None
    return {"path": from_home(books[0]), "file": os.fspath(books[0]), "output": output}


def load_session(kernel: str) -> Json | None:
    """Return what the Jupyter server says of a kernel: ``path``, ``type`` and ``file``.

    None where no server with Baton's extension started the kernel.
    """
    from baton_lab.offline.places import runtime_folder

    try:
        found = json.loads((runtime_folder() / "sessions.json").read_bytes())
    except (OSError, ValueError):
        return None
    session = found.get(kernel) if isinstance(found, dict) else None
    return session if isinstance(session, dict) and "path" in session else None


def script_path() -> str | None:
    """Return the program that Python was called with; None for a prompt or ``-c``."""
    path = getattr(sys.modules.get("__main__"), "__file__", None)
    if not path or path.startswith("<"):  # Such as <stdin>.
        return None
    return os.path.abspath(str(path))  # noqa: PTH100


def _script_run_by(shell: Any) -> str | None:
    """Return the script that a cell runs inside the kernel, with ``%run``; None where none does.

    As long as it runs, IPython has its module stand where the notebook's own does else.
    """
    is_notebook = sys.modules.get("__main__") is getattr(shell, "user_module", None)
    return None if is_notebook else script_path()


def from_home(path: Path) -> str:
    """Return a path relative to the home, or as it is where it lies elsewhere."""
    try:
        return path.relative_to(Path.home()).as_posix()
    except (ValueError, RuntimeError):
        return path.as_posix()


def printable(text: str) -> str:
    """Return text that every database takes: file names may be no UTF-8, and hold anything."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "�" for c in text)


def _without_drive(name: str) -> str:
    """Return a session's path without the drive that jupyter-collaboration puts before it."""
    folder, _, base = name.rpartition("/")
    base = base.removeprefix("RTC:")
    return f"{folder}/{base}" if folder else base


def load_script(path: str) -> str | None:
    """Return a script's text as it is now; None for what is too large or can't be read."""
    try:
        # Only regular files: a pipe would wait for a writer.
        if not os.path.isfile(path) or os.stat(path).st_size > LONGEST_SCRIPT:  # noqa: PTH113, PTH116
            return None
        return Path(path).read_bytes().decode("utf-8", "backslashreplace")
    except OSError:
        return None
