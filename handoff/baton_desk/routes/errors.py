"""What is said of an error: the caller's own in full, the unexpected not at all."""

from __future__ import annotations

from tornado.web import HTTPError

from baton_contract import PublicError


def public_error(cause: BaseException | None, status: int) -> PublicError | None:
    """Return what may be said of ``cause``; None for what nobody expected."""
    if isinstance(cause, PublicError):
        return cause
    if isinstance(cause, HTTPError):
        status = cause.status_code
    elif cause is not None:
        return None
    return _http_error(status) if status < 500 else None


def _http_error(status: int) -> PublicError:
    code, message = {
        404: ("not_found", "There is nothing at this address of the desk."),
        405: ("method_not_allowed", "This address of the desk does not take that method."),
        413: ("too_large", "The request's body is too large."),
    }.get(status, ("bad_request", "The request can't be read. Check its form."))
    error = PublicError(code, message)
    error.status = status
    return error


def bare_error() -> PublicError:
    """Return all that is said of what nobody expected."""
    error = PublicError(
        "internal",
        "Something went wrong at the desk. What was recorded before is safe. Try again; if it "
        "happens again, give operations the request id.",
    )
    error.status = 500
    return error
