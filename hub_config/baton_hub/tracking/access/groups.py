"""Which Hub groups somebody is in, asked of the Hub with the service's own token."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx

from baton_contract.errors import UnavailableError
from baton_hub.tracking.access.rules import Caller

log = logging.getLogger(__name__)

MAX_AGE = 30.0
"""How long an answer counts, in seconds."""


class HubGroups:
    """Turns a person's name into a caller with groups; asks once for many requests.

    Raises `UnavailableError` ``hub_unavailable`` when the Hub does not answer. A Hub
    that lets this service see no groups makes everybody a member of none.
    """

    def __init__(
        self,
        api_url: str,
        api_token: str,
        operations: str | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        # trust_env: the Hub is never behind a proxy of the environment.
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"token {api_token}"}, timeout=10, trust_env=False
        )
        self._url = api_url.rstrip("/")
        self._operations = operations
        self._clock = clock
        self._known: dict[str, tuple[float, Caller]] = {}
        self._asking: dict[str, asyncio.Task[Caller]] = {}

    async def caller(self, name: str) -> Caller:
        """Return the person called ``name``, with their groups of at most 30 s ago."""
        known = self._known.get(name)
        if known is not None and self._clock() - known[0] <= MAX_AGE:
            return known[1]
        asking = self._asking.get(name)
        if asking is None:
            asking = self._asking[name] = asyncio.ensure_future(self._ask(name))
            asking.add_done_callback(lambda _: self._asking.pop(name, None))
        return await asyncio.shield(asking)

    async def _ask(self, name: str) -> Caller:
        user = await self._get(name)
        groups = frozenset(user.get("groups", ()))
        operations = bool(user.get("admin")) or self._operations in groups
        caller = Caller(name, groups, operations)
        self._known[name] = self._clock(), caller
        return caller

    async def _get(self, name: str) -> dict[str, Any]:
        try:
            answer = await self._http.get(f"{self._url}/users/{quote(name, safe='')}")
            # 404: a person who was deleted a moment ago, or whom this service may not see.
            if answer.status_code in (403, 404):
                log.warning("the Hub does not tell MLflow the groups of %s", name)
                return {}
            user: dict[str, Any] = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise UnavailableError(
                "hub_unavailable",
                "The Hub can't be asked which groups you are in at the moment. "
                "Nothing was changed; please try again in a minute.",
            ) from error
        return user
