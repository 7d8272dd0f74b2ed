"""Where MLflow is told that files are: never in somebody else's experiment."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import inspect

from baton_hub.tracking.access import refusal
from baton_hub.tracking.access.view import View

SCHEME = "mlflow-artifacts"
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")

# Columns that MLflow later reads files from, and whose values clients have a say in.
_LOCATIONS = {
    "experiments": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}
_ARTIFACTS = "mlflow.artifactLocation"
_ARCHIVE = "mlflow.trace.archiveLocation"


def check(thing: Any, view: View) -> None:
    """Raise MlflowException if an object names files that the caller can't read."""
    table = inspect(thing).mapper.local_table.name
    for name in _LOCATIONS.get(table, ()):
        attribute = inspect(thing).attrs[name]
        if attribute.history.has_changes() and attribute.value:
            _check(attribute.value, view)
    if table == "experiments" and inspect(thing).transient is False:
        _check_own(thing)
    if table == "trace_tags" and thing.key in (_ARTIFACTS, _ARCHIVE) and thing.value:
        if urlsplit(thing.value).scheme != SCHEME:
            raise refusal.invalid("This platform decides where traces are kept.")
        _check(thing.value, view)


def _check_own(experiment: Any) -> None:
    location = experiment.artifact_location
    if not location or not inspect(experiment).attrs.artifact_location.history.has_changes():
        return
    if experiment.experiment_id is None or find_experiment(location) != experiment.experiment_id:
        raise refusal.invalid(
            "This platform decides where artifacts are kept. "
            "Create the experiment again without an artifact location."
        )


def _check(location: str, view: View) -> None:
    parts = urlsplit(location)
    if parts.scheme != SCHEME:
        return
    experiment = find_experiment(location)
    if experiment is None:
        raise refusal.invalid(f"{location[:200]} is no place for artifacts on this platform.")
    access = view.experiments.get(experiment)
    if access is not None and not access.readable_by(view.caller):
        raise refusal.not_there()


def find_experiment(location: str) -> int | None:
    """Return the experiment that an mlflow-artifacts address lies in, if it lies in one."""
    return parse_path(urlsplit(location).path)


def parse_path(path: str) -> int | None:
    """Return the experiment that a path of artifacts lies in, None where it lies in none.

    A path that goes up, or could be read in two ways, lies nowhere.
    """
    plain = path
    while (decoded := unquote(plain)) != plain:
        plain = decoded
    parts = plain.strip("/").split("/")
    if "\\" in plain or "\0" in plain or any(part in ("", ".", "..") for part in parts):
        return None
    return int(parts[0]) if _NUMBER.fullmatch(parts[0]) else None
