"""What can be answered of a run, experiment or model without MLflow: what it said, what is kept."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any

from mlflow.protos import service_pb2 as api
from mlflow.utils.proto_json_utils import message_to_json

from baton_lab.offline.asked import Asked
from baton_lab.offline.journal import Journal
from baton_lab.offline.local import is_local, local_experiment, local_model, local_run

Json = dict[str, Any]
REMEMBERED = 256
"""Runs, experiments and models whose last answer is remembered."""


class Answers:
    """Remembers what MLflow said last, and answers from that and from what a journal holds."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._seen: OrderedDict[str, Any] = OrderedDict()

    def remember(self, answer: Any) -> None:
        """Keep hold of what MLflow said of a run, an experiment or a model."""
        name = type(answer).DESCRIPTOR.full_name
        if name.endswith(("CreateRun.Response", "GetRun.Response")):
            self._note(answer.run.info.run_id, answer.run)
        elif name.endswith(("GetExperiment.Response", "GetExperimentByName.Response")):
            self._note(answer.experiment.experiment_id, answer.experiment)
            if not is_local(answer.experiment.experiment_id):
                self._note(f"experiment:{answer.experiment.name}", answer.experiment)
        elif name.endswith(("CreateLoggedModel.Response", "GetLoggedModel.Response")):
            self._note(answer.model.info.model_id, answer.model)

    def answer(self, asked: Asked, owner: str | None, found: Json | None) -> Json | None:
        """Return what MLflow answered (``found``) with what is kept on top; None for no answer."""
        if asked.call is api.GetExperimentByName:
            return self._named_experiment(asked.body["experiment_name"])
        if not owner:
            return found
        if asked.call is api.GetRun:
            run = self.run(owner, found and found.get("run"))
            return run and {"run": run}
        if asked.call is api.GetMetricHistory:
            return self._history(asked.body["metric_key"], owner, found)
        if found:
            return found
        if asked.call is api.GetLoggedModel:
            model = self.model(owner)
            return model and {"model": model}
        return self._known_experiment(owner)

    def run(self, owner: str, base: Json | None = None) -> Json | None:
        """Return a run as it is with what is kept; None where there is no such run."""
        known = self._seen.get(owner)
        if base is None and known is not None:
            base = json.loads(message_to_json(known))
        return local_run(owner, base, self._journal.entries(owner))

    def model(self, owner: str) -> Json | None:
        """Return a logged model as it was seen or is kept; None where there is no such model."""
        known = self._seen.get(owner)
        if known is not None:
            return json.loads(message_to_json(known))  # type: ignore[no-any-return]
        return local_model(owner, self._journal.entries(owner))

    def _history(self, key: str, owner: str, found: Json | None) -> Json | None:
        """Return a metric's values: MLflow's, then those kept; None where its own can't be had."""
        entries = [*self._journal.entries(owner)]
        if found is None and not any(entry["kind"] == "run" for entry in entries):
            return None
        kept = [
            metric
            for entry in entries
            if entry["kind"] == "metrics"
            for metric in entry["metrics"]
            if metric["key"] == key
        ]
        return {**(found or {}), "metrics": [*(found or {}).get("metrics", []), *kept]}

    def _named_experiment(self, name: str) -> Json | None:
        if known := self._seen.get(f"experiment:{name}"):
            return {"experiment": json.loads(message_to_json(known))}
        return None

    def _known_experiment(self, owner: str) -> Json | None:
        if known := self._seen.get(owner):
            return {"experiment": json.loads(message_to_json(known))}
        for entry in self._journal.entries(owner):
            if entry["kind"] == "experiment":
                return {"experiment": local_experiment(entry["name"])}
        return None

    def _note(self, key: str, value: Any) -> None:
        if is_local(key):
            return  # The journal knows better.
        self._seen[key] = value
        self._seen.move_to_end(key)
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
