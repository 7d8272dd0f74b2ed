"""Who hears of a change: only those who may see the experiment that it was made in."""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message

from baton_hub.tracking.access.asking import Asking
from baton_hub.tracking.access.rules import Caller
from baton_hub.tracking.hints import Hint

BELIEVED_SECONDS = 10.0
"""How long an answer about one experiment counts for one listener."""


class Audience:
    """One listener; asks MLflow, in their name, for the experiment that a hint names.

    ``host`` is the one they reach it by: MLflow refuses hosts that it does not expect.
    """

    def __init__(
        self,
        mlflow: ASGIApp,
        prefix: str,
        caller: Caller,
        *,
        host: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._mlflow = mlflow
        self._path = f"{prefix}/api/2.0/mlflow/experiments/get"
        self._caller = caller
        self._host = host.encode("latin-1")
        self._clock = clock
        self._known: dict[str, tuple[float, bool]] = {}

    async def hears(self, hint: Hint) -> bool:
        """Tell whether the listener may know of the hint; one that names nothing is for all."""
        experiment = hint.experiment_id
        if experiment is None:
            return hint.run_id is None
        known = self._known.get(experiment)
        if known is None or self._clock() - known[0] > BELIEVED_SECONDS:
            known = self._known[experiment] = self._clock(), await self._ask(experiment)
        return known[1]

    async def _ask(self, experiment: str) -> bool:
        status = 0

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)

        query = f"experiment_id={experiment}" if experiment.isdecimal() else ""
        await self._mlflow(
            {
                "type": "http",
                "http_version": "1.1",
                "method": "GET",
                "scheme": "http",
                "path": self._path,
                "raw_path": self._path.encode(),
                "root_path": "",
                "query_string": query.encode(),
                "headers": [(b"host", self._host)],
                "client": ("127.0.0.1", 0),
                "server": ("127.0.0.1", 0),
                "state": {"asking": Asking(self._caller)},
            },
            receive,
            send,
        )
        return status == 200
