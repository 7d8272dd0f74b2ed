"""This server: what it is, what is left to its person, and when it is stopped."""

from __future__ import annotations

from os import environ
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from baton_contract.errors import NotFoundError
from baton_contract.timestamp import render_timestamp
from baton_lab.handlers.base import BatonHandler
from baton_lab.platform import Platform


class Server(BatonHandler):
    """GET baton/server: how this server and its person stand (200). 503 ``hub_unavailable``.

    ``null`` on a server without a Hub, or with one that can't tell.
    """

    @authenticated
    @authorized
    async def get(self) -> None:
        """Ask the Hub."""
        platform = self.platform
        standing = await platform.watch.ask() if platform.settings.hub_url else None
        self.answer(standing and describe(standing, platform))


class Keep(BatonHandler):
    """POST baton/server/keep: count this moment as use of the server (204).

    404 ``no_hub`` on a server without a Hub, 503 ``hub_unavailable``.
    """

    @authenticated
    @authorized
    async def post(self) -> None:
        """Have the Hub know at once."""
        if not self.platform.settings.hub_url:
            raise NotFoundError("no_hub", "This server has no Hub, and nobody stops it.")
        await self.platform.watch.keep()
        self.set_status(204)
        self.finish()


def describe(standing: dict[str, Any], platform: Platform) -> dict[str, Any]:
    """Return the Hub's answer for the panel: with what only this server knows."""
    stops_at = platform.watch.stops_at
    server = standing.get("server")
    if server:
        attached = filter(None, environ.get("BATON_CONNECTIONS", "").split(","))
        titles = server["connections"]
        server = {**server, "connections": [titles.get(name, name) for name in attached]}
    return {**standing, "server": server, "stops_at": stops_at and render_timestamp(stops_at)}


ROUTES: list[tuple[str, type[BatonHandler]]] = [
    (r"baton/server", Server),
    (r"baton/server/keep", Keep),
]
