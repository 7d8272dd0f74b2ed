"""Registered models."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from baton_lab import runs
from baton_lab.handlers.base import BatonHandler


class Models(BatonHandler):
    """GET, POST baton/models: list (200), or register a run's model (201).

    400 ``not_a_model``, ``no_name``; 404 for a run or a model that is not there.
    """

    @authenticated
    @authorized
    async def get(self) -> None:
        """Answer all registered models with their versions, newest first."""
        self.answer({"items": await runs.list_models(self.platform.tracking)})

    @authenticated
    @authorized
    async def post(self) -> None:
        """Register the model as the next version of its name."""
        given = self.fields(name=None, run_id=None, model_id=None)
        self.answer(await runs.register(self.platform.tracking, **given), 201)


ROUTES: list[tuple[str, type[BatonHandler]]] = [(r"baton/models", Models)]
