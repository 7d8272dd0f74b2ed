"""Which of MLflow's calls are kept while it is away: whose journal, and what it gets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from mlflow.protos import service_pb2 as api
from mlflow.utils.name_utils import _generate_random_name

from baton_lab.offline.entries import Entry
from baton_lab.offline.local import experiment_id, local_id
from baton_lab.offline.once import Kind, key_of

Json = dict[str, Any]
BEGINNINGS = {api.CreateRun, api.CreateExperiment, api.CreateLoggedModel}
"""Calls that make something, for which there is no journal yet."""
KEYED: dict[type, Kind] = {api.CreateRun: "run", api.CreateLoggedModel: "model"}
"""Those that would make a second one when they are repeated."""
BY_RUN = {
    api.UpdateRun,
    api.LogMetric,
    api.LogParam,
    api.SetTag,
    api.DeleteTag,
    api.LogBatch,
    api.LogInputs,
    api.LogOutputs,
    api.LogModel,
}
BY_EXPERIMENT = {api.SetExperimentTag, api.DeleteExperimentTag}
BY_MODEL = {api.FinalizeLoggedModel, api.SetLoggedModelTags, api.LogLoggedModelParamsRequest}
READINGS = {
    api.GetRun,
    api.GetMetricHistory,
    api.GetExperiment,
    api.GetExperimentByName,
    api.GetLoggedModel,
}
"""Questions that can be answered from what is kept."""


def owner(call: type, path: str, body: Json) -> str | None:
    """Return the id of the run, experiment or model that a call is about.

    None for a call that is not kept, and for one that makes something new.
    """
    if call in BY_RUN or call in {api.GetRun, api.GetMetricHistory}:
        return body.get("run_id") or body.get("run_uuid")
    if call in BY_EXPERIMENT or call is api.GetExperiment:
        return body.get("experiment_id")
    if call in BY_MODEL or call is api.GetLoggedModel:
        return _model_of(path)
    return None


def is_kept(call: type) -> bool:
    """Tell whether a call can be kept and sent later."""
    return call in BEGINNINGS or call in BY_RUN or call in BY_EXPERIMENT or call in BY_MODEL


def begin(call: type, body: Json) -> tuple[str, Entry]:
    """Return the local id of something new, and the entry that makes it."""
    if call is api.CreateRun:
        return local_id(key_of(body)), _run(body)
    if call is api.CreateExperiment:
        name = body["name"]
        return experiment_id(name), {"kind": "experiment", "name": name, "body": body}
    body = {**body, "created": int(time.time() * 1000)}
    return local_id(key_of(body), "m-"), {"kind": "model", "body": body}


def entries(call: type, method: str, path: str, body: Json) -> Iterator[Entry]:
    """Yield what a call leaves in its journal, with the moment and the values it has now."""
    if call is api.LogMetric:
        yield {"kind": "metrics", "metrics": [_without_run(body)]}
    elif call is api.LogParam:
        yield {"kind": "params", "params": {body["key"]: body.get("value", "")}}
    elif call is api.SetTag:
        yield {"kind": "tags", "tags": {body["key"]: body.get("value", "")}}
    elif call is api.LogBatch:
        yield from _batch(body)
    else:
        yield {"kind": "call", "method": method, "path": path, "body": body}


def _batch(body: Json) -> Iterator[Entry]:
    if body.get("params"):
        params = {item["key"]: item.get("value", "") for item in body["params"]}
        yield {"kind": "params", "params": params}
    if body.get("metrics"):
        yield {"kind": "metrics", "metrics": [_without_run(item) for item in body["metrics"]]}
    if body.get("tags"):
        yield {"kind": "tags", "tags": {t["key"]: t.get("value", "") for t in body["tags"]}}


def _run(body: Json) -> Entry:
    tags = {item["key"]: item.get("value", "") for item in body.get("tags", [])}
    return {
        "kind": "run",
        "experiment": str(body.get("experiment_id", "0")),
        # MLflow's server invents one where there is none.
        "name": body.get("run_name") or tags.get("mlflow.runName") or _generate_random_name(),
        "user": body.get("user_id", ""),
        "start_time": body.get("start_time") or int(time.time() * 1000),
        "tags": tags,
    }


def _without_run(metric: Json) -> Json:
    return {name: value for name, value in metric.items() if name not in {"run_id", "run_uuid"}}


def _model_of(path: str) -> str | None:
    _, found, rest = path.partition("/logged-models/")
    return unquote(rest.partition("/")[0].partition("?")[0]) if found else None
