"""Which notebook each kernel belongs to, written where kernels read it: also after a rename."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_server.utils import ensure_async

CONTENTS = "https://events.jupyter.org/jupyter_server/contents_service/v1"
DRIVE = "RTC:"
"""What jupyter-collaboration puts before a path."""
Json = dict[str, Any]


class Sessions:
    """Keeps ``sessions.json`` up to date: ``{kernel: {"path", "type", "file"}}``.

    The path is from the server's root, ``file`` is where that is on this machine (absent
    where the files are not on a disk). A kernel is there before the request that made its
    session is answered, and has a new path before the session's change is answered. Servers
    that share a home keep each other's kernels.
    """

    # The session manager tells nobody of a change, so its verbs are wrapped. A notebook that is
    # renamed without its session (over the API, with its tab closed) is known from the contents
    # manager's event alone, and its session keeps the old path.

    def __init__(self, session_manager: Any, contents_manager: Any, event_logger: Any) -> None:
        self._manager = session_manager
        self._contents = contents_manager
        self._events = event_logger
        self._found: dict[str, Json] = {}
        self._rows: dict[str, str] = {}
        self._ours: set[str] = set()

    def listen(self, folder: Path) -> None:
        """Follow every change from now on, in ``folder``/sessions.json."""
        self._path = folder / "sessions.json"
        for verb in ("save_session", "update_session", "delete_session"):
            setattr(self._manager, verb, self._followed(getattr(self._manager, verb)))
        self._events.add_listener(schema_id=CONTENTS, listener=self._contents_changed)

    def _followed(self, verb: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        async def called(*arguments: Any, **named: Any) -> Any:
            answer = await ensure_async(verb(*arguments, **named))
            await self._take()
            return answer

        return called

    async def _take(self) -> None:
        """Read all sessions anew; one kernel may have several, and its notebook counts."""
        with suppress(Exception):  # Never fails the request that the change came with.
            rows = await ensure_async(self._manager.list_sessions())
            sessions: dict[str, Json] = {}
            for row in sorted(rows, key=lambda row: row["type"] == "notebook"):
                sessions[row["kernel"]["id"]] = {"path": row["path"], "type": row["type"]}
            self._adopt(sessions)
            self._write()

    def _adopt(self, sessions: dict[str, Json]) -> None:
        for kernel, session in sessions.items():
            is_as_before = self._rows.get(kernel) == session["path"]
            self._rows[kernel] = session["path"]
            if is_as_before and kernel in self._found:
                session["path"] = self._found[kernel]["path"]
        self._found = sessions

    async def _contents_changed(self, logger: Any, schema_id: str, data: Json) -> None:
        del logger, schema_id
        if data.get("action") != "rename":
            return
        old, new = str(data["source_path"]).strip("/"), str(data["path"]).strip("/")
        moved = {k: _moved(session["path"], old, new) for k, session in self._found.items()}
        if any(moved.values()):
            for kernel, path in moved.items():
                self._found[kernel]["path"] = path or self._found[kernel]["path"]
            with suppress(OSError):  # Kernels then fall back on what they were started with.
                self._write()

    def _write(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            ours = {kernel: self._render(session) for kernel, session in self._found.items()}
            save_sessions(self._path, {**self._others(), **ours})
            self._ours |= ours.keys()
        finally:
            os.close(lock)

    def _others(self) -> dict[str, Json]:
        """Return the kernels of other servers, as long as their connection files are there."""
        runtime = self._path.parent.parent
        return {
            kernel: session
            for kernel, session in load_sessions(self._path).items()
            if kernel not in self._ours and (runtime / f"kernel-{kernel}.json").exists()
        }

    def _render(self, session: Json) -> Json:
        path = without_drive(session["path"])
        root = getattr(self._contents, "root_dir", None)
        where = {"file": os.fspath(Path(root) / path)} if root else {}
        return {"path": path, "type": session["type"], **where}

    async def close(self) -> None:
        """Take this server's kernels out of the file."""
        self._found = {}
        with suppress(OSError):
            await asyncio.to_thread(self._write)


def load_sessions(path: Path) -> dict[str, Json]:
    """Return what the file says; {} for one that is absent or torn."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def save_sessions(path: Path, value: Json) -> None:
    """Write the file so that a reader sees the old content or the new; only the person can."""
    arriving = path.with_suffix(".arriving")
    fd = os.open(arriving, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(fd, "w", encoding="utf-8") as out:  # noqa: PTH123 - of a descriptor
        json.dump(value, out)
    arriving.replace(path)


def without_drive(path: str) -> str:
    """Return a session's path as it is below the server's root."""
    return path.removeprefix(DRIVE).lstrip("/")


def _moved(path: str, old: str, new: str) -> str | None:
    """Return the path after ``old``, a file or a folder above it, became ``new``; else None."""
    plain = without_drive(path)
    if plain == old:
        return new
    return new + plain.removeprefix(old) if plain.startswith(old + "/") else None
