"""A folder that holds the way back: its files as they were, and the trace itself."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

from baton_contract.errors import ConflictError
from baton_contract.types import Trace

NAMES = {
    "notebook": "notebook.ipynb",
    "script": "script.py",
    "diff": "changes.diff",
    "packages": "packages.txt",
}
"""What each kind of file is called; never by a name that somebody else chose."""


class Folder:
    """A new or empty folder that files of a trace are written to.

    Raises `ConflictError` (``folder_not_empty``) for one that holds something.
    """

    def __init__(self, path: Path) -> None:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise ConflictError(
                "folder_not_empty",
                f"{path} already holds something. Choose an empty or a new folder.",
            )
        self._path = path

    def place(self, kind: str) -> Path:
        """Return where the file of a step of this kind is written."""
        self._path.mkdir(parents=True, exist_ok=True)
        return self._path / NAMES[kind]

    def finish(self, trace: Trace) -> list[str]:
        """Write the trace beside its files; return the names of all that stand there now."""
        self._path.mkdir(parents=True, exist_ok=True)
        text = json.dumps(trace, indent=2, ensure_ascii=False) + "\n"
        (self._path / "trace.json").write_text(text, "utf-8")
        return sorted(PurePosixPath(path.name).name for path in self._path.iterdir())
