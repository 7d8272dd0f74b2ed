"""Somebody's experiment with a file in it, for tests of who gets at it."""

from __future__ import annotations

import secrets

from tests.tracking import Tracking

FILES = "/api/2.0/mlflow-artifacts/artifacts"
PRIVATE = [{"key": key, "value": "[]"} for key in ("baton.read", "baton.write")]
"""Tags of what only its owner may see."""


class Shelf:
    """An experiment of ada's with one file in it."""

    def __init__(self, tracking: Tracking, tags: list[dict[str, str]]) -> None:
        body = {"name": f"files {secrets.token_hex(4)}", "tags": tags}
        self.experiment = tracking.call("ada", "experiments/create", body)["experiment_id"]
        made = {"experiment_id": self.experiment, "start_time": 1}
        self.run = tracking.call("ada", "runs/create", made)["run"]["info"]["run_id"]
        self.folder = f"{self.experiment}/{self.run}/artifacts"
        self.file = f"{FILES}/{self.folder}/a.txt"
        with tracking.client("ada") as client:
            assert client.put(self.file, content=b"secret").is_success
