"""MLflow's whole ASGI app, behind the Hub's sign-in."""

from __future__ import annotations

import json
import logging
import os
import re
import uuid
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from baton_contract.authorization import parse_authorization
from baton_contract.errors import NotFoundError, PublicError, UnauthorizedError
from baton_hub.tracking.access.asking import Asking
from baton_hub.tracking.access.rules import Caller
from baton_hub.tracking.audience import Audience
from baton_hub.tracking.author import find_rule, stamp
from baton_hub.tracking.body import Arriving, Overheard, parse_json, read_body, replay
from baton_hub.tracking.closed import refuse_closed
from baton_hub.tracking.hints import Hints, find_changes, render_hints
from baton_hub.tracking.identity import HubIdentity, connect
from baton_hub.tracking.settings import find_origin, service_prefix
from baton_hub.tracking.sign_in import BrowserSignIn, is_navigation
from baton_hub.tracking.workspaces import refuse_workspaces

log = logging.getLogger(__name__)

# MLflow's streaming artifact routes ignore the static prefix, and below the prefix
# the same routes are served by Flask, which holds the whole file in memory.
_STREAMED = re.compile(r"/(?:ajax-)?api/2\.0/mlflow-artifacts/artifacts/.+")


def create_app(mlflow: ASGIApp | None = None, identity: HubIdentity | None = None) -> TrackingApp:
    """Return MLflow behind the Hub, as JupyterHub's service variables describe it.

    Without arguments this is the app factory that ``mlflow server --app-name baton``
    calls; then MLflow must run with the service's prefix as ``--static-prefix``.
    """
    inner = mlflow or load_mlflow()
    identity = identity or connect()
    prefix = service_prefix(os.environ)
    # A Hub below a path has that in the address, and in the prefix too.
    origin = find_origin(os.environ.get("BATON_PUBLIC_URL", ""))
    sign_in = BrowserSignIn(identity.hub, prefix, origin)
    return TrackingApp(inner, identity, sign_in)


def load_mlflow() -> ASGIApp:
    """Return MLflow's app with walls in it; takes seconds, and MLflow's variables must be set."""
    from mlflow.server.fastapi_app import app

    from baton_hub.tracking.access.construction import build_walls
    from baton_hub.tracking.artifacts import answer_failures
    from baton_hub.tracking.mistakes import answer_mistakes

    answer_failures(app)
    return answer_mistakes(app, build_walls(os.environ, app, service_prefix(os.environ)))


