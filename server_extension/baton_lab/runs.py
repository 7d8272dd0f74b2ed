"""Runs and registered models as the panel shows them."""

from __future__ import annotations

import asyncio
import json
import math
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from baton_contract.access import OWNER
from baton_contract.errors import BadRequestError, ConflictError, NotFoundError, PublicError
from baton_lab.access import access_of
from baton_lab.artifacts import Json, named, parse_path, quoted
from baton_lab.mlmodel import parse_mlmodel

if TYPE_CHECKING:
    from baton_lab.tracking import Tracking

PAGE = 50
FEW_METRICS = 4
READY = "LOGGED_MODEL_READY"
"""MLflow's word for a logged model whose files are all there."""
MOST_MODELS = 20
"""A run with more models than this shows the first ones; reading each costs a request."""


async def list_runs(tracking: Tracking, experiment_id: str, cursor: str | None) -> Json:
    """Return one page of run summaries, latest started first, and the cursor of the next.

    The cursor names a start time and the runs of that very millisecond that were
    shown, because MLflow's own page tokens are offsets, under which rows shift while
    runs are being started.
    """
    before, seen = parse_cursor(cursor)
    filter_ = f"attributes.start_time <= {before}" if before is not None else ""
    limit = PAGE + len(seen) + 1
    found = await tracking.runs(experiment_id, filter_=filter_, limit=limit)
    fresh = [run for run in found if run["info"]["run_id"] not in seen]
    page = fresh[:PAGE]
    following = render_cursor(page, seen) if len(fresh) > PAGE else None
    return {"items": [render_summary(run) for run in page], "next_cursor": following}


def parse_cursor(cursor: str | None) -> tuple[int | None, list[str]]:
    """Return the start time (ms) to continue at and the runs of it that were shown."""
    if not cursor:
        return None, []
    time, _, ids = cursor.partition(".")
    seen = ids.split(".") if ids else []
    if not (time.isascii() and time.isdecimal()) or len(time) > 16 or len(seen) > 1000:
        raise BadRequestError("bad_cursor", "This page does not exist. Reload the list.")
    return int(time), seen


def render_cursor(page: list[Json], seen: list[str]) -> str:
    """Return the cursor that continues after ``page``."""
    last = page[-1]["info"].get("start_time", 0)
    same = [run["info"]["run_id"] for run in page if run["info"].get("start_time", 0) == last]
    kept = seen if len(same) == len(page) else []
    return ".".join([str(last), *kept, *same])


def render_summary(run: Json) -> Json:
    """Return what a row of the list shows."""
    info, tags, metrics = run["info"], tags_of(run), metrics_of(run)
    return {
        "run_id": info["run_id"],
        "name": info.get("run_name") or info["run_id"][:8],
        "status": info.get("status", "RUNNING"),
        "user": tags.get("mlflow.user") or info.get("user_id"),
        "start_time": info.get("start_time"),
        "end_time": info.get("end_time"),
        "metrics": dict(list(metrics.items())[:FEW_METRICS]),
        "notebook": notebook_of(tags),
        "model_count": len(run.get("outputs", {}).get("model_outputs", [])) + len(_legacy(tags)),
        "experiment_id": info["experiment_id"],
    }


async def show_run(tracking: Tracking, run_id: str) -> Json:
    """Return a run with all its params, metrics, tags and models."""
    run = await tracking.run(run_id)
    models = await models_of(tracking, run)
    info = run["info"]
    fragment = f"#/experiments/{quote(info['experiment_id'])}/runs/{quote(info['run_id'])}"
    return {
        **render_summary(run),
        "model_count": len(models),
        "params": params_of(run),
        "metrics": metrics_of(run),
        "tags": tags_of(run),
        "models": models,
        "ui": tracking.url + fragment,
    }


async def models_of(tracking: Tracking, run: Json) -> list[Json]:
    """Return the models that a run logged, each with its flavors and registered versions."""
    info = run["info"]
    logged, versions = await asyncio.gather(
        tracking.logged_models(info["experiment_id"], info["run_id"]),
        tracking.model_versions(f"run_id = '{quoted(info['run_id'])}'"),
    )
    shown = [_logged(model["info"]) for model in logged][:MOST_MODELS]
    shown += [_from_history(info["run_id"], entry) for entry in _legacy(tags_of(run))]
    uris = [model.pop("uri") for model in shown]
    flavors = await asyncio.gather(*(_flavors(tracking, uri) for uri in uris))
    for model, uri, found in zip(shown, uris, flavors, strict=True):
        model["flavors"] = found or model["flavors"]
        sources = {f"models:/{model['model_id']}", model["model_id"], uri}
        model["registered"] = [
            {"name": version["name"], "version": str(version["version"])}
            for version in versions
            if version.get("source") in sources
        ]
    return shown


def _logged(info: Json) -> Json:
    return {
        "model_id": info["model_id"],
        "name": info.get("name") or info["model_id"],
        "artifact_path": info.get("name") or "model",
        "flavors": [],
        "is_ready": info.get("status") == READY,
        "uri": info.get("artifact_uri", ""),
    }


def _from_history(run_id: str, entry: Json) -> Json:
    path = str(entry.get("artifact_path", "model"))
    flavors = entry.get("flavors")
    return {
        "model_id": f"runs:/{run_id}/{path}",
        "name": path,
        "artifact_path": path,
        "flavors": sorted(flavors) if isinstance(flavors, dict) else [],
        "is_ready": True,
        "uri": "",
    }


