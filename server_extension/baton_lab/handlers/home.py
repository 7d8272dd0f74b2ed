"""What stands around the panel: the services' state, the teams, the example."""

from __future__ import annotations

from importlib.resources import files
from os import environ
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.utils import ensure_async
from tornado.web import authenticated

from baton_contract.errors import NotFoundError
from baton_lab.handlers.base import BatonHandler

EXAMPLE = "breast-cancer.ipynb"


class Status(BatonHandler):
    """GET baton/status: who is here, and whether MLflow and the desk are there (200)."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """Look at both services now."""
        self.answer(
            {
                "user": self.platform.user,
                "profile": environ.get("BATON_PROFILE") or None,
                "size": environ.get("BATON_SIZE") or None,
                "services": await self.platform.presence.look(),
            }
        )


class Teams(BatonHandler):
    """GET baton/teams: every team that can receive (200). 503 without the desk."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """Ask the desk."""
        self.answer({"items": await self.platform.desk.teams()})


class Example(BatonHandler):
    """POST baton/example: put the example notebook into the home (200). One that is there stays."""

    @authenticated
    @authorized
    async def post(self) -> None:
        """Copy it if it is absent."""
        source = files("baton_lab") / "examples" / EXAMPLE
        if not source.is_file():
            raise NotFoundError("no_example", "This installation has no example notebook.")
        manager: Any = self.contents_manager
        if not await ensure_async(manager.file_exists(EXAMPLE)):
            model = {"type": "file", "format": "text", "content": source.read_text("utf-8")}
            await ensure_async(manager.save(model, EXAMPLE))
        self.answer({"path": EXAMPLE})


ROUTES: list[tuple[str, type[BatonHandler]]] = [
    (r"baton/status", Status),
    (r"baton/teams", Teams),
    (r"baton/example", Example),
]
