"""A notebook with its kernel on a real Jupyter server, driven as JupyterLab drives it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from jupyter_client.blocking.client import BlockingKernelClient

Json = dict[str, Any]


def code_cell(name: str, source: str, **more: Any) -> Json:
    """Return a code cell that was never run."""
    cell = {"cell_type": "code", "id": name, "metadata": {}, "source": source}
    return {**cell, "outputs": [], "execution_count": None, **more}


def render_notebook(*cells: Json) -> str:
    """Return the text of a notebook with these cells."""
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


class Notebook:
    """A notebook's session: runs cells, and renames as JupyterLab does."""

    def __init__(self, lab: Any, path: str, session: Json) -> None:
        self._http = _api(lab)
        self._session = session
        self.path = path
        self.kernel: str = session["kernel"]["id"]
        file = lab.home / ".local/share/jupyter/runtime" / f"kernel-{self.kernel}.json"
        self._client = BlockingKernelClient(connection_file=str(file))
        self._client.load_connection_file()
        # Without the heart's: a kernel on a busy machine misses a beat, and would count as dead.
        self._client.start_channels(hb=False)
        self._client.wait_for_ready(timeout=120)

    def run(self, cell: str | None, source: str, **metadata: Any) -> str:
        """Run a cell; return the last line that it prints. Fails where it raises.

        What it writes to stderr is in ``complained``.
        """
        message = self.send(cell, source, **metadata)
        printed = self.complained = ""
        while True:
            answer = self._client.get_iopub_msg(timeout=120)
            if answer["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            said = answer["content"]
            assert answer["msg_type"] != "error", "\n".join(said["traceback"])
            if answer["msg_type"] == "stream" and said["name"] == "stdout":
                printed += said["text"]
            elif answer["msg_type"] == "stream":
                self.complained += said["text"]
            if answer["msg_type"] == "execute_input":
                self.count = said["execution_count"]
            if answer["msg_type"] == "status" and said["execution_state"] == "idle":
                return printed.strip().rpartition("\n")[2]

    def send(self, cell: str | None, source: str, **metadata: Any) -> Json:
        """Ask for a cell to be run, and wait for nothing; return the request."""
        named = {"cellId": cell} if cell else {}
        content = {"code": source, "silent": False, "store_history": True}
        content |= {"user_expressions": {}, "allow_stdin": False}
        session = self._client.session
        message: Json = session.msg("execute_request", content, metadata={**named, **metadata})
        self._client.shell_channel.send(message)
        return message

    def rename(self, path: str, *, with_session: bool = True) -> None:
        """Rename the file and, as JupyterLab does for a notebook that is open, its session."""
        self._ask("PATCH", f"contents/{quote(self.path)}", {"path": path})
        if with_session:
            self.move(path)
        self.path = path

    def move(self, path: str) -> None:
        """Let the session belong to the notebook at ``path``."""
        body = {"path": path, "name": path.rpartition("/")[2], "type": "notebook"}
        self._ask("PATCH", f"sessions/{self._session['id']}", body)

    def close(self) -> None:
        """End the session and its kernel."""
        self._client.stop_channels()
        self._http.delete(f"sessions/{self._session['id']}")
        self._http.close()

    def _ask(self, method: str, path: str, body: Json) -> None:
        answer = self._http.request(method, path, json=body)
        assert answer.is_success, answer.text


@contextmanager
def open_notebook(
    lab: Any, path: str, text: str | None, *, kernel: str = "python3"
) -> Iterator[Notebook]:
    """Save a notebook in the home (or none, where ``text`` is None) and open it with a kernel."""
    if text is not None:
        file = Path(lab.home) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    body = {"path": path, "name": path.rpartition("/")[2], "type": "notebook"}
    with _api(lab) as http:
        made = http.post("sessions", json={**body, "kernel": {"name": kernel}})
    assert made.is_success, made.text
    notebook = Notebook(lab, path, made.json())
    try:
        yield notebook
    finally:
        notebook.close()


def _api(lab: Any) -> httpx.Client:
    headers = {"Authorization": "token secret"}
    return httpx.Client(base_url=lab.url + "/api/", headers=headers, timeout=120, trust_env=False)