def _legacy(tags: dict[str, str]) -> list[Json]:
    """Return the models that clients before MLflow 3 logged as the run's artifacts."""
    try:
        entries = json.loads(tags.get("mlflow.log-model.history", "[]"))
    except ValueError:
        return []
    return [entry for entry in entries if isinstance(entry, dict) and not entry.get("model_id")]


async def _flavors(tracking: Tracking, uri: str) -> list[str]:
    try:
        return parse_mlmodel(await tracking.read(uri, "MLmodel")).flavors if uri else []
    except PublicError:
        # A model still being written, or kept elsewhere: it is shown without flavors.
        return []


async def list_artifacts(tracking: Tracking, run_id: str, path: str) -> list[Json]:
    """Return what stands in a folder of a run's artifacts, folders first."""
    found = await tracking.run_artifacts(run_id, parse_path(path) if path else "")
    items = [
        {
            "path": entry["path"],
            "size": int(entry["file_size"]) if "file_size" in entry else None,
            "is_dir": bool(entry.get("is_dir")),
        }
        for entry in found
    ]
    return sorted(items, key=lambda item: (not item["is_dir"], item["path"]))


async def list_models(tracking: Tracking) -> list[Json]:
    """Return the registered models by name, with their versions, newest first."""
    models, versions = await asyncio.gather(tracking.registered_models(), tracking.model_versions())
    return [_render_model(model, versions) for model in models]


def _render_model(model: Json, versions: list[Json]) -> Json:
    aliases: dict[str, list[str]] = {}
    for alias in model.get("aliases", []):
        aliases.setdefault(str(alias["version"]), []).append(alias["alias"])
    own = [version for version in versions if version["name"] == model["name"]]
    own.sort(key=lambda version: int(version["version"]), reverse=True)
    return {
        "name": model["name"],
        "description": model.get("description", ""),
        "access": access_of(model),
        "versions": [
            {
                "version": str(version["version"]),
                "run_id": version.get("run_id") or None,
                "created_at": version["creation_timestamp"],
                "status": version.get("status", "READY"),
                "aliases": aliases.get(str(version["version"]), []),
                "user": _author(version),
            }
            for version in own
        ],
    }


def _author(version: Json) -> str | None:
    return named(version.get("tags", [])).get(OWNER) or version.get("user_id") or None


async def register(tracking: Tracking, *, name: str, run_id: str, model_id: str) -> Json:
    """Make a version of the registered model ``name`` from a model that a run logged.

    ``model_id`` is a logged model's id, or an artifact path of the run. MLflow takes
    paths where there is nothing, so the files are looked at first. Raises
    `BadRequestError` with code ``not_a_model`` when there is no model, and
    `ConflictError` with code ``model_not_ready`` while it is still being logged.
    """
    if not name.strip():
        raise BadRequestError("no_name", "Give the model a name.")
    if model_id.startswith("m-"):
        model = (await tracking.logged_model(model_id))["info"]
        if model.get("source_run_id") != run_id:
            raise NotFoundError("not_found", "This run did not log that model. Reload the run.")
        if model.get("status") != READY:
            raise ConflictError(
                "model_not_ready",
                "This model's files are not all there yet. Register it when the cell that logs it "
                "has finished; if that failed, log it again.",
            )
        uri, source, logged_id = str(model["artifact_uri"]), f"models:/{model_id}", model_id
    else:
        path = parse_path(model_id.removeprefix(f"runs:/{run_id}/"))
        run = await tracking.run(run_id)
        uri, logged_id = f"{run['info']['artifact_uri']}/{path}", None
        source = uri
    await _check_is_model(tracking, uri)
    await tracking.create_registered_model(name)
    made = await tracking.create_version(name, source=source, run_id=run_id, model_id=logged_id)
    return {"name": made["name"], "version": str(made["version"])}


async def _check_is_model(tracking: Tracking, uri: str) -> None:
    try:
        text = await tracking.read(uri, "MLmodel")
    except (NotFoundError, BadRequestError) as error:
        if error.code == "artifacts_elsewhere":
            raise
        raise BadRequestError(
            "not_a_model",
            "There is no MLmodel file here, so this is not a model. Log one with "
            "mlflow.<flavor>.log_model(model, name=…, input_example=X.head(3)).",
        ) from error
    parse_mlmodel(text)


def tags_of(run: Json) -> dict[str, str]:
    """Return a run's tags."""
    return named(run.get("data", {}).get("tags", []))


def params_of(run: Json) -> dict[str, str]:
    """Return a run's parameters, by name."""
    pairs = sorted(run.get("data", {}).get("params", []), key=lambda pair: pair["key"])
    return {pair["key"]: pair.get("value", "") for pair in pairs}


def metrics_of(run: Json) -> dict[str, float | None]:
    """Return the last value of each metric, by name; None for one that is not finite."""
    pairs = run.get("data", {}).get("metrics", [])
    return {
        pair["key"]: finite(pair.get("value", 0.0))
        for pair in sorted(pairs, key=lambda p: p["key"])
    }


def finite(value: Any) -> float | None:
    """Return ``value`` as a number, or None for NaN and infinity, which JSON has no words for."""
    number = float(value)
    return number if math.isfinite(number) else None


def notebook_of(tags: dict[str, str]) -> str | None:
    """Return the path of the notebook that started the run; None when it was not one."""
    path = tags.get("baton.notebook.path") or tags.get("mlflow.source.name", "")
    return path if path.endswith(".ipynb") else None
