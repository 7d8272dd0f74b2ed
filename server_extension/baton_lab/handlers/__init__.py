"""The API that the panel talks to, below ``baton/``; one class a path."""

from __future__ import annotations

from baton_lab.handlers import access, handoffs, home, models, runs, server, settings, trace, unsent
from baton_lab.handlers.base import BatonHandler

HANDLERS: list[tuple[str, type[BatonHandler]]] = [
    *home.ROUTES,
    *server.ROUTES,
    *runs.ROUTES,
    *access.ROUTES,
    *trace.ROUTES,
    *models.ROUTES,
    *handoffs.ROUTES,
    *unsent.ROUTES,
    *settings.ROUTES,
]
