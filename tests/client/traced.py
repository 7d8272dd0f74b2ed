"""A run with everything that capture records, put into a real MLflow over its REST API."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import Any

from tests.tracking import Tracking

ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
API = "/api/2.0/mlflow"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
IMAGE_DIGEST = "sha256:" + "ef" * 32
FILES = {
    "notebook": b'{"cells": [], "nbformat": 4}',
    "diff": b"--- a/x\n+++ b/x\n",
    "packages": b"mlflow==3.17.2\n",
}


@dataclass
class Past:
    """A run of ada's and the model version that it made."""

    tracking: Tracking
    user: str
    run: dict[str, Any]
    tags: dict[str, str]
    name: str
    version: str

    @property
    def run_id(self) -> str:
        return str(self.run["run_id"])

    @property
    def target(self) -> str:
        return f"{self.name}/{self.version}"

    def uri(self, kind: str) -> str:
        """Return where the file of a kind lies on the artifact service."""
        return place(str(self.run["experiment_id"]), kind)

    def put(self, path: str, content: bytes) -> None:
        """Write an artifact, or write over it."""
        with self.tracking.client(self.user) as client:
            client.put(f"{ARTIFACTS}/{path}", content=content).raise_for_status()

    def tag(self, **tags: str) -> None:
        """Set tags whose dots are written as two underscores."""
        set_tags(
            self.tracking,
            self.user,
            self.run_id,
            {k.replace("__", "."): v for k, v in tags.items()},
        )


def place(experiment: str, kind: str) -> str:
    folder, suffix = {
        "notebook": ("notebooks", "ipynb"),
        "diff": ("diffs", "diff"),
        "packages": ("packages", "txt"),
    }[kind]
    return f"{experiment}/baton/{folder}/{sha256(FILES[kind])}.{suffix}"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def set_tags(tracking: Tracking, user: str, run_id: str, tags: dict[str, str]) -> None:
    pairs = [{"key": key, "value": value} for key, value in tags.items()]
    tracking.call(user, "runs/log-batch", {"run_id": run_id, "tags": pairs})


def tags_for(experiment: str) -> dict[str, str]:
    """Return what capture tags a run of a notebook with."""
    tags = {
        "baton.notebook.path": "demos/été.ipynb",
        "baton.notebook.sha256": sha256(FILES["notebook"]),
        "baton.notebook.snapshot": f"mlflow-artifacts:/{place(experiment, 'notebook')}",
        "baton.notebook.in_order": "true",
        "baton.cell": "b3d2c1f0",
        "baton.cell.count": "7",
        "mlflow.source.git.commit": COMMIT,
        "mlflow.source.git.repoURL": "https://ada:secret@git.example.org/demos.git",
        "mlflow.source.git.branch": "main",
        "mlflow.source.git.dirty": "true",
        "baton.image": "quay.example.org/notebooks/scipy:2026-06",
        "baton.image_digest": IMAGE_DIGEST,
        "baton.profile": "scikit-learn",
        "baton.size": "small",
    }
    for name, kind in (("baton.git.diff", "diff"), ("baton.packages", "packages")):
        tags[name] = f"mlflow-artifacts:/{place(experiment, kind)}"
        tags[f"{name}.sha256"] = sha256(FILES[kind])
    return tags


def make_past(tracking: Tracking, user: str = "ada", *, name: str | None = None) -> Past:
    """Record a run with a model, as capture does, and register the model."""
    run = tracking.run(user, "trace")
    experiment = str(run["experiment_id"])
    name = name or f"tumours {secrets.token_hex(3)}"
    past = Past(tracking, user, run, tags_for(experiment), name, "1")
    set_tags(tracking, user, past.run_id, past.tags)
    for kind, content in FILES.items():
        past.put(past.uri(kind), content)
    source = {"url": "https://ada:secret@data.example.org/t.csv"}
    dataset = {
        "dataset": {
            "name": "tumours",
            "digest": "9a1b2c3d",
            "source_type": "http",
            "source": json.dumps(source),
        }
    }
    tracking.call(user, "runs/log-inputs", {"run_id": past.run_id, "datasets": [dataset]})
    past.version = register(past)
    return past


def register(past: Past, *, run_id: str | None = None, said: str | None = None) -> str:
    """Register the run's model; ``said``: the run that its MLmodel file names."""
    root = str(past.run["artifact_uri"]).partition(":/")[2]
    model = f"{root.strip('/')}/model-{secrets.token_hex(3)}"
    past.put(f"{model}/MLmodel", f"flavors: {{}}\nrun_id: {said or past.run_id}\n".encode())
    past.put(f"{model}/data/model.bin", b"\x00" * 5000)
    with past.tracking.client(past.user) as client:
        client.post(f"{API}/registered-models/create", json={"name": past.name})
    body = {"name": past.name, "source": f"mlflow-artifacts:/{model}"}
    body["run_id"] = past.run_id if run_id is None else run_id
    made = past.tracking.call(past.user, "model-versions/create", body)
    return str(made["model_version"]["version"])
