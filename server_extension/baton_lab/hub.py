"""The Hub's API, asked as this server."""

from __future__ import annotations

from typing import Any

import httpx

from baton_contract.errors import UnavailableError


class Hub:
    """Says how this server's person stands: what runs, what is left, when it is stopped."""

    def __init__(self, url: str, token: str, server: str) -> None:
        self._server = server
        # The Hub's API is reached from within, as Jupyter's own part in this server does.
        self._http = httpx.AsyncClient(
            base_url=url.rstrip("/") + "/",
            headers={"Authorization": f"token {token}"},
            timeout=httpx.Timeout(10),
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def standing(self, idle: float) -> dict[str, Any] | None:
        """Tell the Hub for how many seconds this server has been idle; return what it answers.

        None from a Hub that is not Baton's, or an older one. Raises `UnavailableError`
        (``hub_unavailable``) when it does not answer.
        """
        return await self._ask("baton/standing", {"server": self._server, "idle": round(idle, 3)})

    async def new_token(self) -> dict[str, Any] | None:
        """Return a new token for the platform's services: ``token``, and ``expires_in`` seconds.

        None, or nulls, where tokens last as long as the server. Raises `UnavailableError`
        (``hub_unavailable``) when the Hub does not answer.
        """
        return await self._ask("baton/token", {"server": self._server})

    async def _ask(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        try:
            response = await self._http.post(path, json=body)
        except httpx.HTTPError as error:
            raise _silent() from error
        if response.status_code in {403, 404, 405}:
            return None
        if not response.is_success:
            raise _silent()
        try:
            answer: dict[str, Any] = response.json()
        except ValueError as error:
            raise _silent() from error
        return answer


def _silent() -> UnavailableError:
    return UnavailableError(
        "hub_unavailable",
        "The Hub does not answer. Your server keeps running; try again in a minute.",
    )
