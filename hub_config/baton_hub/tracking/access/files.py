"""Walls around artifacts, which have no rows: by the experiment that a path begins with.

Everything that MLflow keeps lies below ``EXPERIMENT/``; what lies elsewhere does not
exist, the root's listing included. Routes that read by a run, a model or a trace
look it up first, behind the walls; those that write say here which experiment to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, MetaData, select

from baton_contract.errors import BadRequestError, ForbiddenError, NotFoundError
from baton_hub.tracking.access.locations import SCHEME, find_experiment, parse_path
from baton_hub.tracking.access.view import View
from baton_hub.tracking.access.walls import read_view, who_asks

_PROXIED = re.compile(
    r"/(?:ajax-)?api/2\.0/mlflow-artifacts/"
    r"(?P<what>artifacts|mpu/create|mpu/complete|mpu/abort|presigned)(?:/(?P<path>.*))?"
)
_UPLOAD = re.compile(r"/(?:ajax-)?api/2\.0/mlflow/upload-artifact")
_PRESIGNED = re.compile(r"/(?:ajax-)?api/2\.0/mlflow/artifacts/presigned-upload-url")
_VERSION = re.compile(r"/model-versions/get-artifact")


@dataclass(frozen=True)
class Touch:
    """What a request does to files: a path below the root, or those of a run or a version."""

    deed: Literal["read", "write"]
    path: str | None = None
    run: str | None = None
    version: tuple[str, str] | None = None


def find_touch(
    method: str, path: str, arguments: Mapping[str, str], body: Mapping[str, Any]
) -> Touch | None:
    """Return what a request does to files; None if it does nothing that rows don't guard.

    MLflow must be handed these very arguments: it reads a query in ways of its own.
    """
    if proxied := _PROXIED.fullmatch(path):
        listed = method in ("GET", "HEAD") and not proxied["path"]
        reads = method in ("GET", "HEAD")
        where = arguments.get("path", "") if listed else proxied["path"] or ""
        return Touch("read" if reads else "write", where)
    if _UPLOAD.fullmatch(path):
        return Touch("write", run=arguments.get("run_uuid") or arguments.get("run_id") or "")
    if _PRESIGNED.fullmatch(path):
        return Touch("write", run=str(body.get("run_id") or body.get("runId") or ""))
    if _VERSION.fullmatch(path):
        version = arguments.get("name", ""), arguments.get("version", "")
        return Touch("read", version=version)
    return None


def needs_body(path: str) -> bool:
    """Tell whether a request's body says whose files it touches."""
    return bool(_PRESIGNED.fullmatch(path))


class Files:
    """Asks the walls about what a request does to files."""

    def __init__(self, engine: Any, metadata: MetaData, book: Any) -> None:
        self._engine = engine
        self._tables = metadata.tables
        self._book = book

    def check(self, touch: Touch) -> None:
        """Raise NotFoundError or ForbiddenError unless the asking caller may do that."""
        asking = who_asks()
        with self._engine.connect() as connection:
            view = read_view(self._book, connection, asking)
            experiment = self._experiment(connection, touch)
        if experiment is None:
            return
        _check(view, experiment, touch)
        if touch.deed == "write":
            asking.experiments.add(str(experiment))

    def _experiment(self, connection: Connection, touch: Touch) -> int | None:
        """Return the experiment; None where MLflow itself will find nothing."""
        if touch.path is not None:
            experiment = parse_path(touch.path)
            if experiment is None:
                raise _missing()
            return experiment
        if touch.run is not None:
            runs = self._tables["runs"]
            of_run = select(runs.c.experiment_id).where(runs.c.run_uuid == touch.run)
            found: int | None = connection.execute(of_run).scalar()
            return found
        return self._of_version(connection, *(touch.version or ("", "")))

    def _of_version(self, connection: Connection, name: str, version: str) -> int | None:
        versions = self._tables["model_versions"]
        try:
            # As MLflow reads it, which takes " 1" and "0_1" for 1.
            number = int(version)
        except ValueError:
            return None
        where = (versions.c.name == name, versions.c.version == number)
        row = connection.execute(
            select(versions.c.storage_location, versions.c.source).where(*where)
        ).first()
        if row is None:
            return None
        location = str(row[0] or row[1] or "")
        experiment = find_experiment(location)
        if not location.startswith(f"{SCHEME}:") or experiment is None:
            raise BadRequestError(
                "artifacts_elsewhere",
                "This version's files are not kept on this platform. "
                "Fetch them from where its source says, with your own rights.",
            )
        return experiment


def _check(view: View, experiment: int, touch: Touch) -> None:
    access = view.experiments.get(experiment)
    if access is None or not access.readable_by(view.caller):
        raise _missing()
    if touch.deed == "write" and not access.writable_by(view.caller):
        raise ForbiddenError(
            "not_writable",
            f"You may read experiment {experiment} but not change it: ask "
            f"{access.owner or 'operations'} to let you. Nothing was changed.",
        )


def _missing() -> NotFoundError:
    return NotFoundError("no_artifact", "There is no such artifact.")
