"""The service's first seconds: it answers while MLflow is still being loaded."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from baton_contract.errors import UnavailableError

log = logging.getLogger(__name__)

SOONEST, LATEST = 3, 30
"""Seconds that clients are asked to wait; the longer it takes already, the longer."""


class StartingApp:
    """An ASGI app that answers 503 until the real one is loaded, in a thread.

    MLflow's own client repeats a request seven times, and waits before each as long as
    it is told to: for two minutes in all. When loading fails, ``failed`` is called once
    with a line for the log, from the thread.
    """

    def __init__(
        self,
        load: Callable[[], ASGIApp],
        failed: Callable[[str], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._failed = failed
        self._clock = clock
        self._began = clock()
        self._app: ASGIApp | None = None

    @property
    def ready(self) -> bool:
        """Whether the real app answers."""
        return self._app is not None

    def retry_after(self) -> int:
        """Return the seconds after which a client should ask again."""
        return round(min(max(SOONEST, self._clock() - self._began), LATEST))

    def begin(self) -> None:
        """Start loading; returns at once."""
        threading.Thread(target=self._run, name="load-mlflow", daemon=True).start()

    def _run(self) -> None:
        try:
            self._app = self._load()
        # The top of a thread: whatever it was, the service can't go on without.
        except Exception as error:
            log.debug("MLflow could not be loaded", exc_info=True)
            self._failed(str(error) or type(error).__name__)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or say that it is too early."""
        if self._app is None:
            raise UnavailableError(
                "starting",
                "MLflow is starting and will answer within half a minute. "
                "Nothing was changed; MLflow's own client waits and tries again.",
                retry_after=self.retry_after(),
            )
        await self._app(scope, receive, send)
