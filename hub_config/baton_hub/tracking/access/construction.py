"""Building the walls in the process that serves MLflow, once it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.orm import ORMExecuteState, Session
from starlette.types import ASGIApp

from baton_hub.tracking.access import numbers, paths, refusal, times
from baton_hub.tracking.access.asking import current, system_work
from baton_hub.tracking.access.changes import Gate, check_access
from baton_hub.tracking.access.constraints import reword
from baton_hub.tracking.access.defaults import parse_defaults
from baton_hub.tracking.access.files import Files
from baton_hub.tracking.access.owners import parse_number
from baton_hub.tracking.access.rules import Owner
from baton_hub.tracking.access.served import Walled
from baton_hub.tracking.access.view import Book
from baton_hub.tracking.access.walls import Walls, build


def build_walls(environ: Mapping[str, str], mlflow: ASGIApp, prefix: str) -> ASGIApp:
    """Return MLflow behind walls; from here on nothing is read on nobody's behalf.

    MLflow's stores are opened here, as they create what is missing. Raises SettingsError
    for a wrong default, UnknownTableError for a table of a newer MLflow.
    """
    defaults = parse_defaults(environ)
    from mlflow.server import constants, handlers
    from mlflow.store.db.base_sql_model import Base
    from mlflow.store.tracking.dbmodels.models import (
        SqlEntityAssociation,
        SqlExperiment,
        SqlRun,
        SqlTraceInfo,
    )
    from mlflow.store.workspace.dbmodels import models  # noqa: F401 (loads the last table)

    paths.check(Base.metadata)
    book = Book(dict(Base.metadata.tables))
    walls = Walls(Base.registry, book)
    gate = Gate(walls, defaults)
    # Before the first statement of MLflow's is compiled: it is kept as it was compiled.
    build(walls)

    event.listen(Engine, "handle_error", reword, retval=True)

    @event.listens_for(Session, "before_flush")
    def _flush(session: Session, *_: Any) -> None:
        gate.flush(session)

    @event.listens_for(Session, "after_flush")
    def _flushed(session: Session, *_: Any) -> None:
        gate.flushed(session)

    @event.listens_for(Session, "do_orm_execute")
    def _execute(state: ORMExecuteState) -> None:
        gate.execute(state)

    # MLflow saves these in bulk, of which SQLAlchemy tells nobody.
    event.listen(SqlEntityAssociation, "init", _check_association)
    numbers.give_once(SqlExperiment)
    times.refuse_beyond((SqlRun, SqlTraceInfo))
    with system_work():
        database = environ[constants.BACKEND_STORE_URI_ENV_VAR]
        for store in {database, environ.get(constants.REGISTRY_STORE_URI_ENV_VAR, database)}:
            _prepare(store, book)
        engines = [
            handlers._get_tracking_store().engine,
            handlers._get_model_registry_store().engine,
        ]
        for engine in engines:
            _settle(engine)
    _seed_as_service(handlers._get_tracking_store())
    return Walled(mlflow, Files(engines[0], Base.metadata, book), prefix)


def _seed_as_service(store: Any) -> None:
    """Let an experiment's first question for reviewers be put in when a reader lists them.

    MLflow writes it into what it is asked for; only the service itself may do so there.
    """
    seed = store._ensure_default_label_schema

    def seeded(session: Session, experiment: str) -> None:
        with system_work():
            seed(session, experiment)

    store._ensure_default_label_schema = seeded


def _prepare(database: str, book: Book) -> None:
    """Create the book's tables, which MLflow's migrations read too, as they read behind walls."""
    from mlflow.store.db.utils import create_sqlalchemy_engine_with_retry

    engine = create_sqlalchemy_engine_with_retry(database)
    with engine.begin() as connection:
        book.create(connection)
    engine.dispose()


def _settle(engine: Any) -> None:
    # MLflow answers with the database's errors, which else show what was bound.
    engine.hide_parameters = True
    # Workers are forks of this process, and each needs connections of its own.
    engine.dispose()


def _check_association(_: Any, __: Any, values: dict[str, Any]) -> None:
    asking = current()
    if asking is None or asking.view is None or values.get("destination_type") != "experiment":
        return
    owner = Owner("experiments", parse_number(values["destination_id"]))
    access = asking.view.experiments.get(owner.key)
    if access is None:
        raise refusal.not_there()
    check_access(asking.view.caller, owner, access)
