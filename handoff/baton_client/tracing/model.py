"""From a registered version to the model's files, and whether they name the same run."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from baton_client.tracing.files import step
from baton_client.tracing.source import TraceSource
from baton_client.tracing.tags import tags_of
from baton_client.tracing.target import Target
from baton_contract.errors import BadRequestError, NotFoundError, PublicError, TooLargeError
from baton_contract.types import TraceStep, TraceVersion

Json = dict[str, Any]
LOGGED_MODEL = re.compile(r"models:/(m-[0-9a-zA-Z]+)")
MOST_FOLDERS = 200
"""A model with more folders than this is not counted to its end."""


def find_version(source: TraceSource, target: Target) -> Json:
    """Return the version of ``target`` as MLflow keeps it.

    Raises `NotFoundError` for one that is not there or not the caller's to see.
    """
    name = str(target.model)
    try:
        if target.alias is None:
            answer = source.get("model-versions/get", name=name, version=str(target.version))
        else:
            answer = source.get("registered-models/alias", name=name, alias=target.alias)
    except NotFoundError as error:
        raise _absent(target) from error
    except BadRequestError as error:
        # An alias that is not there, and a name that MLflow does not take, are bad requests to it.
        if error.code != "mlflow_refused":
            raise
        raise _absent(target) from error
    found: Json = answer["model_version"]
    return found


def _absent(target: Target) -> NotFoundError:
    return NotFoundError("not_found", f"There is no {target}, or it is not yours to see.")


def run_of(source: TraceSource, version: Json) -> str | None:
    """Return the id of the run that a version says it was made by; None where it says none."""
    return version.get("run_id") or _logged_model(source, version).get("source_run_id") or None


def _logged_model(source: TraceSource, version: Json) -> Json:
    model_id = _model_id(version)
    if not model_id:
        return {}
    try:
        found: Json = source.get(f"logged-models/{quote(model_id, safe='')}")["model"]["info"]
    except (NotFoundError, BadRequestError):
        return {}
    return found


def _model_id(version: Json) -> str | None:
    named = LOGGED_MODEL.fullmatch(str(version.get("source", "")))
    return version.get("model_id") or (named[1] if named else None)


def describe(source: TraceSource, version: Json, moment: str | None) -> TraceVersion:
    """Return a version in the contract's words; ``moment`` is when it was made."""
    name, number = str(version["name"]), str(version["version"])
    return {
        "name": name,
        "version": number,
        "aliases": [str(alias) for alias in version.get("aliases", [])],
        "author": tags_of(version).get("mlflow.user") or version.get("user_id") or None,
        "created_at": moment,
        "uri": str(version.get("source", "")),
        "ui": f"{source.url}#/models/{quote(name, safe='')}/versions/{quote(number)}",
    }


def steps_of(source: TraceSource, version: Json) -> list[TraceStep]:
    """Return the steps of the version itself and of its files."""
    title = f"{version['name']} {version['version']}"
    status = version.get("status", "READY")
    note = "" if status == "READY" else f"MLflow says that it is {status}."
    uri = str(version.get("source", ""))
    return [step("version", "recorded", title, uri=uri, note=note), _files(source, version)]


def _files(source: TraceSource, version: Json) -> TraceStep:
    name, number = str(version["name"]), str(version["version"])
    try:
        answer = source.get("model-versions/get-download-uri", name=name, version=number)
        uri = str(answer["artifact_uri"])
    except NotFoundError:
        return step("model", "missing", note="MLflow does not say where its files are.")
    try:
        count, size = _measure(source, uri)
    except NotFoundError:
        count, size = 0, 0
    except BadRequestError as error:
        if error.code not in {"artifacts_elsewhere", "unsafe_path"}:
            raise
        return step("model", "missing", _model_id(version), uri=uri, note=error.message)
    if not count:
        note = "Its files are not there any more, or not yours to see."
        return step("model", "missing", _model_id(version), uri=uri, note=note)
    return _compare(source, version, uri, count, size)


def _measure(source: TraceSource, uri: str) -> tuple[int, int]:
    """Return how many files stand below an address, and their bytes."""
    count, size, seen, folders = 0, 0, 0, [""]
    while folders and seen < MOST_FOLDERS:
        folder = folders.pop()
        seen += 1
        for entry in source.entries(uri, folder):
            path = "/".join(filter(None, (folder, str(entry["path"]))))
            if entry.get("is_dir"):
                folders.append(path)
            else:
                count, size = count + 1, size + int(entry.get("file_size", 0))
    return count, size


def _compare(source: TraceSource, version: Json, uri: str, count: int, size: int) -> TraceStep:
    """Return the step of files that are there: what their MLmodel says must fit the version."""
    value, said = _model_id(version), _said(source, uri)
    files = "1 file" if count == 1 else f"{count} files"
    for key, claimed in (("run_id", version.get("run_id")), ("model_id", value)):
        if claimed and said.get(key) and said[key] != claimed:
            note = f"Its MLmodel file names another {_WORDS[key]}: {said[key]}."
            return step("model", "differs", value, uri=uri, size=size, note=note)
    agrees = " Its MLmodel file names the same run." if said.get("run_id") else ""
    note = f"{files}. MLflow keeps no digest of them.{agrees}"
    return step("model", "recorded", value, uri=uri, size=size, note=note)


_WORDS = {"run_id": "run", "model_id": "model"}
_LINE = re.compile(r"^(run_id|model_id): *['\"]?([0-9a-zA-Z_-]+)['\"]? *$", re.MULTILINE)


def _said(source: TraceSource, uri: str) -> dict[str, str]:
    """Return the run and the model that the MLmodel file names, as far as it does."""
    # Two plain lines at the top level; a YAML parser would be the light client's only use of one.
    try:
        return dict(_LINE.findall(source.read(f"{uri.rstrip('/')}/MLmodel")))
    except (NotFoundError, TooLargeError):
        return {}
    except PublicError as error:
        if error.status == 503:
            raise
        return {}
