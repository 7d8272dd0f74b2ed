"""Makes in MLflow what was begun on this machine: runs, experiments, models, each once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from baton_lab.offline.entries import Experiment, Model, Run
from baton_lab.offline.journal import Made
from baton_lab.offline.local import TAG, key_in
from baton_lab.offline.mlflow_api import API, MlflowApi, RefusedError
from baton_lab.offline.once import Kind, search

Json = dict[str, Any]
BEGINNINGS = {"run", "experiment", "model"}
"""Kinds of entries that make something."""


class Maker:
    """Makes what stands under the local id ``owner``, or finds what an earlier try made.

    ``settled`` returns a text with MLflow's own ids in it.
    """

    def __init__(self, api: MlflowApi, owner: str, settled: Callable[[str], str]) -> None:
        self._api = api
        self._mark = {"key": TAG, "value": owner}
        self._key = key_in(owner)
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
        found = await self._find("run", experiment)
        if found is None:
            tags = json.loads(self._settled(json.dumps(entry["tags"])))
            body = {
                "experiment_id": experiment,
                "user_id": entry["user"],
                "start_time": entry["start_time"],
                "run_name": entry["name"],
                "tags": [*_pairs(tags), self._mark],
            }
            found = (await self._api.post("runs/create", body))["run"]
        elif self._mark not in found["data"].get("tags", []):
            # It is there from before it was kept.
            await self._api.post("runs/set-tag", {"run_id": found["info"]["run_id"], **self._mark})
        info = found["info"]
        return Made(info["run_id"], info["artifact_uri"])

    async def _find(self, kind: Kind, experiment: str) -> Json | None:
        """Return what an earlier try made, though its answer was lost."""
        asked = search(kind, experiment, self._key)
        answer = await self._api.call("POST", asked.path, asked.body)
        return next(iter(answer.get(asked.found, [])), None)

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
        found = await self._find("model", body["experiment_id"])
        if found is None:
            body["tags"] = [*body.get("tags", []), self._mark]
            found = (await self._api.post("logged-models", body))["model"]
        elif self._mark not in found["info"].get("tags", []):
            path = f"{API}/logged-models/{found['info']['model_id']}/tags"
            await self._api.call("PATCH", path, {"tags": [self._mark]})
        info = found["info"]
        return Made(info["model_id"], info["artifact_uri"])


def _pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]
