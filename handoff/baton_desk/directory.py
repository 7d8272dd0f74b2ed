"""What the Hub knows of people and teams."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

import httpx

from baton_contract import UnavailableError
from baton_desk.identity import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

_MAX_AGE = 30.0
_PAGE = {"Accept": "application/jupyterhub-pagination+json"}


class Directory(Protocol):
    """People's groups, and which teams there are."""

    async def caller(self, name: str, *, is_user: bool = True) -> Caller:
        """Return the caller called ``name``; Hub services are in no group."""

    async def teams(self) -> list[str]:
        """Return every team's name, sorted."""


class HubDirectory:
    """Asks the Hub, with the desk's own token; an answer counts for 30 s.

    Raises `UnavailableError` ``hub_unavailable`` when the Hub does not answer.
    """

    def __init__(
        self, api_url: str, api_token: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        # trust_env: the Hub is never behind a proxy of the environment.
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"token {api_token}"}, timeout=10, trust_env=False
        )
        self._url = api_url.rstrip("/")
        self._clock = clock
        self._callers: dict[str, tuple[float, Caller]] = {}
        self._teams: tuple[float, list[str]] | None = None

    async def caller(self, name: str, *, is_user: bool = True) -> Caller:
        """Return the caller called ``name``; Hub services are in no group."""
        if not is_user:
            # A service may be called like a person, and is somebody else all the same.
            return Caller(f"service:{name}")
        known = self._callers.get(name)
        if known is None or self._clock() - known[0] > _MAX_AGE:
            user = await self._get(f"users/{quote(name, safe='')}") or {"name": name}
            groups = frozenset(user.get("groups", ()))
            known = (self._clock(), Caller(user["name"], groups, bool(user.get("admin"))))
            self._callers[name] = known
        return known[1]

    async def teams(self) -> list[str]:
        """Return every team's name, sorted; all Hub groups are teams."""
        if self._teams is None or self._clock() - self._teams[0] > _MAX_AGE:
            self._teams = (self._clock(), sorted(await self._groups()))
        return self._teams[1]

    async def _groups(self) -> list[str]:
        names: list[str] = []
        path = "groups?limit=200"
        while True:
            answer = await self._get(path, offset=len(names))
            if isinstance(answer, list):
                return [group["name"] for group in answer]
            names += [group["name"] for group in answer["items"]]
            if not answer["_pagination"].get("next"):
                return names

    async def _get(self, path: str, **params: Any) -> Any:
        try:
            answer = await self._http.get(
                f"{self._url}/{path}", params=params or None, headers=_PAGE
            )
            if answer.status_code == 404:
                return None  # A user who was deleted a moment ago.
            answer.raise_for_status()
            return answer.json()
        except (httpx.HTTPError, ValueError) as error:
            log.warning("the Hub does not answer %s: %s", path, error)
            raise UnavailableError(
                "hub_unavailable",
                "The desk can't ask the Hub about people and teams. Nothing was changed; "
                "try again in a minute.",
            ) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()
