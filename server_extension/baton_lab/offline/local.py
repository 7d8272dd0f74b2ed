"""What was made while MLflow was away, as MLflow would answer it: read from the journal. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from baton_lab.offline.entries import Entry

Json = dict[str, Any]
ID = re.compile(r"\b(?:m-)?offline-[0-9a-f]{32}\b")
"""An id given on this machine. It never reaches MLflow, save as the tag `TAG`."""
TAG = "baton.offline.id"
KINDS = ("metrics", "params", "tags")


def local_id(key: str, prefix: str = "") -> str:
    """Return the id here of what is made with the key; MLflow's models have the prefix ``m-``."""
    return f"{prefix}offline-{key}"


def key_in(name: str) -> str:
    """Return the key that stands in the id of a run or model of this machine."""
    return name.rpartition("-")[2]


def experiment_id(name: str) -> str:
    """Return the local id of an experiment that is known by its name only."""
    return "offline-" + hashlib.sha256(name.encode("utf-8", "backslashreplace")).hexdigest()[:32]


def is_local(name: str) -> bool:
    """Tell whether an id was given on this machine."""
    return ID.fullmatch(name) is not None


def local_experiment(name: str) -> Json:
    """Return an experiment of which only the name is known, in the form of MLflow's API."""
    found = experiment_id(name)
    return {
        "experiment_id": found,
        "name": name,
        "artifact_location": f"mlflow-artifacts:/{found}",
        "lifecycle_stage": "active",
    }


def local_run(run_id: str, base: Json | None, entries: Iterable[Entry]) -> Json | None:
    """Return a run as its entries left it, on top of what MLflow had of it.

    None where neither says that there is such a run. In ``base`` nothing changes.
    """
    run = _opened(base) if base else None
    for entry in entries:
        if entry["kind"] == "run":
            run = _begun(run_id, entry["experiment"], entry)
        elif run is not None:
            _apply(run, entry)
    return run and {**run, "data": {kind: [*items.values()] for kind, items in run["data"].items()}}


def _opened(base: Json) -> Json:
    """Return a copy of a run whose metrics, parameters and tags can be found by their keys."""
    data = base.get("data", {})
    opened = {kind: {item["key"]: item for item in data.get(kind, [])} for kind in KINDS}
    return {**base, "info": {**base["info"]}, "data": opened}


def _begun(run_id: str, experiment: str, entry: Any) -> Json:
    tags = {key: {"key": key, "value": value} for key, value in entry["tags"].items()}
    info = {
        "run_id": run_id,
        "run_uuid": run_id,
        "run_name": entry["name"],
        "experiment_id": experiment,
        "user_id": entry["user"],
        "status": "RUNNING",
        "start_time": entry["start_time"],
        "artifact_uri": f"mlflow-artifacts:/{experiment}/{run_id}/artifacts",
        "lifecycle_stage": "active",
    }
    return {"info": info, "data": {"metrics": {}, "params": {}, "tags": tags}}


def _apply(run: Json, entry: Entry) -> None:
    data = run["data"]
    if entry["kind"] == "metrics":
        data["metrics"].update({metric["key"]: metric for metric in entry["metrics"]})
    elif entry["kind"] == "params":
        found = {key: {"key": key, "value": value} for key, value in entry["params"].items()}
        data["params"].update(found)
    elif entry["kind"] == "tags":
        found = {key: {"key": key, "value": value} for key, value in entry["tags"].items()}
        data["tags"].update(found)
    elif entry["kind"] == "call":
        _apply_call(run, entry["path"].rpartition("/mlflow/")[2], entry["body"])


def _apply_call(run: Json, path: str, body: Json) -> None:
    if path == "runs/update":
        known = ("status", "end_time", "run_name")
        run["info"].update({name: body[name] for name in known if body.get(name) is not None})
    elif path == "runs/delete-tag":
        run["data"]["tags"].pop(body.get("key"), None)


def local_model(model_id: str, entries: Iterable[Entry]) -> Json | None:
    """Return a logged model as its entries left it; None where they make none."""
    model: Json | None = None
    for entry in entries:
        if entry["kind"] == "model":
            model = _made(model_id, entry["body"])
        elif model is not None and entry["kind"] == "call":
            _apply_model_call(model, entry["path"], entry["body"])
    return model


def _made(model_id: str, body: Json) -> Json:
    experiment = body["experiment_id"]
    now = body["created"]
    return {
        "info": {
            "model_id": model_id,
            "experiment_id": experiment,
            "name": body.get("name", ""),
            "creation_timestamp_ms": now,
            "last_updated_timestamp_ms": now,
            "artifact_uri": f"mlflow-artifacts:/{experiment}/models/{model_id}/artifacts",
            "status": "LOGGED_MODEL_PENDING",
            "model_type": body.get("model_type", ""),
            "source_run_id": body.get("source_run_id", ""),
            "tags": list(body.get("tags", [])),
        },
        "data": {"params": list(body.get("params", []))},
    }


def _apply_model_call(model: Json, path: str, body: Json) -> None:
    if path.endswith("/tags"):
        model["info"]["tags"] += body.get("tags", [])
    elif path.endswith("/params"):
        model["data"]["params"] += body.get("params", [])
    elif "status" in body:
        model["info"]["status"] = body["status"]
