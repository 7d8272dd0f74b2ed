"""Who is calling: asked of the Hub, never believed of the client."""

from __future__ import annotations

import asyncio
import hashlib
import os
from typing import Any

from jupyterhub.services.auth import HubOAuth
from tornado.web import HTTPError

from baton_contract.errors import ForbiddenError, UnavailableError
from baton_hub.tracking.access.defaults import parse_defaults
from baton_hub.tracking.access.groups import HubGroups
from baton_hub.tracking.access.rules import Caller

CACHE_SECONDS = 60
"""How long an answer of the Hub is believed; a revoked token ends within this."""
HUB_SECONDS = 10
"""How long one question to the Hub may take."""

SERVICE = "service:"
"""What a service's name as an author begins with; no person's may."""


class HubIdentity:
    """Turns Hub tokens into callers; asks once for many requests with one token."""

    def __init__(self, hub: HubOAuth, operations: str | None = None) -> None:
        self.hub = hub
        self.groups = HubGroups(hub.api_url, hub.api_token, operations)
        self._asking: dict[str, asyncio.Task[dict[str, Any] | None]] = {}

    async def identify(self, token: str, session: str = "") -> Caller | None:
        """Return the caller that the Hub gave the token to, or None if it knows none.

        ``session`` is the browser's Hub session, so that signing out is noticed.
        Raises ForbiddenError for a token without access to this service, and
        UnavailableError when the Hub does not answer.
        """
        model = await self._model(token, session)
        if model is None:
            return None
        if not self.hub.check_scopes(self.hub.access_scopes, model):
            raise ForbiddenError(
                "no_access",
                "The Hub knows you, but your token may not use MLflow. "
                "Ask your operations team for access to the service, or use another token.",
            )
        if model.get("kind") == "service":
            # A service's name could equal a person's. Services are in no group.
            return Caller(f"{SERVICE}{model['name']}")
        if model["name"].startswith(SERVICE):
            raise ForbiddenError(
                "name_of_a_service",
                f"MLflow takes names that begin with {SERVICE} for services of the Hub. "
                "Ask your operations team to rename your account.",
            )
        return await self.groups.caller(model["name"])

    async def _model(self, token: str, session: str) -> dict[str, Any] | None:
        key = f"{session}:{hashlib.sha256(token.encode('utf8', 'replace')).hexdigest()}"
        # Where JupyterHub keeps what it was told; looking there needs no task.
        if known := self.hub.cache.get(f"token:{key}"):
            model: dict[str, Any] = known
            return model
        asking = self._asking.get(key)
        if asking is None:
            asking = asyncio.ensure_future(self._ask(token, session))
            self._asking[key] = asking
            asking.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(asking)

    async def _ask(self, token: str, session: str) -> dict[str, Any] | None:
        try:
            async with asyncio.timeout(HUB_SECONDS):
                model: dict[str, Any] | None = await self.hub.user_for_token(
                    token, session_id=session, sync=False
                )
        except (HTTPError, TimeoutError, OSError) as error:
            raise hub_is_down() from error
        return model


def hub_is_down() -> UnavailableError:
    """Return the error for a Hub that can't be asked."""
    return UnavailableError(
        "hub_unavailable",
        "The Hub can't be asked who you are at the moment. "
        "Nothing was changed; please try again in a minute.",
    )


def connect() -> HubIdentity:
    """Return an identity that asks the Hub named by JupyterHub's own variables."""
    operations = parse_defaults(os.environ).operations
    return HubIdentity(HubOAuth(cache_max_age=CACHE_SECONDS), operations)
