"""What is hidden answers as what does not exist: every read route of MLflow's own tables."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import time
from typing import Any

import httpx
import pytest
from tests.tracking import Tracking

pytest_plugins = ("tests.tracking",)

# Reads that are POSTs, below the version of the API.
SEARCHES = frozenset(
    {
        "experiments/search",
        "experiments/search-datasets",
        "runs/search",
        "logged-models/search",
        "registered-models/get-latest-versions",
        "traces/search",
        "traces/batchGetInfos",
        "traces/metrics",
        "traces/calculate-filter-correlation",
        "datasets/search",
        "issues/search",
        "artifacts/presigned-download-url",
    }
)


class Hidden:
    """One of everything in ada's private experiment, or ids of things that never were."""

    def __init__(self, tracking: Tracking | None = None) -> None:
        token = secrets.token_hex(4)
        self.ids: dict[str, str] = {
            "experiment_id": "987654321",
            "experiment_name": f"hidden-{token}-experiment",
            "run_id": secrets.token_hex(16),
            "model_id": f"m-{secrets.token_hex(16)}",
            "name": f"hidden-{token}",
            "trace_id": f"tr-{secrets.token_hex(16)}",
            "assessment_id": f"a-{secrets.token_hex(16)}",
            "dataset_id": f"d-{secrets.token_hex(16)}",
            "issue_id": f"iss-{secrets.token_hex(16)}",
            "schema_id": f"ls-{secrets.token_hex(16)}",
            "queue_id": f"rq-{secrets.token_hex(16)}",
        }
        if tracking is not None:
            self._make(tracking)

    def _make(self, tracking: Tracking) -> None:
        ids = self.ids
        private = [{"key": key, "value": "[]"} for key in ("baton.read", "baton.write")]
        with tracking.client("ada") as client:

            def post(path: str, body: dict[str, Any]) -> Any:
                answer = client.post(f"/api/{path}", json=body)
                assert answer.is_success, (path, answer.text)
                return answer.json()

            made = {"name": ids["experiment_name"], "tags": private}
            experiment = post("2.0/mlflow/experiments/create", made)["experiment_id"]
            ids["experiment_id"] = experiment
            in_it = {"experiment_id": experiment}
            run = post("2.0/mlflow/runs/create", {**in_it, "start_time": 1})["run"]["info"]
            ids["run_id"] = run["run_id"]
            of_run = {"run_id": run["run_id"]}
            dataset = {"name": "d", "digest": "1", "source_type": "local", "source": "x"}
            tags = [{"key": "mlflow.data.context", "value": "train"}]
            inputs = {**of_run, "datasets": [{"dataset": dataset, "tags": tags}]}
            post("2.0/mlflow/runs/log-inputs", inputs)
            metric = {"key": "m", "value": 1, "timestamp": 1, "step": 0}
            post("2.0/mlflow/runs/log-batch", {**of_run, "metrics": [metric]})
            logged = {**in_it, "name": "m", "source_run_id": run["run_id"]}
            model = post("2.0/mlflow/logged-models", logged)["model"]["info"]
            ids["model_id"] = model["model_id"]
            post("2.0/mlflow/registered-models/create", {"name": ids["name"], "tags": private})
            source = f"models:/{model['model_id']}"
            version = {"name": ids["name"], "source": source, "model_id": model["model_id"]}
            post("2.0/mlflow/model-versions/create", version)
            alias = {"name": ids["name"], "alias": "best", "version": "1"}
            post("2.0/mlflow/registered-models/alias", alias)
            info = {
                "trace_id": ids["trace_id"],
                "trace_location": {
                    "type": "MLFLOW_EXPERIMENT",
                    "mlflow_experiment": {"experiment_id": experiment},
                },
                "request_time": "2026-01-01T00:00:00Z",
                "state": "OK",
            }
            post("3.0/mlflow/traces", {"trace": {"trace_info": info}})
            assessment = {
                "assessment_name": "a",
                "trace_id": ids["trace_id"],
                "source": {"source_type": "HUMAN", "source_id": "x"},
                "create_time": "2026-01-01T00:00:00Z",
                "last_update_time": "2026-01-01T00:00:00Z",
                "feedback": {"value": 1},
            }
            path = f"3.0/mlflow/traces/{ids['trace_id']}/assessments"
            ids["assessment_id"] = post(path, {"assessment": assessment})["assessment"][
                "assessment_id"
            ]
            body = {"name": ids["name"], "experiment_ids": [experiment]}
            ids["dataset_id"] = post("3.0/mlflow/datasets/create", body)["dataset"]["dataset_id"]
            issue = {**in_it, "name": "i", "description": "x"}
            ids["issue_id"] = post("3.0/mlflow/issues", issue)["issue"]["issue_id"]
            scorer = {**in_it, "name": "s", "serialized_scorer": "{}"}
            client.post("/api/3.0/mlflow/scorers/register", json=scorer)
            path = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run['run_id']}/artifacts/a"
            assert client.put(path, content=b"secret").is_success

    def arguments(self) -> dict[str, Any]:
        """Return everything that any read route takes, by the names it takes it by."""
        ids = self.ids
        return {
            **ids,
            "run_uuid": ids["run_id"],
            "request_id": ids["trace_id"],
            "alias": "best",
            "version": "1",
            "metric_key": "m",
            "path": "a",
            "artifact_file_path": "a",
            "experiment_ids": [ids["experiment_id"]],
            "run_ids": [ids["run_id"]],
            "trace_ids": [ids["trace_id"]],
            "locations": [
                {
                    "type": "MLFLOW_EXPERIMENT",
                    "mlflow_experiment": {"experiment_id": ids["experiment_id"]},
                }
            ],
            "filter": "",
            "filter_string": "",
            "max_results": 10,
        }


