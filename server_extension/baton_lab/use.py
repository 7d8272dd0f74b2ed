"""When this server was last used, by a person or by their code."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from jupyter_server.base.handlers import APIHandler
from tornado.web import Application, RequestHandler

API = "api_last_activity"
"""Jupyter Server's own mark of the last request to its API."""


class Use:
    """Watches what goes on in this server; nothing is asked of anybody.

    Use is: a request that changes something, a page that is opened, code that runs (also
    in silence, and with no page open), a terminal's input and output, and what other
    extensions mark as activity. The requests by which an open page refreshes itself are
    none: JupyterLab sends some every ten seconds, for as long as it is in sight.
    """

    def __init__(self, app: Application, clock: Callable[[], datetime] | None = None) -> None:
        self._settings = app.settings
        self._clock = clock or (lambda: datetime.now(UTC))
        self._requested: datetime = self._settings["started"]
        self._refreshed: datetime | None = None
        self._log: Callable[[RequestHandler], None] = log_nothing

    def listen(self) -> None:
        """Begin to hear of requests; call it once, when every extension is loaded."""
        # Tornado's one place that hears of them all, of whichever extension. Several
        # extensions set it while they load, the Hub's own among them.
        self._log = self._settings.get("log_function", log_nothing)
        self._settings["log_function"] = self._heard

    def _heard(self, handler: RequestHandler) -> None:
        self._log(handler)
        if is_use(handler):
            self.touch()
        elif isinstance(handler, APIHandler):
            # What it has just marked was a page that refreshed itself.
            self._refreshed = self._settings.get(API)

    def touch(self) -> None:
        """Count this moment as use."""
        self._requested = self._clock()

    def last(self) -> datetime:
        """Return when it was last used; now, while code runs."""
        return self._clock() if self._computes() else max(self._moments())

    def _computes(self) -> bool:
        kernels = self._settings["kernel_manager"]
        states = (
            getattr(kernels.get_kernel(name), "execution_state", "")
            for name in kernels.list_kernel_ids()
        )
        # A kernel that says nothing for hours is no activity to Jupyter Server.
        return "busy" in states

    def _moments(self) -> Iterable[datetime]:
        yield self._requested
        yield self._settings["kernel_manager"].last_kernel_activity
        yield from self._settings["last_activity_times"].values()
        for name, moment in self._settings.items():
            if name.endswith("_last_activity") and not (name == API and moment == self._refreshed):
                yield moment


def log_nothing(_: RequestHandler) -> None:
    """Log no request."""


def is_use(handler: Any) -> bool:
    """Tell whether a request that was answered is somebody's use of the server."""
    request, status = handler.request, handler.get_status()
    if status >= 300 or status == 101:
        return False
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return bool(request.headers.get("Sec-Fetch-Mode") == "navigate")
    return getattr(handler, "_track_activity", True) is True
