"""Errors that are meant for the person or program at the other end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from baton_contract.types import ErrorEnvelope


class PublicError(Exception):
    """An error whose text may be shown to whoever caused it.

    ``code`` is stable and for programs, ``message`` says what happened and what
    to do, ``details`` carries facts that are JSON. One place in each service
    turns it into a response with ``status``.
    """

    status = 400

    def __init__(self, code: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details: dict[str, Any] = details

    def envelope(self, request_id: str) -> ErrorEnvelope:
        """Return the error as the contract's one envelope."""
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "details": self.details,
                "request_id": request_id,
            }
        }


class BadRequestError(PublicError):
    """What was sent can't be used (400)."""

    status = 400


class UnauthorizedError(PublicError):
    """Nobody is signed in, or the token is not known (401)."""

    status = 401


class ForbiddenError(PublicError):
    """Somebody is signed in, and may not do this (403)."""

    status = 403


class NotFoundError(PublicError):
    """It does not exist, or the caller may not know that it does (404)."""

    status = 404


class ConflictError(PublicError):
    """The record is in a state that does not allow this (409)."""

    status = 409


class TooLargeError(PublicError):
    """What was sent is over a limit (413)."""

    status = 413


class UnavailableError(PublicError):
    """A service that is needed does not answer; nothing was changed (503)."""

    status = 503


BY_STATUS: dict[int, type[PublicError]] = {
    kind.status: kind
    for kind in (
        BadRequestError,
        UnauthorizedError,
        ForbiddenError,
        NotFoundError,
        ConflictError,
        TooLargeError,
        UnavailableError,
    )
}
"""Which error an HTTP status of a Baton API stands for."""