Answer = tuple[int, str]


def _differs(one: Answer, hidden: Hidden, other: Answer, never: Hidden) -> bool:
    """Tell whether two answers differ by more than the ids that were asked for."""
    pairs = set(zip(hidden.ids.values(), never.ids.values(), strict=True))
    words = [re.findall(r"[\w-]+|[^\w-]+", text) for _, text in (one, other)]
    if one[0] != other[0] or len(words[0]) != len(words[1]):
        return True
    return any(
        left != right and (left, right) not in pairs for left, right in zip(*words, strict=True)
    )


ROUTES_WITH_NAMES = """
import json
from mlflow.server import app as flask
print(json.dumps(sorted({(m, r.rule) for r in flask.url_map.iter_rules() for m in r.methods})))
"""


@pytest.fixture(scope="module")
def named_routes() -> list[tuple[str, str]]:
    """Return methods and paths with the names of their parameters."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ROUTES_WITH_NAMES],
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        check=True,
    )
    found = [(method, path) for method, path in json.loads(done.stdout.splitlines()[-1])]
    # MLflow's gateway knows no experiment, and asks addresses outside.
    found = [(method, path) for method, path in found if "/gateway" not in path]
    return [
        (method, path)
        for method, path in found
        if method == "GET"
        or (method == "POST" and re.sub(r"^/(ajax-)?api/\d\.0/mlflow/", "", path) in SEARCHES)
    ]


def _path(path: str, ids: dict[str, str]) -> str:
    """Fill a route's parameters in; artifact paths begin with the experiment."""
    artifact = f"{ids['experiment_id']}/{ids['run_id']}/artifacts/a"

    def value(match: re.Match[str]) -> str:
        name = match[1].rpartition(":")[2]
        if "path" in name:
            return artifact
        return ids.get({"request_id": "trace_id"}.get(name, name), "x")

    return re.sub(r"<([^>]+)>", value, path)


def _ask(client: httpx.Client, method: str, path: str, hidden: Hidden) -> Answer:
    arguments = hidden.arguments()
    if path.endswith("experiments/get-by-name"):
        arguments = {"experiment_name": arguments["experiment_name"]}
    if "mlflow-artifacts/artifacts" in path:
        arguments["path"] = f"{arguments['experiment_id']}/{arguments['run_id']}/artifacts"
    where = _path(path, hidden.ids)
    if method == "GET":
        plain = {key: value for key, value in arguments.items() if key != "locations"}
        answer = client.get(where, params=plain)
    else:
        answer = client.post(where, json=arguments)
    return answer.status_code, _plain(answer.text)


def _plain(text: str) -> str:
    """Return the text without the number that each request has of its own."""
    return re.sub(r'"request_id":"[0-9a-f]{32}"', "", text)


def test_the_hidden_answers_as_what_never_was_on_every_read_route(
    tracking: Tracking, named_routes: list[tuple[str, str]]
) -> None:
    hidden, never = Hidden(tracking), Hidden()
    told, reached = {}, set()
    with tracking.client("eve") as eve, tracking.client("ada") as ada:
        for method, path in named_routes:
            theirs = _ask(eve, method, path, hidden)
            nothing = _ask(eve, method, path, never)
            if _differs(theirs, hidden, nothing, never):
                told[method, path] = (theirs, nothing)
            if _differs(_ask(ada, method, path, hidden), hidden, nothing, never):
                reached.add((method, re.sub("^/ajax-api", "/api", path)))
    assert told == {}
    # Else the comparison would compare refusals of the question.
    assert len(reached) >= 35, sorted(reached)


