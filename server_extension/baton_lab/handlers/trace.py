"""The way back from a model version or a run."""

from __future__ import annotations

import asyncio
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from baton_lab.handlers.base import BatonHandler


class TraceBack(BatonHandler):
    """GET baton/trace?model=NAME&version=V or ?run=ID: the contract's trace.v1 (200).

    400 ``bad_target``; 404 for what is not there or not yours to see; 503 without MLflow.
    """

    @authenticated
    @authorized
    async def get(self) -> None:
        """Ask in a thread: files are fetched whole and digested."""
        asked = [self.get_query_argument(name, "") for name in ("model", "version", "run")]
        self.answer(await asyncio.to_thread(self._trace, *asked))

    def _trace(self, model: str, version: str, run: str) -> Any:
        # Imported here, because this module is imported at every server start.
        from baton_client.trace_source import TraceSource
        from baton_client.trace_steps import trace_back
        from baton_client.trace_target import parse_run, parse_version

        target = parse_run(run) if run else parse_version(model, version)
        tracking = self.platform.tracking
        token = tracking.http.headers.get("Authorization", "").removeprefix("Bearer ")
        with TraceSource(tracking.url, token) as source:
            return trace_back(source, target)


ROUTES: list[tuple[str, type[BatonHandler]]] = [(r"baton/trace", TraceBack)]
