"""What the database refuses, in words for people: nothing of its tables, columns or rows."""

from __future__ import annotations

from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import IntegrityError

from baton_hub.tracking.access.asking import current

# How SQLite and PostgreSQL call a key or a name that is there already.
_TWICE = frozenset({"SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_UNIQUE", "23505"})


class ConstraintError(IntegrityError):
    """A broken constraint, as SQLAlchemy has it, so that MLflow still knows what to do."""

    def __str__(self) -> str:
        """Return the sentence, which MLflow puts into its answers."""
        cause = self.orig
        kind = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
        if kind in _TWICE:
            return (
                "Something with this name or key is there already, or is in the request twice. "
                "Choose another one."
            )
        return "What this belongs to does not exist, or a value that it needs is missing."


def reword(context: ExceptionContext) -> ConstraintError | None:
    """Return the error to raise instead of one of the database's; None to leave it.

    For SQLAlchemy's event ``handle_error``. The service's own errors stay as they are.
    """
    error = context.sqlalchemy_exception
    asking = current()
    if asking is None or asking.caller is None or not isinstance(error, IntegrityError):
        return None
    return ConstraintError(None, None, error.orig or error)