def test_writes_to_the_hidden_answer_as_writes_to_what_never_was(tracking: Tracking) -> None:
    hidden, never = Hidden(tracking), Hidden()
    with tracking.client("eve") as eve:
        for method, path, body in _WRITES:
            answers = []
            for which in (hidden, never):
                filled = json.loads(_fill(json.dumps(body), which.ids))
                url = f"/api/{_fill(path, which.ids)}"
                answer = eve.request(method, url, json=filled)
                answers.append((answer.status_code, _plain(answer.text)))
            assert not _differs(answers[0], hidden, answers[1], never), (path, answers)
            # MLflow deletes a dataset that is not there without complaint.
            assert answers[0] == (200, "{}") or 400 <= answers[0][0] < 500, (path, answers)
    with tracking.client("ada") as ada:
        for route in ("2.0/mlflow/runs/get", "3.0/mlflow/issues/%issue_id%"):
            answer = ada.get(f"/api/{_fill(route, hidden.ids)}", params=hidden.ids)
            assert answer.status_code == 200, answer.text
        dataset = ada.get(f"/api/3.0/mlflow/datasets/{hidden.ids['dataset_id']}")
        assert dataset.status_code == 200, dataset.text


def _fill(text: str, ids: dict[str, str]) -> str:
    return re.sub(r"%(\w+)%", lambda match: ids[match[1]], text)


_RUN = {"run_id": "%run_id%"}
_TAG = {"key": "a", "value": "b"}
_NOW = int(time.time() * 1000)
_WRITES: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "2.0/mlflow/runs/create", {"experiment_id": "%experiment_id%", "start_time": 1}),
    ("POST", "2.0/mlflow/runs/set-tag", _RUN | _TAG),
    ("POST", "2.0/mlflow/runs/log-metric", _RUN | {"key": "m", "value": 1, "timestamp": _NOW}),
    ("POST", "2.0/mlflow/runs/log-parameter", _RUN | _TAG),
    ("POST", "2.0/mlflow/runs/log-batch", _RUN | {"tags": [_TAG]}),
    ("POST", "2.0/mlflow/runs/delete", _RUN),
    ("POST", "2.0/mlflow/runs/update", _RUN | {"status": "FINISHED"}),
    ("POST", "2.0/mlflow/runs/outputs", _RUN | {"models": [{"model_id": "m-1", "step": 0}]}),
    (
        "POST",
        "2.0/mlflow/experiments/update",
        {"experiment_id": "%experiment_id%", "new_name": "q"},
    ),
    ("POST", "2.0/mlflow/experiments/delete", {"experiment_id": "%experiment_id%"}),
    (
        "POST",
        "2.0/mlflow/experiments/set-experiment-tag",
        {"experiment_id": "%experiment_id%"} | _TAG,
    ),
    ("POST", "2.0/mlflow/logged-models", {"experiment_id": "%experiment_id%", "name": "m"}),
    ("PATCH", "2.0/mlflow/logged-models/%model_id%/tags", {"tags": [_TAG]}),
    ("DELETE", "2.0/mlflow/logged-models/%model_id%", {}),
    ("POST", "2.0/mlflow/registered-models/set-tag", {"name": "%name%"} | _TAG),
    ("DELETE", "2.0/mlflow/registered-models/delete", {"name": "%name%"}),
    ("POST", "2.0/mlflow/registered-models/rename", {"name": "%name%", "new_name": "taken-over"}),
    ("POST", "2.0/mlflow/model-versions/create", {"name": "%name%", "source": "models:/m-1"}),
    (
        "PATCH",
        "2.0/mlflow/model-versions/update",
        {"name": "%name%", "version": "1", "description": "x"},
    ),
    ("PATCH", "3.0/mlflow/traces/%trace_id%/tags", dict(_TAG)),
    ("DELETE", "3.0/mlflow/datasets/%dataset_id%", {}),
    ("PATCH", "3.0/mlflow/issues/%issue_id%", {"name": "x"}),
    ("PUT", "2.0/mlflow-artifacts/artifacts/%experiment_id%/x/artifacts/a", {}),
    ("DELETE", "2.0/mlflow-artifacts/artifacts/%experiment_id%/%run_id%/artifacts/a", {}),
    ("POST", "2.0/mlflow-artifacts/mpu/create/%experiment_id%/x/artifacts/a", {"num_parts": 1}),
]
