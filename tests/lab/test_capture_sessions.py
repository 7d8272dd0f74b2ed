"""The file that tells kernels their notebook, as several servers and odd clients leave it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jupyter_events.logger import EventLogger
from jupyter_server import DEFAULT_EVENTS_SCHEMA_PATH
from jupyter_server.services.sessions.sessionmanager import SessionManager

from baton_lab.sessions import CONTENTS, Sessions, load_sessions


class Remembered(SessionManager):
    """A session manager whose kernels are names only."""

    rows: list[dict[str, Any]]

    async def save_session(self, session_id: str, **row: Any) -> Any:
        row = {"path": row["path"], "type": row["type"], "kernel": {"id": row["kernel_id"]}}
        self.rows = [*getattr(self, "rows", []), {"id": session_id, **row}]

    async def update_session(self, session_id: str, **changed: Any) -> None:
        for row in self.rows:
            if row["id"] == session_id:
                row.update(changed)

    async def delete_session(self, session_id: str) -> None:
        self.rows = [row for row in self.rows if row["id"] != session_id]

    async def list_sessions(self) -> list[dict[str, Any]]:
        return [dict(row) for row in self.rows]


class Contents:
    """Where files are."""

    def __init__(self, root: str | None) -> None:
        if root is not None:
            self.root_dir = root


class Server:
    """One Jupyter server's part in it."""

    def __init__(self, runtime: Path, root: str | None = "/home/ada") -> None:
        self.runtime = runtime
        self.manager = Remembered()
        self.events = EventLogger()
        schema = DEFAULT_EVENTS_SCHEMA_PATH / "contents_service" / "v1.yaml"
        self.events.register_event_schema(schema)
        self.sessions = Sessions(self.manager, Contents(root), self.events)
        self.sessions.listen(runtime / "baton")

    async def start(self, kernel: str, path: str, kind: str = "notebook") -> None:
        (self.runtime / f"kernel-{kernel}.json").touch()
        await self.manager.save_session(f"s-{kernel}", path=path, type=kind, kernel_id=kernel)

    async def rename(self, old: str, new: str) -> None:
        data = {"action": "rename", "path": new, "source_path": old}
        self.events.emit(schema_id=CONTENTS, data=data)
        await self.events.gather_listeners()

    def paths(self) -> dict[str, str]:
        found = load_sessions(self.runtime / "baton" / "sessions.json")
        return {kernel: session["path"] for kernel, session in found.items()}


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


async def test_a_session_is_there_from_its_begin_to_its_end(server: Server) -> None:
    await server.start("k", "a/b.ipynb")
    text = (server.runtime / "baton" / "sessions.json").read_text()
    said = {"path": "a/b.ipynb", "type": "notebook", "file": "/home/ada/a/b.ipynb"}
    assert json.loads(text) == {"k": said}
    await server.manager.update_session("s-k", path="c.ipynb")
    assert server.paths() == {"k": "c.ipynb"}
    await server.manager.delete_session("s-k")
    assert server.paths() == {}


async def test_a_rename_that_the_session_never_hears_of_outlives_other_changes(
    server: Server,
) -> None:
    await server.start("k", "a/b.ipynb")
    await server.rename("a/b.ipynb", "a/c.ipynb")
    await server.start("other", "x.ipynb")
    assert server.paths() == {"k": "a/c.ipynb", "other": "x.ipynb"}
    await server.rename("/a", "/deep/er")
    assert server.paths() == {"k": "deep/er/c.ipynb", "other": "x.ipynb"}
    await server.manager.update_session("s-k", path="said.ipynb")
    assert server.paths()["k"] == "said.ipynb"


async def test_a_folder_with_a_similar_name_is_another(server: Server) -> None:
    await server.start("k", "ab/c.ipynb")
    await server.rename("a", "z")
    assert server.paths() == {"k": "ab/c.ipynb"}


async def test_the_drive_of_real_time_collaboration_is_no_part_of_the_path(server: Server) -> None:
    await server.start("k", "RTC:a.ipynb")
    await server.rename("a.ipynb", "b.ipynb")
    assert server.paths() == {"k": "b.ipynb"}


async def test_a_console_on_a_notebooks_kernel_does_not_take_its_place(server: Server) -> None:
    await server.start("k", "a.ipynb")
    await server.manager.save_session("s2", path="console-1", type="console", kernel_id="k")
    assert server.paths() == {"k": "a.ipynb"}


async def test_servers_that_share_a_home_keep_each_others_kernels(tmp_path: Path) -> None:
    one, two = Server(tmp_path), Server(tmp_path)
    await one.start("k1", "one.ipynb")
    await two.start("k2", "two.ipynb")
    assert one.paths() == {"k1": "one.ipynb", "k2": "two.ipynb"}
    await one.sessions.close()
    assert two.paths() == {"k2": "two.ipynb"}


async def test_kernels_of_a_server_that_died_are_dropped(tmp_path: Path) -> None:
    dead, server = Server(tmp_path), Server(tmp_path)
    await dead.start("k1", "one.ipynb")
    (tmp_path / "kernel-k1.json").unlink()
    await server.start("k2", "two.ipynb")
    assert server.paths() == {"k2": "two.ipynb"}


async def test_a_torn_file_and_files_on_no_disk_are_no_problem(tmp_path: Path) -> None:
    server = Server(tmp_path, root=None)
    (tmp_path / "baton").mkdir(exist_ok=True)
    (tmp_path / "baton" / "sessions.json").write_text('{"k"')
    await server.start("k", "a.ipynb")
    found = load_sessions(tmp_path / "baton" / "sessions.json")
    assert found == {"k": {"path": "a.ipynb", "type": "notebook"}}


async def test_a_folder_that_takes_nothing_fails_no_session(tmp_path: Path) -> None:
    (tmp_path / "baton").write_text("in the way")
    server = Server(tmp_path)
    await server.start("k", "a.ipynb")
    await server.rename("a.ipynb", "b.ipynb")
    await server.sessions.close()
