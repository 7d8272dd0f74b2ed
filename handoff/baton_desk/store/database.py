"""The database: SQLite or PostgreSQL, one writer at a time."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from baton_contract import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

log = logging.getLogger(__name__)

_WRITE = "baton_write"
_LOCK = 0x6261746F6E  # "baton"; the advisory lock that makes one writer at a time


class Database:
    """Opens transactions; use it from threads.

    Writers are serialised: on SQLite by ``BEGIN IMMEDIATE``, on PostgreSQL by an
    advisory lock that ends with the transaction. So a number drawn inside is seen
    in order, and two people can't take the same step twice. A database that does not
    answer raises `UnavailableError` ``database_unavailable``.
    """

    def __init__(self, url: str) -> None:
        self.engine = _make_engine(url)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction that only looks."""
        with _translated(), Session(self.engine) as session, session.begin():
            yield session

    @contextmanager
    def write(self, *, in_order: bool = True) -> Iterator[Session]:
        """Open a transaction that changes things; all of it is committed, or nothing.

        ``in_order=False`` does without the lock on PostgreSQL, for what writes no event.
        """
        with _translated(), Session(self.engine) as session:
            session.connection(execution_options={_WRITE: True})
            if in_order and self.engine.dialect.name == "postgresql":
                session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            yield session
            session.commit()

    @property
    def folder(self) -> Path | None:
        """Where the database's file is; None for one that is elsewhere."""
        name = self.engine.url.database
        is_file = self.engine.dialect.name == "sqlite" and name
        return Path(str(name)).absolute().parent if is_file else None

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    """Turn a database that does not answer into an error for whoever asked."""
    try:
        yield
    except OperationalError as error:
        log.exception("the database does not answer")
        raise UnavailableError(
            "database_unavailable",
            "The desk's database does not answer. Nothing was changed; try again in a minute.",
        ) from error


def _make_engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        if parsed.drivername in {"postgresql", "postgres"}:
            # Which driver the bare name means depends on SQLAlchemy's version.
            parsed = parsed.set(drivername="postgresql+psycopg")
        return create_engine(parsed, pool_pre_ping=True, hide_parameters=True)
    engine = create_engine(parsed, connect_args={"timeout": 30}, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own BEGIN comes too late to be IMMEDIATE; _begin_sqlite sends it.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get(_WRITE)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
