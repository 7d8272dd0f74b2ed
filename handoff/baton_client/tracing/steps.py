"""The way back from a model version or a run, put together and checked."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from baton_client.tracing import model as trace_model
from baton_client.tracing import run as trace_run
from baton_client.tracing.files import Files, Keep, step
from baton_client.tracing.source import TraceSource
from baton_client.tracing.tags import OFFLINE, tags_of
from baton_client.tracing.target import Target
from baton_contract.errors import NotFoundError
from baton_contract.timestamp import render_timestamp
from baton_contract.types import Trace, TraceRun, TraceStep

Json = dict[str, Any]


def _keep_nothing(_kind: str) -> Path | None:
    return None


def trace_back(source: TraceSource, target: Target, *, keep: Keep = _keep_nothing) -> Trace:
    """Return the way back from ``target``, every digest checked against what MLflow holds now.

    ``keep`` says where verified files of the way (notebook, diff, packages) are written.
    Raises a `PublicError` when the version or the run asked about is not there, and when
    MLflow can't be asked; what is missing on the way is a step that says so.
    """
    files = Files(source, keep)
    if target.run is not None:
        run = _asked(source, target.run)
        return _trace(None, run, [_run_step(run), *trace_run.steps_of(run, files)], source)
    version = trace_model.find_version(source, target)
    steps = trace_model.steps_of(source, version)
    run_id = trace_model.run_of(source, version)
    found = _find(source, run_id) if run_id else None
    if found is None:
        steps.append(_no_run(run_id))
    else:
        steps += [_run_step(found), *trace_run.steps_of(found, files)]
    return _trace(version, found, steps, source)


def _trace(version: Json | None, run: Json | None, steps: list[TraceStep], source: Any) -> Trace:
    made = _moment(version.get("creation_timestamp")) if version else None
    return {
        "schema": "urn:baton:trace:1",
        "version": trace_model.describe(source, version, made) if version else None,
        "run": _describe(run, source) if run else None,
        "steps": steps,
        "verdict": _verdict({each["state"] for each in steps}),
    }


def _verdict(states: set[str]) -> Any:
    if "differs" in states:
        return "differs"
    return "incomplete" if "missing" in states else "whole"


def _find(source: TraceSource, run_id: str) -> Json | None:
    try:
        found: Json = source.get("runs/get", run_id=run_id)["run"]
    except NotFoundError:
        return None
    return found


def _asked(source: TraceSource, run_id: str) -> Json:
    run = _find(source, run_id)
    if run is None:
        raise NotFoundError("not_found", f"There is no run {run_id}, or it is not yours to see.")
    return run


def _no_run(run_id: str | None) -> TraceStep:
    if run_id is None:
        return step("run", "missing", note="The model was registered without a run.")
    note = "The run was deleted for good, or it is not yours to see. The way back ends here."
    return step("run", "missing", run_id, note=note)


def _run_step(run: Json) -> TraceStep:
    notes = []
    if _is_deleted(run):
        notes.append("It was deleted; MLflow still has its record.")
    if tags_of(run).get(OFFLINE):
        notes.append("It was made while MLflow was away, and sent later.")
    return step("run", "recorded", _name(run), note=" ".join(notes))


def _describe(run: Json, source: TraceSource) -> TraceRun:
    info, tags = run["info"], tags_of(run)
    run_id, experiment = str(info["run_id"]), str(info["experiment_id"])
    return {
        "id": run_id,
        "name": _name(run),
        "experiment_id": experiment,
        "author": tags.get("mlflow.user") or info.get("user_id") or None,
        "status": str(info.get("status", "RUNNING")),
        "deleted": _is_deleted(run),
        "started_at": _moment(info.get("start_time")),
        "ended_at": _moment(info.get("end_time")),
        "ui": f"{source.url}#/experiments/{experiment}/runs/{run_id}",
    }


def _is_deleted(run: Json) -> bool:
    return str(run["info"].get("lifecycle_stage", "active")) == "deleted"


def _name(run: Json) -> str:
    return str(run["info"].get("run_name") or run["info"]["run_id"][:8])


def _moment(milliseconds: Any) -> str | None:
    """Return MLflow's time as the contract writes it; None where there is none, or no time."""
    try:
        return render_timestamp(datetime.fromtimestamp(int(milliseconds) / 1000, UTC))
    except (TypeError, ValueError, OverflowError, OSError):
        return None
