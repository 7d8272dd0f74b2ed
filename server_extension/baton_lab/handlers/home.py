"""What stands around the panel: the services' state, the teams, the example."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from os import environ
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.utils import ensure_async
from tornado.web import authenticated

from baton_contract.errors import NotFoundError
from baton_lab.handlers.base import BatonHandler

EXAMPLE = "breast-cancer.ipynb"
SPARK_EXAMPLE = "diabetes-spark.ipynb"


def choose_example(environment: Mapping[str, str]) -> str:
    """Return the name of the example that fits a server: Spark's where there is Spark.

    Images with Spark, those of the Jupyter project too, say where it is in SPARK_HOME; on one
    machine, where images are not used, the example catalogue's profiles tell.
    """
    profile = environment.get("BATON_PROFILE", "")
    has_spark = "SPARK_HOME" in environment or profile.startswith("pyspark")
    return SPARK_EXAMPLE if has_spark else EXAMPLE


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
        """Copy the one that fits this server if it is absent."""
        name = choose_example(environ)
        source = files("baton_lab") / "examples" / name
        if not source.is_file():
            raise NotFoundError("no_example", "This installation has no example notebook.")
        manager: Any = self.contents_manager
        if not await ensure_async(manager.file_exists(name)):
            model = {"type": "file", "format": "text", "content": source.read_text("utf-8")}
            await ensure_async(manager.save(model, name))
        self.answer({"path": name})


ROUTES: list[tuple[str, type[BatonHandler]]] = [
    (r"baton/status", Status),
    (r"baton/teams", Teams),
    (r"baton/example", Example),
]
