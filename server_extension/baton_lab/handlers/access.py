"""Who may see and change an experiment or registered model."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from baton_lab import access
from baton_lab.handlers.base import BatonHandler

KINDS = {"experiments": access.EXPERIMENT, "models": access.MODEL}


class Access(BatonHandler):
    """GET, PUT baton/experiments/ID/access, baton/models/NAME/access (200).

    Owner, readers and writers. PUT takes ``{"read": "everybody" | [groups], "write": …}``,
    the same of both. 403 for who may not change it, 404 for what is not there or not
    yours to see.
    """

    @authenticated
    @authorized
    async def get(self, kind: str, key: str) -> None:
        """Answer what the thing's own tags say."""
        self.answer(await access.load_access(self.platform.tracking, KINDS[kind], key))

    @authenticated
    @authorized
    async def put(self, kind: str, key: str) -> None:
        """Set the tags; the service says whether one may."""
        body = self.parse_body()
        self.answer(await access.change_access(self.platform.tracking, KINDS[kind], key, body))


ROUTES: list[tuple[str, type[BatonHandler]]] = [
    (rf"baton/(?P<kind>{'|'.join(KINDS)})/(?P<key>[^/]+)/access", Access)
]
