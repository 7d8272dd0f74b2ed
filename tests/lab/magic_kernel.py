"""A real kernel with Baton's extension, asked as JupyterLab asks it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

UNSET = ("BATON_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID")


@dataclass
class Answer:
    """What a cell showed: what it printed, its last value, its error, and its cards."""

    printed: str = ""
    result: str | None = None
    error: str | None = None
    traceback: str = ""
    status: str = ""
    cards: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        return self.printed.strip().splitlines()


class Kernel:
    """Runs cells, completes and explains."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient, home: Path) -> None:
        self.manager = manager
        self.client = client
        self.home = home
        self._count = 0

    def run(self, code: str, seen: Callable[[str], None] | None = None) -> Answer:
        """Run a cell to its end; ``seen`` hears of each piece of text while it runs."""
        self._count += 1
        content = {"code": code, "silent": False, "store_history": True}
        content |= {"user_expressions": {}, "allow_stdin": False}
        metadata = {"cellId": f"c{self._count}"}
        message = self.client.session.msg("execute_request", content, metadata=metadata)
        self.client.shell_channel.send(message)
        answer = Answer()
        while True:
            said = self.client.get_iopub_msg(timeout=120)
            if said["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            if self._take(answer, said, seen):
                break
        answer.status = self._status(message["header"]["msg_id"])
        return answer

    def _take(self, answer: Answer, said: Any, seen: Callable[[str], None] | None) -> bool:
        content = said["content"]
        match said["msg_type"]:
            case "stream":
                answer.printed += content["text"]
                if seen is not None:
                    seen(content["text"])
            case "execute_result":
                answer.result = content["data"]["text/plain"]
            case "display_data" | "update_display_data":
                answer.cards.append(content["data"]["text/plain"])
                answer.pages.append(content["data"].get("text/html", ""))
            case "error":
                answer.error = content["ename"]
                answer.traceback = "\n".join(content["traceback"])
            case "status":
                return bool(content["execution_state"] == "idle")
        return False

    def _status(self, message_id: str) -> str:
        while True:
            reply = self.client.get_shell_msg(timeout=120)
            if reply["parent_header"].get("msg_id") == message_id:
                return str(reply["content"]["status"])

    def complete(self, code: str) -> list[str]:
        """Return what the line would be with each completion."""
        reply = self.client.complete(code, len(code), reply=True, timeout=60)["content"]
        assert reply["status"] == "ok"
        start, end = reply["cursor_start"], reply["cursor_end"]
        return [code[:start] + text + code[end:] for text in reply["matches"]]

    def inspect(self, code: str) -> str:
        """Return the text that explains a name."""
        reply = self.client.inspect(code, len(code), reply=True, timeout=60)["content"]
        return str(reply["data"].get("text/plain", ""))


@contextmanager
def start_kernel(home: Path, *, inside: tuple[str, ...] = (), **environ: str) -> Iterator[Kernel]:
    """Run a kernel in a home of its own; by default it logs into a database there.

    ``inside`` stands before its command.
    """
    home.mkdir(parents=True, exist_ok=True)
    env = {name: value for name, value in os.environ.items() if name not in UNSET}
    env |= {
        "HOME": str(home),
        "JPY_SESSION_NAME": str(home / "work.ipynb"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{home}/mlflow.sqlite",
        "PYTHONWARNINGS": "ignore",
        **environ,
    }
    manager = KernelManager(kernel_name="python3")
    assert manager.kernel_spec is not None
    manager.kernel_spec.argv[:1] = (*inside, sys.executable)
    manager.start_kernel(env=env, cwd=str(home))
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=120)
        yield Kernel(manager, client, home)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
