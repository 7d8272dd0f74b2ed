"""Who may see and change an experiment."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from baton_lab import access
from baton_lab.handlers.base import BatonHandler


class ExperimentAccess(BatonHandler):
    """GET, PUT baton/experiments/ID/access: owner, readers and writers (200).

    PUT takes ``{"read": "everybody" | [groups], "write": [groups]}``. 403 for who may not
    change it, 404 for an experiment that is not there or not yours to see.
    """

    @authenticated
    @authorized
    async def get(self, experiment: str) -> None:
        """Answer what the experiment's own tags say."""
        self.answer(await access.load_access(self.platform.tracking, experiment))

    @authenticated
    @authorized
    async def put(self, experiment: str) -> None:
        """Set the tags; the service says whether one may."""
        body = self.parse_body()
        self.answer(await access.change_access(self.platform.tracking, experiment, body))


ROUTES: list[tuple[str, type[BatonHandler]]] = [
    (r"baton/experiments/(?P<experiment>[A-Za-z0-9_-]{1,64})/access", ExperimentAccess)
]
