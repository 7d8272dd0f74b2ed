"""What waits on this machine until MLflow takes it."""

from __future__ import annotations

import asyncio

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from baton_lab.handlers.base import BatonHandler


class Unsent(BatonHandler):
    """GET baton/unsent: what waits to be sent to MLflow (200).

    ``{"runs", "entries", "bytes", "oldest", "problem", "sending"}``: ``oldest`` is when the
    first of it was kept, RFC 3339, ``problem`` a sentence that says what is in the way; both
    null where there is none. What MLflow refused for good is a problem too. 503
    ``not_configured`` on a server without MLflow.
    """

    @authenticated
    @authorized
    async def get(self) -> None:
        """Look at the disk."""
        self.answer(await asyncio.to_thread(self.platform.unsent.describe))


class Send(BatonHandler):
    """POST baton/unsent/send: try now to send what waits (202). 503 ``not_configured``."""

    @authenticated
    @authorized
    async def post(self) -> None:
        """Wake what sends."""
        self.platform.unsent.send()
        self.set_status(202)
        self.finish()


ROUTES: list[tuple[str, type[BatonHandler]]] = [
    (r"baton/unsent", Unsent),
    (r"baton/unsent/send", Send),
]
