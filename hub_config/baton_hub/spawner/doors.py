"""The Hub's two ways to start a server, with what JupyterHub would answer 500 to refused.

JupyterHub's own handlers store what was asked for before any spawner sees it, and fail
on some of it: a body of another shape, text that is not UTF-8, a key that it reserves
for itself. What can't be a choice at all is refused here, and nothing of it is stored.
Everything else goes on to the spawner, where it is decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyterhub import apihandlers, handlers
from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.apihandlers.users import UserServerAPIHandler
from jupyterhub.handlers.pages import SpawnHandler

from baton_contract import BadRequestError, PublicError, TooLargeError
from baton_hub.spawner.curated import CuratedSpawner
from baton_hub.spawner.refusal import refusal

MOST_BYTES = 128 * 1024
"""The longest request that asks for a server; a choice is a few hundred bytes."""
DEEPEST = 16
"""The deepest nesting; a choice has two levels, in an object of JupyterHub's own."""
RESERVED = "__jupyterhub_"
"""How keys begin that JupyterHub reads as its own when it loads what it has stored."""
PATCHABLE = {"name": str, "display_name": str, "user_options": dict}


class CheckedBody(APIHandler):  # type: ignore[misc]
    """What JupyterHub reads a request's JSON with, which looks at it first."""

    def get_json_body(self) -> Any:
        """Return the request's body, which can be stored and loaded again."""
        try:
            check_length(len(self.request.body or b""))
            body = super().get_json_body()
            check_body(body, is_edit=self.request.method == "PATCH")
        except PublicError as error:
            note_refusal(self, self.path_args[0], error)
            raise refusal(error, {}) from None
        return body


class ServerHandler(UserServerAPIHandler, CheckedBody):  # type: ignore[misc]
    """POST, PUT, PATCH, DELETE /hub/api/users/NAME/server and /servers/NAME, as in JupyterHub.

    A body that can't be a choice is answered with 400 or 413 and a code. The check stands
    behind JupyterHub's handler, because JupyterHub 6 reads the body with ``super()``.
    """


class SpawnPageHandler(SpawnHandler):  # type: ignore[misc]
    """GET and POST /hub/spawn, as in JupyterHub.

    What is no text, and what is too long, is answered with 400 or 413 and a code.
    """

    async def prepare(self) -> None:
        """Look at what came before JupyterHub does."""
        await super().prepare()
        try:
            check_length(len(self.request.body or b""))
            check_text(self.request.arguments)
        except PublicError as error:
            note_refusal(self, None, error)
            raise refusal(error, {}) from None


def check_length(length: int) -> None:
    """Raise `TooLargeError` (too_large) for more bytes than a choice can have."""
    if length > MOST_BYTES:
        raise TooLargeError(
            "too_large", f"The options are too long: at most {MOST_BYTES // 1024} KB are read."
        )


def check_text(arguments: Mapping[str, list[bytes]]) -> None:
    """Raise `BadRequestError` (bad_choice) for a field of a form or an address that is no text."""
    try:
        for values in arguments.values():
            for value in values:
                value.decode()
    except UnicodeDecodeError:
        raise BadRequestError("bad_choice", "The options must be text in UTF-8.") from None


def check_body(body: Any, *, is_edit: bool) -> None:
    """Raise `BadRequestError` (bad_choice) for a body that can't be stored and loaded again."""
    if body and not isinstance(body, dict):
        raise BadRequestError("bad_choice", "The options must be an object with profile and size.")
    for key, value in body.items() if is_edit and body else ():
        if not isinstance(value, PATCHABLE.get(key, ())):
            known = ", ".join(PATCHABLE)
            raise BadRequestError(
                "bad_choice", f"Of a server, only these can be edited, each as it is: {known}."
            )
    _check_nesting(body)


def _check_nesting(body: Any) -> None:
    """Look at what is nested level by level, so that no depth can exhaust the stack."""
    level = [body]
    for _ in range(DEEPEST):
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return
    raise BadRequestError("bad_choice", f"The options are nested more than {DEEPEST} deep.")


def _inside(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return []
    if any(key.startswith(RESERVED) for key in value):
        raise BadRequestError("bad_choice", f"No option's name can begin with {RESERVED}.")
    return list(value.values())


def note_refusal(handler: Any, name: str | None, error: PublicError) -> None:
    """Record a refusal that no spawner came to see, for a person who exists."""
    user = handler.current_user if name is None else handler.find_user(name)
    spawner = getattr(user, "spawner", None)
    if isinstance(spawner, CuratedSpawner):
        spawner.note_refusal(error)


def install() -> None:
    """Put these handlers in the place of JupyterHub's own; doing it again changes nothing."""
    ours = {UserServerAPIHandler: ServerHandler, SpawnHandler: SpawnPageHandler}
    for routes in (apihandlers.default_handlers, handlers.default_handlers):
        routes[:] = [(route[0], ours.get(route[1], route[1]), *route[2:]) for route in routes]
