"""MLflow as one caller sees it: an ASGI app that says on whose behalf it reads and writes."""

from __future__ import annotations

from functools import partial
from urllib.parse import parse_qsl, urlencode

import anyio.to_thread
from starlette.types import ASGIApp, Receive, Scope, Send

from baton_hub.tracking.access.asking import asking
from baton_hub.tracking.access.files import Files, find_touch, needs_body
from baton_hub.tracking.body import parse_json, read_body, replay


class Walled:
    """Hands requests on to MLflow behind the walls.

    ``scope["state"]["asking"]`` says who asks; without it MLflow reads no record.
    Raises PublicError before anything is sent.
    """

    def __init__(self, mlflow: ASGIApp, files: Files, prefix: str) -> None:
        self.mlflow = mlflow
        self.files = files
        self.prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        who = scope.get("state", {}).get("asking")
        if who is None:
            await self.mlflow(scope, receive, send)
            return
        with asking(who):
            if scope["type"] == "http":
                scope, receive = await self._check_files(scope, receive)
            await self.mlflow(scope, receive, send)

    async def _check_files(self, scope: Scope, receive: Receive) -> tuple[Scope, Receive]:
        path = scope["path"]
        below = path.removeprefix(self.prefix) if path.startswith(f"{self.prefix}/") else path
        body = {}
        if needs_body(below):
            raw = await read_body(receive)
            body = parse_json(raw)
            scope, receive = replay(scope, receive, raw)
        query = scope.get("query_string", b"").decode("utf8", "replace")
        # Of an argument that is there twice, MLflow reads the first.
        arguments = dict(reversed(parse_qsl(query, keep_blank_values=True)))
        touch = find_touch(scope["method"], below, arguments, body)
        if touch is not None:
            # Looks into the database, which may take its time.
            await anyio.to_thread.run_sync(partial(self.files.check, touch))
            scope = {**scope, "query_string": urlencode(arguments).encode()}
        return scope, receive
