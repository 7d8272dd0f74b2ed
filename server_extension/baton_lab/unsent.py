"""What kernels kept while MLflow was away: sent by this server, and shown to the panel."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from baton_lab.offline.journal import Journal
from baton_lab.offline.mlflow_api import MlflowApi
from baton_lab.offline.places import spool_folder, wake_path
from baton_lab.offline.refusals import load_refusals
from baton_lab.offline.sender import Sender
from baton_lab.offline.tokens import HubToken
from baton_lab.offline.unsent import describe


class Unsent:
    """Sends what waits for the MLflow at ``address``, from start to stop of the server.

    ``changed`` is called, in the server's event loop, whenever sending begins, ends or is
    stopped by something.
    """

    def __init__(self, address: str, token: HubToken, changed: Callable[[], None]) -> None:
        self._journal = Journal(spool_folder(address))
        self._sender = Sender(self._journal, MlflowApi(address, token), changed=changed)
        self._changed = changed
        self._socket: socket.socket | None = None

    async def run(self) -> None:
        """Send until cancelled; kernels wake it when they begin to keep something."""
        self._listen()
        await self._sender.run()

    def send(self) -> None:
        """Try now."""
        self._sender.wake()

    def describe(self) -> dict[str, Any]:
        """Return what waits, as ``GET baton/unsent`` answers; reads the disk."""
        waiting = describe(self._journal)
        problem = self._sender.problem if waiting["entries"] else None
        return {
            **waiting,
            "problem": problem or self._refused(),
            "sending": self._sender.is_sending,
        }

    def _refused(self) -> str | None:
        refusals = [*load_refusals(self._journal)]
        if not refusals:
            return None
        reason = " ".join(refusals[-1].reason.split())[:200]
        return (
            f"MLflow refused {len(refusals):,} of what was sent; it is kept aside. The last time "
            f"it said: {reason} `baton sync` in a terminal lists them."
        )

    async def close(self) -> None:
        """Stop listening and close the connections."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
            with suppress(OSError):
                wake_path().unlink()
        await self._sender.close()

    def _listen(self) -> None:
        """Open the way by which kernels wake this; without it, it looks once a minute."""
        path = wake_path()
        with suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.chmod(0o700)
            self._socket = bind(path)
            asyncio.get_running_loop().add_reader(self._socket, self._hear)

    def _hear(self) -> None:
        assert self._socket is not None  # noqa: S101 - it is read only while it is open
        with suppress(OSError):
            while self._socket.recv(64):
                pass
        self._changed()
        self._sender.wake()


def bind(path: Path) -> socket.socket:
    """Return a socket at ``path`` for datagrams; one that nobody reads any more is replaced."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.setblocking(False)
    try:
        path.unlink(missing_ok=True)
        made.bind(os.fspath(path))
        path.chmod(0o600)
    except OSError:
        made.close()
        raise
    return made
