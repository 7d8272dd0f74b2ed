"""Whether MLflow and the desk are there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import httpx

from baton_client.calls import is_local

State = Literal["up", "starting", "down", "absent"]
TITLES = {"mlflow": "MLflow", "desk": "The desk"}
HEALTH = {"mlflow": ("baton/health", "health"), "desk": ("health",)}
STARTING_FOR = 90.0
"""Seconds after our own start in which a service that never answered counts as starting."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service as the panel shows it; ``ui`` is where people open it."""

    state: State
    message: str | None
    ui: str | None


class Presence:
    """Asks both services whether they are well, and tells when that changes.

    ``urls`` are their addresses by name (``mlflow``, ``desk``), empty when there is
    none. ``changed`` is called with the name and the service's fields after a change,
    not at the first look.
    """

    def __init__(
        self,
        urls: dict[str, str],
        *,
        changed: Callable[[dict[str, Any]], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._urls = {name: url.rstrip("/") + "/" if url else "" for name, url in urls.items()}
        self._changed = changed
        self._clock = clock
        self._began = clock()
        self._known: dict[str, Service] = {}
        self._was_up: set[str] = set()
        proxied = not all(is_local(url) for url in urls.values() if url)
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(2), follow_redirects=False, trust_env=proxied
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def look(self) -> dict[str, dict[str, Any]]:
        """Ask both now, for two seconds at most, and return their fields by name."""
        found = await asyncio.gather(*(self.check(name) for name in self._urls))
        return {name: asdict(service) for name, service in zip(self._urls, found, strict=True)}

    async def check(self, name: str) -> Service:
        """Ask one service now and return how it is."""
        url = self._urls[name]
        service = self._judge(name, url, up=bool(url) and await self._answers(name, url))
        before = self._known.get(name)
        self._known[name] = service
        if before is not None and before != service:
            self._changed({"name": name, **asdict(service)})
        return service

    async def _answers(self, name: str, url: str) -> bool:
        for path in HEALTH[name]:
            try:
                response = await self._http.get(url + path)
            except httpx.HTTPError:
                return False
            if response.is_success:
                return True
        return False

    def _judge(self, name: str, url: str, *, up: bool) -> Service:
        title = TITLES[name]
        if not url:
            message = f"{title} is not part of this server. Start it from the Hub's spawn page."
            return Service(state="absent", message=message, ui=None)
        if up:
            self._was_up.add(name)
            return Service(state="up", message=None, ui=url)
        if name not in self._was_up and self._clock() - self._began < STARTING_FOR:
            message = f"{title} is starting. It appears here as soon as it answers."
            return Service(state="starting", message=message, ui=None)
        message = (
            f"{title} does not answer. Your notebooks keep working and nothing recorded is lost; "
            "it appears here again as soon as it answers."
        )
        return Service(state="down", message=message, ui=None)
