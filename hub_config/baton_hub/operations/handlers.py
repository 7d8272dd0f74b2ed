"""Where on the Hub's own pages and API Baton's are found."""

from __future__ import annotations

from typing import Any

from baton_hub.operations.api import IdleHandler, StandingHandler, TokenHandler
from baton_hub.operations.page import OperationsHandler
from baton_hub.settings import Settings

Route = tuple[str, type, dict[str, Any]]


def handlers(settings: Settings) -> list[Route]:
    """Return the handlers, as ``c.JupyterHub.extra_handlers`` takes them; paths are below /hub.

    Each gets plain values only, and no secret: the Hub copies its configuration.
    """
    profiles = {"profiles": settings.profiles}
    times = {"idle_warning": settings.idle_warning, "cull_every": settings.cull_every}
    return [
        (r"/api/baton/standing", StandingHandler, {**profiles, **times}),
        (r"/api/baton/idle", IdleHandler, {}),
        (r"/api/baton/token", TokenHandler, {}),
        (r"/baton/operations", OperationsHandler, {**profiles, "audit_file": settings.audit_file}),
    ]
