"""Bringing the tables to the form that this version needs."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from baton_desk.store.database import Database

_LOCK = 0x6D696772617465  # "migrate"; two desks that start at once migrate one after the other


def upgrade(database: Database, revision: str = "head") -> str:
    """Bring the tables to ``revision``, in one transaction; return what they are then at."""
    return _run(database, lambda config: command.upgrade(config, revision))


def downgrade(database: Database, revision: str) -> str:
    """Take the tables back to ``revision`` (``base`` for none); what they held is lost."""
    return _run(database, lambda config: command.downgrade(config, revision))


def make_config(connection: Connection) -> Config:
    """Return Alembic's configuration, from the package and without a file."""
    config = Config()
    config.set_main_option("script_location", str(files("baton_desk.store") / "migrations"))
    config.attributes["connection"] = connection
    return config


def _run(database: Database, step: Callable[[Config], None]) -> str:
    engine = database.engine.execution_options(baton_write=True)
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        step(make_config(connection))
        return MigrationContext.configure(connection).get_current_revision() or "base"
