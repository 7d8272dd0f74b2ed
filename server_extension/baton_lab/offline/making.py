"""Makes in MLflow what was begun on this machine: runs, experiments, models, each once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from baton_lab.offline.entries import Experiment, Model, Run
from baton_lab.offline.journal import Made
from baton_lab.offline.local import TAG
from baton_lab.offline.mlflow_api import MlflowApi, RefusedError

Json = dict[str, Any]
BEGINNINGS = {"run", "experiment", "model"}
"""Kinds of entries that make something."""


class Maker:
    """Makes what stands under the local id ``owner``, or finds what an earlier try made.

    ``settled`` returns a text with MLflow's own ids in it.
    """

    def __init__(self, api: MlflowApi, owner: str, settled: Callable[[str], str]) -> None:
        self._api = api
        self._owner = owner
        self._settled = settled

    async def make(self, entry: Any) -> Made:
        """Return what MLflow has of it now."""
        if entry["kind"] == "run":
            return await self._run(entry)
        if entry["kind"] == "experiment":
            return await self._experiment(entry)
        return await self._model(entry)

    async def _run(self, entry: Run) -> Made:
        experiment = self._settled(entry["experiment"])
        tags = json.loads(self._settled(json.dumps(entry["tags"])))
        found = await self._find_run(experiment, entry)
        if found is None:
            body = {
                "experiment_id": experiment,
                "user_id": entry["user"],
                "start_time": entry["start_time"],
                "run_name": entry["name"],
                "tags": [*_pairs(tags), {"key": TAG, "value": self._owner}],
            }
            found = (await self._api.post("runs/create", body))["run"]
        info = found["info"]
        return Made(info["run_id"], info["artifact_uri"])

    async def _find_run(self, experiment: str, entry: Run) -> Json | None:
        """Return the run if an earlier try made it, though its answer was lost."""
        tagged = await self._search(experiment, f"tags.`{TAG}` = '{self._owner}'")
        if tagged or not entry["is_tried"]:
            return next(iter(tagged), None)
        same = await self._search(
            experiment, f"attributes.start_time = {entry['start_time']} and status = 'RUNNING'"
        )
        for run in same:
            data = run.get("data", {})
            is_bare = not data.get("metrics") and not data.get("params")
            tags = {tag["key"] for tag in data.get("tags", [])}
            if is_bare and TAG not in tags and run["info"].get("run_name") == entry["name"]:
                run_id = run["info"]["run_id"]
                mark = {"run_id": run_id, "key": TAG, "value": self._owner}
                await self._api.post("runs/set-tag", mark)
                found: Json = run
                return found
        return None

    async def _search(self, experiment: str, filter_: str) -> list[Json]:
        body = {"experiment_ids": [experiment], "filter": filter_, "run_view_type": "ALL"}
        found: list[Json] = (await self._api.post("runs/search", body)).get("runs", [])
        return found

    async def _experiment(self, entry: Experiment) -> Made:
        found = await self._find_experiment(entry["name"])
        if found is None:
            try:
                found = (await self._api.post("experiments/create", entry["body"]))["experiment_id"]
            except RefusedError as error:
                # Somebody else's client was faster.
                if error.code != "RESOURCE_ALREADY_EXISTS":
                    raise
                found = await self._find_experiment(entry["name"])
        return Made(str(found), "")

    async def _find_experiment(self, name: str) -> str | None:
        try:
            answer = await self._api.get("experiments/get-by-name", experiment_name=name)
        except RefusedError as error:
            if error.code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None
        return str(answer["experiment"]["experiment_id"])

    async def _model(self, entry: Model) -> Made:
        given = {name: value for name, value in entry["body"].items() if name != "created"}
        body = json.loads(self._settled(json.dumps(given)))
        search = {
            "experiment_ids": [body["experiment_id"]],
            "filter": f"tags.`{TAG}` = '{self._owner}'",
        }
        models = (await self._api.post("logged-models/search", search)).get("models", [])
        if not models:
            body["tags"] = [*body.get("tags", []), {"key": TAG, "value": self._owner}]
            models = [(await self._api.post("logged-models", body))["model"]]
        info = models[0]["info"]
        return Made(info["model_id"], info["artifact_uri"])


def _pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]
