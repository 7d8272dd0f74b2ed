"""The culler: jupyterhub-idle-culler, with Baton's Hub as the judge of what is idle."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPRequest


class Arbiter:
    """Says which servers to stop, by asking the Hub. For `IdleCuller.cull_arbiter_hook`.

    The culler's own figures are not used: an open page keeps them fresh for ever, and a
    kernel that computes in silence does not. Its ``user_options`` are anybody's to edit.
    A list of what is due serves for many servers; each one on it is decided on once more,
    right before it is stopped, so that somebody who just came back keeps theirs.
    """

    LIST_LASTS = 1.0
    """Seconds for which a list of what is due is believed."""

    def __init__(self, api_url: str, token: str) -> None:
        self._url = f"{api_url.rstrip('/')}/baton/idle"
        self._headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
        self._lock = asyncio.Lock()
        self._due: frozenset[str] = frozenset()
        self._asked = float("-inf")

    async def __call__(self, *, server: dict[str, Any], **_: Any) -> bool:
        """Tell whether to stop a server, given as the Hub's API shows it."""
        name = server["full_name"]
        if name not in await self._list():
            return False
        answer = await self._ask("POST", {"name": name})
        return answer["stop"] is True

    async def _list(self) -> frozenset[str]:
        async with self._lock:
            if time.monotonic() - self._asked > self.LIST_LASTS:
                self._due = frozenset((await self._ask("GET"))["due"])
                self._asked = time.monotonic()
            return self._due

    async def _ask(self, method: str, body: Any = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body)
        request = HTTPRequest(self._url, method=method, headers=self._headers, body=data)
        response = await AsyncHTTPClient().fetch(request)
        answer: dict[str, Any] = json.loads(response.body)
        return answer
