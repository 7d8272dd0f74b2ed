"""The one place where errors become answers, and what all handlers share."""

from __future__ import annotations

import json
from http.client import responses
from types import TracebackType
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import ensure_async
from tornado.web import HTTPError

from baton_contract.body import parse_json
from baton_contract.errors import BadRequestError, NotFoundError, PublicError

if TYPE_CHECKING:
    from baton_lab.platform import Platform

LONGEST = 64 * 1024
"""Characters that a text in a request may have."""


class BatonHandler(APIHandler):
    """A handler whose every error is the contract's envelope.

    Each method carries `authenticated` and `authorized` (resource ``baton``). A
    `PublicError` gives its own status; anything unexpected is logged with its
    traceback and answered with a bare 500 and the request id.
    """

    auth_resource = "baton"
    request_id = ""

    @property
    def platform(self) -> Platform:
        """The parts of this server."""
        platform: Platform = self.settings["baton_platform"]
        return platform

    async def prepare(self) -> None:  # type: ignore[override]
        """Give the request its id."""
        self.request_id = uuid4().hex
        await super().prepare()

    def answer(self, value: Any, status: int = 200) -> None:
        """Answer with JSON."""
        self.set_status(status)
        self.finish(json.dumps(value, allow_nan=False))

    def fields(self, **defaults: str | None) -> dict[str, str]:
        """Return the body's fields, read as `parse_fields` says."""
        return parse_fields(self.parse_body(), **defaults)

    def parse_body(self) -> dict[str, Any]:
        """Return the body, a JSON object; `BadRequestError` for anything else."""
        body = parse_json(self.request.body or b"{}")
        if not isinstance(body, dict):
            raise BadRequestError("schema", "The request's body must be a JSON object.", path="")
        return body

    async def read_file(self, path: str) -> bytes:
        """Return a file of the person's home as it is saved.

        Raises `NotFoundError` for what is not there, hidden, outside or no text.
        """
        manager: Any = self.contents_manager
        try:
            model = await ensure_async(manager.get(path, content=True, type="file", format="text"))
        except HTTPError as error:
            raise NotFoundError(
                "no_file", f"{path} is not among your files. Save it, then try again."
            ) from error
        return str(model["content"]).encode()

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log what nobody expected; errors meant for people are no news."""
        if isinstance(value, PublicError):
            self.log.debug("baton: %s: %s", value.code, value.message)
        else:
            super().log_exception(typ, value, tb)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with the envelope."""
        raised = kwargs.get("exc_info", (None, None))[1]
        if isinstance(raised, PublicError):
            error = raised
            self.set_status(raised.status)
        else:
            error = _foreign_error(status_code, raised, self.request_id)
            if status_code >= 500:
                self.log.error("The request %s failed", self.request_id)
        self.finish(json.dumps(error.envelope(self.request_id), allow_nan=False))


def _foreign_error(status: int, raised: Any, request_id: str) -> PublicError:
    if status >= 500:
        return PublicError(
            "internal",
            "Something went wrong in Baton on this server. Try again; if it happens again, "
            f"tell operations the id {request_id}.",
        )
    if status in {401, 403}:
        return PublicError("not_signed_in", "Sign in to this server to use Baton.")
    phrase = responses.get(status, "Bad Request")
    said = raised.log_message if isinstance(raised, HTTPError) else None
    return PublicError(phrase.lower().replace(" ", "_").replace("-", "_"), f"{said or phrase}.")


def parse_fields(given: dict[str, Any], /, **defaults: str | None) -> dict[str, str]:
    """Return the fields named by ``defaults``, which are text; None makes one required.

    Raises `BadRequestError` for anything that is not text, too long, or not named.
    """
    unknown = sorted(given.keys() - defaults.keys())
    if unknown:
        raise BadRequestError("schema", f"Unknown fields: {', '.join(unknown)}.", path=unknown[0])
    return {name: _text(name, given.get(name, default)) for name, default in defaults.items()}


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise BadRequestError("schema", f"The field {name!r} must be text.", path=name)
    if len(value) > LONGEST:
        raise BadRequestError("schema", f"The field {name!r} is too long.", path=name)
    return value
