"""Nobody records under another's name, whichever protocol or route they try."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from typing import Any

import httpx
from tests.tracking import Tracking

pytest_plugins = ("tests.tracking",)

TAG = "mlflow.user"
FORGED = [{"key": TAG, "value": "boss"}]


def _otlp(trace: str) -> dict[str, Any]:
    """Return a trace of one span that claims to be the boss's in every place there is."""
    claims = [
        {"key": key, "value": {"stringValue": "boss"}}
        for key in (TAG, "mlflow.trace.user", f"mlflow.traceTag.{TAG}", "user.id", "enduser.id")
    ]
    span = {
        "traceId": trace,
        "spanId": secrets.token_hex(8),
        "name": "s",
        "startTimeUnixNano": "1000000",
        "endTimeUnixNano": "2000000",
        "attributes": claims,
    }
    scope = {"scope": {"name": "x"}, "spans": [span]}
    return {"resourceSpans": [{"resource": {"attributes": claims}, "scopeSpans": [scope]}]}


def _export(client: httpx.Client, experiment: str, trace: str) -> httpx.Response:
    headers = {"x-mlflow-experiment-id": experiment}
    return client.post("/v1/traces", json=_otlp(trace), headers=headers)


def _author(tracking: Tracking, trace: str) -> tuple[str | None, str | None]:
    with tracking.client("ada") as client:
        answer = client.get(f"/api/3.0/mlflow/traces/tr-{trace}")
    info = answer.raise_for_status().json()["trace"]["trace_info"]
    return info["trace_metadata"].get(TAG), info.get("tags", {}).get(TAG)


def test_a_trace_over_otlp_is_of_whoever_sent_it(either: Tracking) -> None:
    experiment = either.run("eve", "otlp")["experiment_id"]
    trace = secrets.token_hex(16)
    with either.client("eve") as client:
        answer = _export(client, experiment, trace)
    assert answer.status_code == 200, answer.text
    assert _author(either, trace) == ("eve", None)


def test_spans_can_not_be_put_into_the_trace_of_another(either: Tracking) -> None:
    theirs = either.run("ada", "otlp")["experiment_id"]
    mine = either.run("eve", "otlp")["experiment_id"]
    trace = secrets.token_hex(16)
    with either.client("ada") as ada, either.client("eve") as eve:
        assert _export(ada, theirs, trace).status_code == 200
        assert _export(eve, theirs, secrets.token_hex(16)).status_code == 403
        assert _export(eve, mine, trace).status_code == 403
    assert _author(either, trace) == ("ada", None)


CLIENT = """
import sys
import mlflow
from mlflow import MlflowClient

client = MlflowClient()
name = "forged-" + sys.argv[1]
experiment = client.create_experiment(name, tags={"mlflow.user": "boss"})
mlflow.set_experiment(experiment_id=experiment)

@mlflow.trace
def answer(x):
    mlflow.update_current_trace(tags={"mlflow.user": "boss"}, metadata={"mlflow.user": "boss"})
    return x

answer(1)
mlflow.flush_trace_async_logging()
trace = mlflow.get_last_active_trace_id()
client.create_registered_model(name, tags={"mlflow.user": "boss"})
print(experiment, trace)
"""


def test_the_fluent_api_and_the_client_record_the_hubs_name(tracking: Tracking) -> None:
    word = secrets.token_hex(4)
    environment = {**tracking.kernel_environment("eve"), "MLFLOW_TRACKING_USERNAME": "boss"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CLIENT, word],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    experiment, trace = done.stdout.split()[-2:]
    with tracking.client("ada") as client:
        params = {"experiment_id": experiment}
        got = client.get("/api/2.0/mlflow/experiments/get", params=params).json()["experiment"]
        assert {tag["key"]: tag["value"] for tag in got["tags"]}[TAG] == "eve"
        params = {"name": f"forged-{word}"}
        got = client.get("/api/2.0/mlflow/registered-models/get", params=params).json()
        tags = {tag["key"]: tag["value"] for tag in got["registered_model"]["tags"]}
        assert tags[TAG] == "eve"
    assert _author(tracking, trace.removeprefix("tr-"))[0] == "eve"


def test_odd_bodies_do_not_smuggle_a_name_in(tracking: Tracking) -> None:
    experiment = tracking.run("eve", "odd")["experiment_id"]
    twice = f'{{"experiment_id": "{experiment}", "user_id": "eve", "user_id": "boss"}}'
    form = {"experiment_id": experiment, "user_id": "boss"}
    kinds = ("application/json", "text/plain", "application/x-www-form-urlencoded", "")
    with tracking.client("eve") as client:
        for api in ("api", "ajax-api"):
            url = f"/{api}/2.0/mlflow/runs/create"
            assert client.post(url, data=form).status_code == 400
            for kind in kinds:
                answer = client.post(url, content=twice, headers={"Content-Type": kind})
                if answer.status_code == 200:
                    assert answer.json()["run"]["info"]["user_id"] == "eve"
                else:
                    assert answer.status_code == 400, answer.text


def test_graphql_changes_nothing(tracking: Tracking) -> None:
    run = tracking.run("ada", "graphql")
    query = f"""mutation {{ mlflowSearchRuns(input: {{experimentIds: ["{run["experiment_id"]}"]}})
        {{ runs {{ info {{ runId userId }} }} }} }}"""
    with tracking.client("eve") as client:
        answer = client.post("/graphql", json={"query": query})
    assert answer.status_code == 200
    assert "boss" not in answer.text


def test_records_beside_runs_name_the_hubs_user(tracking: Tracking) -> None:
    experiment = tracking.run("eve", "beside")["experiment_id"]
    body = {"name": f"d-{secrets.token_hex(4)}", "experiment_ids": [experiment]}
    claims = {"created_by": "boss", "tags": json.dumps({TAG: "boss"})}
    with tracking.client("eve") as client:
        url = "/api/3.0/mlflow/datasets/create"
        dataset = client.post(url, json=body | claims).raise_for_status().json()["dataset"]
        assert dataset["created_by"] == "eve"
        assert json.loads(dataset["tags"])[TAG] == "eve"
        issue = {"experiment_id": experiment, "name": "i", "description": "x", "createdBy": "boss"}
        made = client.post("/api/3.0/mlflow/issues", json=issue).raise_for_status().json()
        assert made["issue"]["created_by"] == "eve"
        queue = {"experiment_id": experiment, "name": "q", "created_by": "boss"}
        made = client.post("/api/3.0/mlflow/review-queues/create", json=queue)
        assert "boss" not in made.text
