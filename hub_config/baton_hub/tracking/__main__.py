"""``python -m baton_hub.tracking``: MLflow as a Hub service, in this one process."""

from __future__ import annotations

import logging
import os
import sys

import uvicorn
from starlette.types import ASGIApp

from baton_hub.tracking import settings as environment
from baton_hub.tracking.app import create_app
from baton_hub.tracking.database import prepare
from baton_hub.tracking.start import StartingApp


def main() -> int:
    """Serve until told to stop; return the process's exit code."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # Per request and per migration step otherwise.
    for name in ("alembic", "httpx", "mlflow.store.db.utils"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        settings = environment.parse_settings(os.environ)
    except environment.SettingsError as error:
        return _stop(str(error))
    environment.apply(settings)
    problems: list[str] = []

    def load() -> ASGIApp:
        prepare(settings.database)
        from mlflow.server.fastapi_app import app

        logging.getLogger(__name__).info("MLflow is ready")
        mlflow: ASGIApp = app
        return mlflow

    def failed(problem: str) -> None:
        problems.append(problem)
        server.should_exit = True

    starting = StartingApp(load, failed)
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(starting),
            host=settings.host,
            port=settings.port,
            lifespan="off",  # MLflow's only cleans up after its assistant, which is closed.
            access_log=False,
            log_config=None,
            server_header=False,
            # Event streams never end by themselves.
            timeout_graceful_shutdown=1,
        )
    )
    starting.begin()
    server.run()
    return _stop(problems[0]) if problems else 0


def _stop(problem: str) -> int:
    sys.stderr.write(f"MLflow can't start: {problem}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