class TrackingApp:
    """Lets the Hub's people and services through to MLflow, under their own names.

    Everybody else gets 401, or the Hub's sign-in page if a browser navigates. The
    service's own routes are ``oauth_callback``, ``baton/health``, ``baton/events``.
    """

    def __init__(self, mlflow: ASGIApp, identity: HubIdentity, sign_in: BrowserSignIn) -> None:
        self.mlflow = mlflow
        self.identity = identity
        self.sign_in = sign_in
        self.prefix = sign_in.prefix
        self.hints = Hints()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        if scope["type"] == "http":
            await self._http(_rooted(scope), receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self.mlflow(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        arriving = Arriving(receive)
        request = Request(scope, arriving)
        try:
            response = await self._own(request)
            if response is None:
                caller = await self._caller(request)
                if caller is not None:
                    await self._signed_in(caller, request, send)
                    return
                response = self._anonymous(request)
        except PublicError as error:
            response = render_error(error)
        await arriving.discard()
        await response(scope, receive, send)

    async def _own(self, request: Request) -> Response | None:
        path = request.scope["path"]
        if path == f"{self.prefix}/baton/health":
            ready = getattr(self.mlflow, "ready", True)
            return JSONResponse({"status": "ok" if ready else "starting"}, 200 if ready else 503)
        if path == self.sign_in.callback_path:
            return await self.sign_in.finish(request)
        return None

    async def _caller(self, request: Request) -> Caller | None:
        session = request.cookies.get("jupyterhub-session-id", "")
        if header := request.headers.get("authorization"):
            token, session = parse_authorization(header), ""
        else:
            token = self.sign_in.token(request)
        return await self.identity.identify(token, session) if token else None

    def _anonymous(self, request: Request) -> Response:
        if is_navigation(request):
            return self.sign_in.start(request)
        message = "Sign in to the Hub, or send a Hub token. Nothing was read or changed."
        return render_error(UnauthorizedError("not_signed_in", message))

    async def _signed_in(self, caller: Caller, request: Request, send: Send) -> None:
        scope = _without_credentials(request.scope, caller)
        if scope["path"] == f"{self.prefix}/baton/events":
            await self._events(request, caller)(scope, request.receive, send)
            return
        below = _below(scope["path"], self.prefix)
        _refuse_newline(below)
        refuse_closed(scope["method"], below)
        refuse_workspaces(below, scope["headers"])
        if _STREAMED.fullmatch(below) and scope["method"] in ("GET", "PUT"):
            scope = {**scope, "path": below, "raw_path": below.encode()}
        await self._record(caller, below, scope, request.receive, send)

    async def _record(
        self, caller: Caller, path: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        method = scope["method"]
        changes = find_changes(method, path)
        body: dict[str, Any] = {}
        if "artifacts" not in changes and (changes or find_rule(method, path)):
            raw = await read_body(receive)
            given = parse_json(raw)
            body = stamp(method, path, given, caller.name)
            # What names no author goes on as it came: metrics come by the thousand.
            raw = raw if body is given else json.dumps(body).encode()
            scope, receive = replay(scope, receive, raw)
        if not changes:
            await self.mlflow(scope, receive, send)
            return
        overheard = Overheard(send)
        await self.mlflow(scope, receive, overheard)
        if 200 <= overheard.status < 300:
            # MLflow's answers seldom say which experiment it was; the walls know.
            touched = sorted(scope["state"]["asking"].experiments)
            for hint in render_hints(changes, path, body, overheard.json()):
                if hint.experiment_id is None and hint.run_id and len(touched) == 1:
                    hint = replace(hint, experiment_id=touched[0])
                self.hints.publish(hint)

    def _events(self, request: Request, caller: Caller) -> Response:
        async def still_welcome() -> bool:
            try:
                return await self._caller(request) is not None
            except PublicError:
                return False

        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        host = request.headers.get("host", "")
        audience = Audience(self.mlflow, self.prefix, caller, host=host)
        stream = self.hints.stream(still_welcome, audience.hears)
        return StreamingResponse(stream, media_type="text/event-stream", headers=headers)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        token = parse_authorization(connection.headers.get("authorization", ""))
        try:
            caller = await self.identity.identify(token) if token else None
        except PublicError:
            caller = None
        if caller is None:
            # Before it is accepted, a close is a 403 to the client.
            await send({"type": "websocket.close", "code": 1008})
            return
        await self.mlflow(_without_credentials(scope, caller), receive, send)


def render_error(error: PublicError) -> Response:
    """Return the error as a response that Baton's and MLflow's own clients can read."""
    request_id = uuid.uuid4().hex
    body = {
        **error.envelope(request_id),
        "error_code": _MLFLOW_CODES.get(error.status, "BAD_REQUEST"),
        "message": error.message,
    }
    headers = {"Cache-Control": "no-store", "X-Request-Id": request_id}
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="JupyterHub"'
    if error.status == 503:
        headers["Retry-After"] = str(error.details.get("retry_after", 5))
    return JSONResponse(body, error.status, headers)


def _without_credentials(scope: Scope, caller: Caller) -> Scope:
    """Return the scope for MLflow: it learns who calls, and no token or cookie."""
    headers = [pair for pair in scope["headers"] if pair[0] not in (b"authorization", b"cookie")]
    state = {**scope.get("state", {}), "username": caller.name, "asking": Asking(caller)}
    return {**scope, "headers": headers, "state": state}


def _rooted(scope: Scope) -> Scope:
    """Return the scope with one slash in front: Flask drops the others after every check."""
    path = "/" + scope["path"].lstrip("/")
    if path == scope["path"]:
        return scope
    return {**scope, "path": path, "raw_path": quote(path).encode()}


def _refuse_newline(path: str) -> None:
    """Raise NotFoundError for a path that MLflow reads in another way than every check here.

    Its router's "$" passes over a newline at the end, and patterns here don't.
    """
    if "\n" in path:
        raise NotFoundError("not_found", "There is nothing at this address.")


def _below(path: str, prefix: str) -> str:
    return path.removeprefix(prefix) if path.startswith(f"{prefix}/") else path


_MLFLOW_CODES = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    503: "TEMPORARILY_UNAVAILABLE",
}
