"""MLflow's database, ready before the first request: created, or found to fit."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 60.0
"""How long a database server that can't be reached is waited for."""
PAUSE_SECONDS = 2.0
BACKENDS = ("postgresql", "sqlite")
PRAGMAS = (
    # A commit is on the disk when the call returns, also if the power fails.
    "PRAGMA synchronous=FULL",
    "PRAGMA busy_timeout=20000",
    # In KiB. Pages that are not in it come from the operating system's cache.
    "PRAGMA cache_size=-4000",
    "PRAGMA temp_store=MEMORY",
    # Else a burst of writes leaves a log of that size for good.
    "PRAGMA journal_size_limit=67108864",
)
"""Set on every connection to SQLite; WAL is kept by the file itself."""


class DatabaseError(Exception):
    """MLflow's database can't be used as it is; the text says what to do."""


def tune() -> None:
    """Have every connection to SQLite that this process opens from now on set `PRAGMAS`."""
    sqlalchemy.event.listen(sqlalchemy.Engine, "connect", _set_pragmas)


def _set_pragmas(connection: Any, _record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        for pragma in PRAGMAS:
            connection.execute(pragma).close()


def prepare(address: str, *, patience: float = PATIENCE_SECONDS) -> None:
    """Create MLflow's tables if there are none, and check that the schema fits.

    Waits up to ``patience`` seconds for a database server that can't be reached. Of
    several processes that begin at once on PostgreSQL, one creates the tables. A
    database of another MLflow version is left untouched. Raises DatabaseError.
    """
    url = make_url(address)
    if url.get_backend_name() not in BACKENDS:
        raise DatabaseError(
            f"BATON_MLFLOW_DATABASE names {url.drivername}, which can't be used here: the walls "
            "between people are written for SQLite and PostgreSQL. Nothing was changed."
        )
    if url.get_backend_name() == "sqlite":
        _prepare_sqlite(url)
    engine = _engine(url)
    try:
        _await(engine, url, patience)
        with _alone(engine):
            _check(engine, url)
    finally:
        engine.dispose()


def _check(engine: sqlalchemy.Engine, url: URL) -> None:
    # Imports most of MLflow: seconds, hence not at the top of the module.
    from mlflow.store.db import utils

    if utils._is_empty_database(engine):
        utils._initialize_tables(engine)
    found, needed = utils._get_schema_version(engine), utils._get_latest_schema_revision()
    if found != needed:
        raise DatabaseError(_mismatch(found, needed, url.render_as_string(hide_password=True)))


def _engine(url: URL) -> sqlalchemy.Engine:
    # MLflow's migrations read the address from the engine, where its password is hidden;
    # they are given a connection beside it, and use that.
    try:
        return sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise DatabaseError(
            f"BATON_MLFLOW_DATABASE names {url.drivername}, which can't be used here ({error}). "
            "For PostgreSQL, install jupyter-baton[postgres]."
        ) from error


def _await(engine: sqlalchemy.Engine, url: URL, patience: float) -> None:
    deadline = time.monotonic() + patience
    while problem := _problem(engine):
        # A server that answers with FATAL will do so again.
        if "FATAL" in problem or time.monotonic() >= deadline:
            address = url.render_as_string(hide_password=True)
            raise DatabaseError(f"MLflow's database {address} can't be opened: {problem}")
        log.warning("MLflow's database can't be reached yet: %s", problem)
        time.sleep(PAUSE_SECONDS)


def _problem(engine: sqlalchemy.Engine) -> str | None:
    try:
        engine.connect().close()
    except OperationalError as error:
        return " ".join(str(error.orig).split())
    return None


@contextlib.contextmanager
def _alone(engine: sqlalchemy.Engine) -> Iterator[None]:
    """Keep other processes on the same PostgreSQL database out of this block."""
    if engine.dialect.name != "postgresql":
        yield
        return
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("SELECT pg_advisory_lock(hashtext('baton mlflow'))"))
        yield


def _prepare_sqlite(url: URL) -> None:
    path = Path(url.database or "")
    if url.database in (None, "", ":memory:"):
        raise DatabaseError("BATON_MLFLOW_DATABASE names no file: records would be lost.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(path)) as connection:
            # Readers and the writer no longer wait for each other; the file keeps the mode.
            connection.execute("PRAGMA journal_mode=WAL")
    except (OSError, sqlite3.Error) as error:
        raise DatabaseError(f"MLflow's database {path} can't be opened: {error}.") from error


def _mismatch(found: str | None, needed: str, address: str) -> str:
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError
    from mlflow.store.db import utils

    try:
        known = ScriptDirectory.from_config(utils._get_alembic_config("")).get_revision(found or "")
    except CommandError:
        known = None
    facts = f"MLflow's database {address} has schema {found}, this MLflow needs {needed}."
    if known is None:
        return f"{facts} It was made by another, newer MLflow: install that one. It is unchanged."
    return f"{facts} It is unchanged: back it up, then run `mlflow db upgrade` on it."
