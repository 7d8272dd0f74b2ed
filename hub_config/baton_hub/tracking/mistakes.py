"""What MLflow does not expect of a request, answered as the mistake that it is.

MLflow looks at few of the values that it is sent. What does not fit ends in whatever
Python or the database says, and MLflow passes that on: as a 500, which its client
repeats for minutes, or as SQL. Here it becomes a sentence. Where the service itself
fails, the answer stays above 499, so that clients wait and operations see it.
"""

from __future__ import annotations

import logging
import sqlite3
import sys
from typing import Any

from graphql import GraphQLSyntaxError
from sqlalchemy import exc
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from baton_contract.errors import BadRequestError, PublicError, UnavailableError
from baton_hub.tracking.access.constraints import ConstraintError

log = logging.getLogger(__name__)

_UNFIT = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError)
"""What Python raises where a value is not what the code takes it for."""
_FAILED = (
    "The tracking service failed at this request, and its log says why. "
    "Please tell your operations team if it goes on."
)
# PostgreSQL's manual, appendix "PostgreSQL Error Codes".
_TOO_MUCH = "54"
_NUMBER = "22003"
_TYPES = frozenset({"42804", "42846", "42883", "42P18"})


def explain(error: BaseException | None) -> PublicError | None:
    """Return what to tell whoever sent the request; None where the service is at fault."""
    if isinstance(error, PublicError):
        return error
    if isinstance(error, exc.SQLAlchemyError):
        return _explain_database(error)
    if isinstance(error, SystemError):
        # Protobuf's C code wraps what it was told in these.
        return explain(error.__cause__)
    if isinstance(error, GraphQLSyntaxError):
        return _unfit(error.message.rstrip("."))
    if isinstance(error, UnicodeError):
        return _unfit("a text in it holds characters that can't be kept")
    if isinstance(error, OverflowError):
        return _unfit("a number in it is too large")
    if isinstance(error, RecursionError):
        return _unfit("it is nested too deeply")
    if isinstance(error, _UNFIT):
        return _unfit("a value in it is missing, or is not of the kind that belongs there")
    return None


def _explain_database(error: exc.SQLAlchemyError) -> PublicError | None:
    cause = getattr(error, "orig", None)
    state = str(getattr(cause, "sqlstate", None) or "")
    if isinstance(error, exc.IntegrityError):
        return BadRequestError("constraint", str(ConstraintError(None, None, cause or error)))
    if isinstance(error, exc.DataError):
        if state == _NUMBER:
            return explain(OverflowError())
        return explain(UnicodeError() if "NUL" in str(cause) else ValueError())
    if isinstance(error, exc.DBAPIError):
        if state.startswith(_TOO_MUCH) or _is_beyond_sqlite(cause):
            return _unfit("it asks for too much at once. Ask in several requests")
        if state in _TYPES:
            return explain(TypeError())
    elif isinstance(error, exc.StatementError):
        # Raised by Python while a value was made ready for the database.
        return explain(cause)
    if isinstance(error, (exc.ArgumentError, exc.CompileError)):
        return explain(TypeError())
    if isinstance(error, (exc.OperationalError, exc.InterfaceError, exc.TimeoutError)):
        # MLflow looks for this word, and tries again by itself.
        why = ", because of a deadlock" if "deadlock" in str(cause) else ""
        return UnavailableError(
            "database_unavailable",
            f"MLflow's database can't be used at the moment{why}. Please try again, and tell "
            "your operations team if it goes on.",
        )
    return None


def _is_beyond_sqlite(cause: BaseException | None) -> bool:
    """Tell whether SQLite can't work a statement out, of one whose tables are all there."""
    code = getattr(cause, "sqlite_errorcode", None)
    return code == sqlite3.SQLITE_ERROR and not str(cause).startswith("no such ")


def _unfit(fault: str) -> BadRequestError:
    return BadRequestError("unfit_request", f"MLflow can't use this request: {fault}.")


def answer_mistakes(app: Any, walled: ASGIApp) -> ASGIApp:
    """Return ``walled`` so that it answers a mistake with a sentence, wherever it shows.

    ``app`` is MLflow's FastAPI application, with Flask's mounted in it, and ``walled``
    what is in front of it. Each of them, and MLflow's own exceptions, is told by its own
    means; other errors are answered and logged as before.
    """
    from mlflow.exceptions import MlflowException
    from mlflow.server import app as flask
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse, Response
    from werkzeug.exceptions import InternalServerError

    from baton_hub.tracking.app import render_error

    async def over_asgi(_: Request, error: Exception) -> Response:
        answer = explain(error)
        return render_error(answer) if answer else PlainTextResponse("Internal Server Error", 500)

    def over_wsgi(error: InternalServerError) -> Any:
        answer = explain(error.original_exception)
        if answer is None:
            return error
        response = render_error(answer)
        return bytes(response.body), response.status_code, dict(response.headers)

    def of_mlflow(error: MlflowException) -> tuple[str, int, dict[str, str]]:
        # A few of its handlers lack what does this for the others.
        kind = {"Content-Type": "application/json"}
        return error.serialize_as_json(), error.get_http_status_code(), kind

    _reword_exceptions()
    flask.register_error_handler(MlflowException, of_mlflow)
    app.add_exception_handler(Exception, over_asgi)
    flask.register_error_handler(InternalServerError, over_wsgi)
    return _Answering(walled)


def _reword_exceptions() -> None:
    """Have MLflow's exceptions tell what ended in another one, and be no failure of the service."""
    from mlflow import exceptions
    from mlflow.protos import databricks_pb2 as codes

    by_status = {
        400: codes.BAD_REQUEST,
        403: codes.PERMISSION_DENIED,
        404: codes.RESOURCE_DOES_NOT_EXIST,
        503: codes.TEMPORARILY_UNAVAILABLE,
    }
    init = exceptions.MlflowException.__init__

    def reworded(
        self: Any, message: Any, error_code: int = codes.INTERNAL_ERROR, *rest: Any, **more: Any
    ) -> None:
        told = isinstance(message, Exception)
        cause = message if told else sys.exception()
        unexpected = told or error_code == codes.INTERNAL_ERROR
        answer = explain(cause) if unexpected else None
        if told or (unexpected and isinstance(cause, exc.SQLAlchemyError)):
            message = answer.message if answer else _FAILED
        if told:
            error_code = codes.INTERNAL_ERROR
        init(self, message, by_status[answer.status] if answer else error_code, *rest, **more)
        if told or answer:
            log.warning("MLflow did not expect this.", exc_info=cause)

    exceptions.MlflowException.__init__ = reworded
    # A trace whose spans are elsewhere is no failure, nor is what these two codes are for:
    # "can't rename what is deleted" is one.
    exceptions.MlflowTracingException.__init__.__defaults__ = (codes.RESOURCE_DOES_NOT_EXIST,)
    exceptions.ERROR_CODE_TO_HTTP_STATUS |= {"INVALID_STATE": 409, "FEATURE_DISABLED": 403}


class _Answering:
    """An ASGI app that raises PublicError for a mistake that nobody has answered yet."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except PublicError:
            # Said by the walls, before MLflow was asked.
            raise
        except Exception as error:
            # Starlette raises what it has answered already, so that servers log it.
            answer = explain(error)
            if answer is None:
                raise
            log.warning("MLflow did not expect this.", exc_info=error)
            if not started:
                raise answer from error
