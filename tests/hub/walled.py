"""MLflow's own stores behind the walls, in a process of their own: walls stand for good."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

_BEFORE = """
import json
import os

from mlflow.entities import ExperimentTag
from mlflow.exceptions import MlflowException
from mlflow.server import handlers
from mlflow.server.fastapi_app import app

from baton_hub.tracking.access.asking import Asking, asking
from baton_hub.tracking.access.construction import build_walls
from baton_hub.tracking.access.rules import Caller

build_walls(os.environ, app, "")
runs, models = handlers._get_tracking_store(), handlers._get_model_registry_store()
private = {"baton.read": "[]", "baton.write": "[]"}


def request(name, operations=False):
    return asking(Asking(Caller(name, operations=operations)))


def answer(function, *arguments, **options):
    try:
        function(*arguments, **options)
    except MlflowException as error:
        return error.error_code
    return "done"
"""


def run_walled(script: str, database: str) -> Any:
    """Return the JSON that a script prints last, which begins with the names above."""
    environment = {
        **os.environ,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "_MLFLOW_SERVER_FILE_STORE": database,
        "_MLFLOW_SERVER_REGISTRY_STORE": database,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
    }
    environment.pop("PYTEST_CURRENT_TEST", None)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _BEFORE + script],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
