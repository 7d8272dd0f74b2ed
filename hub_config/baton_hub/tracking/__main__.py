"""``python -m baton_hub.tracking``: MLflow as a Hub service."""

from __future__ import annotations

import logging
import os
import socket
import sys

from starlette.types import ASGIApp

from baton_hub.tracking import artifacts, database, memory, serving
from baton_hub.tracking import settings as environment
from baton_hub.tracking.access.paths import UnknownTableError
from baton_hub.tracking.app import load_mlflow
from baton_hub.tracking.maintenance import Maintenance
from baton_hub.tracking.start import StartingApp
from baton_hub.tracking.workers import Workers

log = logging.getLogger(__name__)


class LoadingError(Exception):
    """MLflow could not be loaded; the text is one line."""


STOPPING = (
    LoadingError,
    UnknownTableError,
    artifacts.ArtifactsError,
    database.DatabaseError,
    environment.SettingsError,
    serving.SocketError,
)


def main() -> int:
    """Serve until told to stop; return the process's exit code."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # Per request and per migration step otherwise; boto3's would hold credentials' origins.
    for name in ("alembic", "botocore", "httpx", "mlflow.store.db.utils"):
        logging.getLogger(name).setLevel(logging.WARNING)
    memory.limit()
    try:
        settings = environment.parse_settings(os.environ)
        environment.apply(settings)
        with serving.listen(settings) as listening:
            return _serve(settings, listening)
    except STOPPING as error:
        sys.stderr.write(f"MLflow can't start: {error}\n")
        return 1


def _serve(settings: environment.Settings, listening: socket.socket) -> int:
    if settings.workers == 1:
        _serve_alone(settings, listening)
    else:
        _serve_many(settings, listening)
    return 0


def _serve_alone(settings: environment.Settings, listening: socket.socket) -> None:
    """Serve in this process, from the first moment on; MLflow is loaded in a thread."""
    problems: list[str] = []

    def failed(problem: str) -> None:
        problems.append(problem)
        worker.stop()

    starting = StartingApp(lambda: _load(settings), failed)
    worker = serving.Worker(starting, settings)
    starting.begin()
    worker.run(listening)
    if problems:
        raise LoadingError(problems[0])


def _serve_many(settings: environment.Settings, listening: socket.socket) -> None:
    """Load MLflow in this process, and serve in forks of it."""
    loaded: list[ASGIApp] = []

    def work() -> None:
        serving.Worker(loaded[0], settings).run(listening)

    def meanwhile() -> None:
        serving.Worker(StartingApp(lambda: _load(settings), log.error), settings).run(listening)

    Workers(settings.workers, work, meanwhile).run(lambda: loaded.append(_load(settings)))


def _load(settings: environment.Settings) -> ASGIApp:
    """Return MLflow's app, ready to answer. Raises one of STOPPING if it can't be."""
    database.tune()
    database.prepare(settings.database)
    artifacts.check(settings.artifacts)
    mlflow = load_mlflow()
    Maintenance(settings.database).begin()
    memory.settle()
    log.info("MLflow is ready")
    return mlflow


if __name__ == "__main__":
    sys.exit(main())
