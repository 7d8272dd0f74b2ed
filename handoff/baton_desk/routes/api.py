"""The desk's API."""

from __future__ import annotations

from typing import Any

from baton_desk.routes.base import DeskHandler


class Health(DeskHandler):
    """GET health: whether the desk answers (200). Nobody has to sign in."""

    anonymous = True

    def get(self) -> None:
        """Say that the desk answers, and nothing else."""
        self.write_json({"status": "ok"})


ROUTES: list[tuple[str, Any]] = [("health", Health)]
