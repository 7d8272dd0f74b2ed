"""MLflow's database, ready before the first request: created, or found to fit."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy.engine import make_url


class DatabaseError(Exception):
    """MLflow's database can't be used as it is; the text says what to do."""


def prepare(address: str) -> None:
    """Create MLflow's tables if there are none, and check that the schema fits.

    A database of another MLflow version is left untouched: raises DatabaseError.
    """
    url = make_url(address)
    if url.get_backend_name() == "sqlite" and url.database:
        _prepare_sqlite(Path(url.database))
    # Imports most of MLflow: seconds, hence not at the top of the module.
    from mlflow.store.db import utils

    engine = utils.create_sqlalchemy_engine_with_retry(address)
    try:
        if utils._is_empty_database(engine):
            utils._initialize_tables(engine)
        found, needed = utils._get_schema_version(engine), utils._get_latest_schema_revision()
    finally:
        engine.dispose()
    if found != needed:
        raise DatabaseError(_mismatch(found, needed, url.render_as_string(hide_password=True)))


def _prepare_sqlite(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path)
        try:
            # Readers and the writer no longer wait for each other; the file keeps the mode.
            connection.execute("PRAGMA journal_mode=WAL")
        finally:
            connection.close()
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
