"""Renews this server's token for the platform's services before it ends."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, Protocol

from baton_contract.errors import UnavailableError
from baton_lab.offline.tokens import write_token

log = logging.getLogger("baton_lab.renewal")
RETRY = 20.0
"""Seconds until a Hub that did not answer is asked again."""


class Tokens(Protocol):
    """Who gives new tokens."""

    async def new_token(self) -> dict[str, Any] | None:
        """Return a token and how long it is good; see `Hub`."""


class Renewal:
    """Asks for a new token at half of the life of the last, and writes it where all find it.

    Kernels read the file ``path`` with each request; kernels that start later find it in
    their environment too.
    """

    def __init__(
        self,
        hub: Tokens,
        path: Path,
        *,
        environ: MutableMapping[str, str] = os.environ,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._hub = hub
        self._path = path
        self._environ = environ
        self._sleep = sleep

    async def run(self) -> None:
        """Renew until cancelled; ends where tokens last as long as the server."""
        while True:
            try:
                answer = await self._hub.new_token()
                if not answer or not answer.get("token"):
                    return
                self._take(str(answer["token"]))
                await self._sleep(float(answer["expires_in"]) / 2)
            except (UnavailableError, OSError) as error:
                log.warning("The token for MLflow was not renewed yet: %s", error)
                await self._sleep(RETRY)

    def _take(self, token: str) -> None:
        write_token(self._path, token)
        self._environ["MLFLOW_TRACKING_PASSWORD"] = token
