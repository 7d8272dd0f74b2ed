"""The API that the panel talks to, below ``baton/``; one class a path."""

from __future__ import annotations

from baton_lab.handlers import handoffs, home, models, runs, server
from baton_lab.handlers.base import BatonHandler

HANDLERS: list[tuple[str, type[BatonHandler]]] = [
    *home.ROUTES,
    *server.ROUTES,
    *runs.ROUTES,
    *models.ROUTES,
    *handoffs.ROUTES,
]
