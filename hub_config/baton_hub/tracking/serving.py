"""One worker: the event loop in which requests are answered."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import anyio.to_thread
import uvicorn

from baton_hub.tracking.app import TrackingApp, create_app
from baton_hub.tracking.settings import THREADS, Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp

BACKLOG = 2048
KEEP_ALIVE_SECONDS = 75
"""Longer than proxies and clients keep an idle connection: who closes first must be they, or
a request that is on its way then is lost."""


class SocketError(Exception):
    """Nobody can listen at the service's address; the text says why."""


def listen(settings: Settings) -> socket.socket:
    """Return a socket that listens where the settings say. Raises SocketError."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # The protocol is named, or asyncio leaves Nagle on and answers wait 40 ms for one another.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        address = f"{settings.host}:{settings.port}"
        raise SocketError(f"{address} can't be listened at ({error.strerror}).") from error
    listening.listen(BACKLOG)
    return listening


class _Server(uvicorn.Server):
    """Ends event streams before it waits for requests that are under way.

    They never end by themselves, and cutting them off would log a traceback for each.
    """

    def __init__(self, config: uvicorn.Config, app: TrackingApp) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.hints.close()
        await super().shutdown(sockets)


class Worker:
    """Answers requests to MLflow's app until `stop` or a signal ends it."""

    def __init__(self, mlflow: ASGIApp, settings: Settings) -> None:
        self._settings = settings
        self.app = create_app(mlflow)
        self._server = _Server(
            uvicorn.Config(
                self.app,
                lifespan="off",  # MLflow's only cleans up after its assistant, which is closed.
                access_log=False,
                log_config=None,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=1,
            ),
            self.app,
        )

    def stop(self) -> None:
        """Have `run` return soon; may be called from another thread."""
        self._server.should_exit = True

    def run(self, listening: socket.socket) -> None:
        """Answer requests that come to the socket."""
        asyncio.run(self._serve(listening))

    async def _serve(self, listening: socket.socket) -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        async with _hints_elsewhere(self._settings, self.app):
            await self._server.serve([listening])


@contextlib.asynccontextmanager
async def _hints_elsewhere(settings: Settings, app: TrackingApp) -> AsyncIterator[None]:
    """Exchange hints with other workers meanwhile, where there can be any."""
    if not settings.database.startswith("postgresql"):
        yield
        return
    # Needs PostgreSQL's driver, which not everybody installs.
    from baton_hub.tracking.relay import Relay

    relay = asyncio.create_task(Relay(settings.database, app.hints).run())
    try:
        yield
    finally:
        relay.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await relay
