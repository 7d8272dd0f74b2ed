"""A refusal, in the form that the Hub passes on to the person."""

from __future__ import annotations

from typing import Any

from tornado.web import HTTPError

from baton_contract import PublicError

try:
    from jupyterhub.spawner import SpawnException
except ImportError:  # JupyterHub 5 has no word for it.
    SpawnException = None

HEADER = "Baton-Refusal"
"""The response header that carries a refusal's stable code."""


def refusal(error: PublicError, settings: dict[str, Any]) -> Exception:
    """Return the exception to raise from a spawner for a refusal.

    The Hub shows its sentence on the spawn page and in the API's answer, with the
    error's status and code. It never counts as a failing spawner: JupyterHub 6
    knows refusals as such; for JupyterHub 5, which counts every exception, one is
    taken off in advance (``settings`` are the Hub's).
    """
    exception: Any
    if SpawnException is not None:
        exception = SpawnException(error.message, reason=error.code, status_code=error.status)
    else:
        exception = HTTPError(error.status, "%s", error.message, reason=error.code)
        settings["failure_count"] = settings.get("failure_count", 0) - 1
    exception.jupyterhub_message = error.message
    exception.headers = {HEADER: error.code}
    return exception  # type: ignore[no-any-return]
