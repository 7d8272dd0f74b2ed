"""Who is calling, and how an error looks: the ground that every handler stands on."""

from __future__ import annotations

import json
import logging
import secrets
from typing import TYPE_CHECKING, Any, ClassVar

from jupyterhub.services.auth import HubOAuthenticated, UserNotAllowed
from tornado.web import HTTPError, RequestHandler

from baton_contract import (
    BadRequestError,
    ForbiddenError,
    NotFoundError,
    PublicError,
    UnauthorizedError,
    UnavailableError,
)
from baton_contract.authorization import parse_authorization
from baton_contract.body import parse_json
from baton_desk.identity import Caller
from baton_desk.routes.errors import bare_error, public_error
from baton_desk.seal import TOKEN_PREFIX

if TYPE_CHECKING:
    from types import TracebackType

    from baton_desk.desk import Desk
    from baton_desk.directory import Directory
    from baton_desk.settings import Settings

log = logging.getLogger(__name__)

_READ_ONLY = {"GET", "HEAD", "OPTIONS"}


class DeskHandler(HubOAuthenticated, RequestHandler):  # type: ignore[misc]
    """A handler that knows its caller before its method runs.

    People come with a Hub token in the header (``Bearer``, ``token`` or Basic
    ``USER:TOKEN``) or with HubOAuth's cookie; the Hub says who they are (for at
    most 60 s the same answer counts) and they need the desk's access scope.
    Requests that carry only the cookie pass the Hub's XSRF check: navigations may
    read; everything else (also ``fetch`` and ``EventSource``) needs
    `xsrf_token` as header ``X-Xsrftoken`` or as argument ``_xsrf``.

    A subclass sets ``pipelines`` when a team's pipeline token may come in, and
    ``anonymous`` when nobody has to sign in. It may override `render_error` and
    `refuse_anonymous`.
    """

    pipelines: ClassVar[bool] = False
    anonymous: ClassVar[bool] = False
    caller: Caller
    request_id: str

    @property
    def desk(self) -> Desk:
        """The application service."""
        desk: Desk = self.settings["desk"]
        return desk

    @property
    def desk_settings(self) -> Settings:
        """What the environment told the desk."""
        settings: Settings = self.settings["desk_settings"]
        return settings

    def initialize(self) -> None:
        """Take the application's own connection to the Hub."""
        self.hub_auth = self.settings["hub_auth"]
        self.request_id = secrets.token_hex(8)

    def set_default_headers(self) -> None:
        """Say nothing about the server, and let nobody guess types or frame the desk."""
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Cache-Control", "no-store")

    async def prepare(self) -> None:
        """Find out who is calling, before a body is read."""
        self.set_header("X-Request-Id", self.request_id)
        if self.anonymous:
            return
        caller = await self._identify()
        if caller is None:
            self.refuse_anonymous()
        else:
            self.caller = caller

    def refuse_anonymous(self) -> None:
        """Answer somebody who is not signed in: 401. Pages send them to sign in instead."""
        raise UnauthorizedError(
            "not_signed_in",
            "Nobody is signed in, or the token is not known here. Send a JupyterHub token that may "
            "access the desk as 'Authorization: Bearer TOKEN'.",
        )

    async def _identify(self) -> Caller | None:
        token = self._header_token()
        if token and token.startswith(TOKEN_PREFIX):
            return await self._pipeline(token)
        try:
            model = await self.hub_auth.get_user(self, sync=False)
        except HTTPError as error:
            raise UnavailableError(
                "hub_unavailable",
                "The desk can't reach the Hub to see who you are. Nothing was changed; "
                "try again in a minute.",
            ) from error
        if model is None:
            self._explain_xsrf(token)
            return None
        try:
            self.check_hub_user(model)
        except UserNotAllowed as error:
            raise ForbiddenError(
                "no_access",
                f"{model['name']} may not use the desk. Ask operations for access to it.",
            ) from error
        self._hub_auth_user_cache = model
        directory: Directory = self.settings["directory"]
        return await directory.caller(model["name"], is_user=model.get("kind", "user") == "user")

    async def _pipeline(self, token: str) -> Caller | None:
        caller = await self.desk.identify(token)
        if caller is not None and not self.pipelines:
            raise ForbiddenError(
                "token_not_allowed",
                "A pipeline's token is good for its team's accepted handoffs (handoff, packet, "
                "files, deployments) and nothing else.",
            )
        return caller

    def _header_token(self) -> str | None:
        token = parse_authorization(self.request.headers.get("Authorization", ""))
        if token:
            # HubAuth does not read Basic.
            self.request.headers["Authorization"] = f"token {token}"
        return token

    def _explain_xsrf(self, token: str | None) -> None:
        # A cookie alone was refused: either it is stale (sign in again) or the request
        # can't prove that it comes from our own page.
        if token or self.request.method in _READ_ONLY or not self.hub_auth.get_token(self):
            return
        try:
            self.check_xsrf_cookie()
        except HTTPError as error:
            raise ForbiddenError(
                "xsrf",
                "This request does not come from a page of the desk that is still valid. "
                "Nothing was changed; reload the page and try again.",
            ) from error

    def json_body(self) -> Any:
        """Return the request's JSON; raises `BadRequestError` ``not_json``, ``too_deep``."""
        return parse_json(self.request.body)

    def write_json(self, value: Any, status: int = 200) -> None:
        """Answer with JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.write(json.dumps(value, ensure_ascii=False, allow_nan=False))

    # Errors

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Turn whatever was raised into the answer: the one place for it."""
        cause = kwargs.get("exc_info", (None, None, None))[1]
        error = public_error(cause, status_code) or bare_error()
        self.set_status(error.status)
        self.render_error(error)

    def render_error(self, error: PublicError) -> None:
        """Answer with the contract's envelope. Pages answer with a page instead."""
        if self.request.method == "HEAD":
            self.finish()
            return
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(error.envelope(self.request_id), ensure_ascii=False))

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log a traceback for what nobody expected, and nothing for a caller's mistake."""
        if public_error(value, 500) is None:
            place = f"{self.request.method} {self.request.path}"
            log.error("%s %s failed", self.request_id, place, exc_info=(typ, value, tb))  # type: ignore[arg-type]


def fields(body: Any, /, **wanted: Any) -> dict[str, Any]:
    """Return the fields of a JSON object, each with its default; ``...`` marks a needed one.

    Raises `BadRequestError` ``schema`` for a missing or an unknown field.
    """
    if not isinstance(body, dict):
        raise BadRequestError("schema", "The request's body must be a JSON object.", path="")
    unknown = sorted(set(body) - set(wanted))
    missing = sorted(
        name for name, default in wanted.items() if default is ... and name not in body
    )
    for names, what in ((unknown, "is not known here"), (missing, "is missing")):
        if names:
            raise BadRequestError("schema", f"The field {names[0]!r} {what}.", path=names[0])
    return {**wanted, **body}


class NotFoundHandler(DeskHandler):
    """Any path that is not there (404), for those who are signed in."""

    def _refuse(self) -> None:
        raise NotFoundError("not_found", "There is nothing at this address of the desk.")

    get = head = post = put = patch = delete = _refuse
