"""What is recorded: under whose name, how large, and who hears of it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.tracking import Tracking

from baton_hub.tracking.hints import HEARTBEAT_SECONDS

pytest_plugins = ("tests.tracking",)

TAG = "mlflow.user"
MIB = 1024 * 1024
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"


def _author(tracking: Tracking, run_id: str) -> list[str]:
    """Return everything that MLflow says of a run's author."""
    with tracking.client("ada") as client:
        run = client.get("/api/2.0/mlflow/runs/get", params={"run_id": run_id}).json()["run"]
    tags = [tag["value"] for tag in run["data"]["tags"] if tag["key"] == TAG]
    return [run["info"]["user_id"], *tags]


CLIENT = """
import mlflow
from mlflow import MlflowClient

mlflow.set_experiment("forged")
with mlflow.start_run(tags={"mlflow.user": "boss"}) as run:
    mlflow.set_tags({"mlflow.user": "boss", "kept": "yes"})
    MlflowClient().log_batch(run.info.run_id, tags=[mlflow.entities.RunTag("mlflow.user", "boss")])
    try:
        mlflow.set_tag("mlflow.user", "boss")
    except mlflow.exceptions.RestException as error:
        print("refused:", error)
plain = MlflowClient().create_run(run.info.experiment_id)
print(run.info.run_id, plain.info.run_id)
"""


def test_the_author_is_the_hubs_user_through_mlflows_own_client(tracking: Tracking) -> None:
    environment = {**tracking.kernel_environment("eve"), "MLFLOW_TRACKING_USERNAME": "boss"}
    done = subprocess.run(
        [sys.executable, "-c", CLIENT], env=environment, capture_output=True, text=True, check=True
    )
    assert "refused: PERMISSION_DENIED: The tag mlflow.user" in done.stdout
    for run_id in done.stdout.split()[-2:]:
        assert _author(tracking, run_id) == ["eve", "eve"]


@pytest.mark.parametrize("api", ["api", "ajax-api"])
@pytest.mark.parametrize("claim", ["user_id", "userId"])
def test_the_author_is_the_hubs_user_over_rest(tracking: Tracking, api: str, claim: str) -> None:
    experiment = tracking.run("eve", "rest")["experiment_id"]
    body = {"experiment_id": experiment, claim: "boss", "tags": [{"key": TAG, "value": "boss"}]}
    for content in (
        json.dumps(body),
        json.dumps(json.dumps(body)),
        json.dumps(body).encode("utf-16"),
    ):
        with tracking.client("eve") as client:
            headers = {"Content-Type": "application/json; charset=latin-1"}
            url = f"/{api}/2.0/mlflow/runs/create"
            answer = client.post(url, content=content, headers=headers)
        assert answer.status_code == 200, answer.text
        assert _author(tracking, answer.json()["run"]["info"]["run_id"]) == ["eve", "eve"]


def test_a_run_of_mlflows_prompt_page_has_the_hubs_user_as_its_author(tracking: Tracking) -> None:
    body = {
        "experiment_id": tracking.run("eve", "prompts")["experiment_id"],
        "user_id": "boss",
        "prompt_template": "Say {{word}}",
        "prompt_parameters": [{"key": "word", "value": "hello"}],
        "model_route": "none",
        "model_parameters": [],
        "model_input": "Say hello",
        "model_output": "hello",
        "model_output_parameters": [],
        "mlflow_version": "3",
        "start_time": 1,
    }
    with tracking.client("eve") as client:
        answer = client.post("/ajax-api/2.0/mlflow/runs/create-promptlab-run", json=body)
    assert answer.is_success, answer.text
    made = answer.json()
    assert _author(tracking, made["run"]["info"]["run_id"]) == ["eve", "eve"]


@pytest.mark.parametrize("api", ["api", "ajax-api"])
def test_nobody_takes_over_or_removes_an_author(tracking: Tracking, api: str) -> None:
    run = tracking.run("ada", "taken")
    opened = {"experiment_id": run["experiment_id"], "key": "baton.write", "value": "everybody"}
    tracking.call("ada", "experiments/set-experiment-tag", opened)
    run_id = run["run_id"]
    with tracking.client("eve") as client:

        def post(route: str, **body: Any) -> int:
            body["run_id"] = run_id
            return client.post(f"/{api}/2.0/mlflow/runs/{route}", json=body).status_code

        assert post("set-tag", key=TAG, value="eve") == 403
        assert post("delete-tag", key=TAG) == 403
        tags = [{"key": TAG, "value": "eve"}, {"key": "kept", "value": "yes"}]
        assert post("log-batch", tags=tags) == 200
    assert _author(tracking, run_id) == ["ada", "ada"]


def test_what_is_no_json_object_is_refused_and_records_nothing(tracking: Tracking) -> None:
    with tracking.client("eve") as client:
        for content in (b"{", b"[1]", b"\xff\xff", b"[" * 100_000):
            headers = {"Content-Type": "application/json"}
            answer = client.post("/api/2.0/mlflow/runs/create", content=content, headers=headers)
            assert answer.status_code == 400
            assert answer.json()["error"]["code"] == "schema"


def test_registered_and_logged_models_carry_their_author(tracking: Tracking) -> None:
    forged = [{"key": TAG, "value": "boss"}]
    run = tracking.run("eve", "models")
    body = {"experiment_id": run["experiment_id"], "source_run_id": run["run_id"], "name": "m"}
    logged = tracking.call("eve", "logged-models", body | {"tags": forged})["model"]["info"]
    name = f"forged {run['run_id']}"
    model = tracking.call("eve", "registered-models/create", {"name": name, "tags": forged})
    version = tracking.call(
        "eve",
        "model-versions/create",
        {"name": name, "source": f"models:/{logged['model_id']}", "model_id": logged["model_id"]},
    )
    for made in (logged, model["registered_model"], version["model_version"]):
        assert [tag["value"] for tag in made["tags"] if tag["key"] == TAG] == ["eve"]
    with tracking.client("ada") as client:
        url = f"/api/2.0/mlflow/logged-models/{logged['model_id']}/tags"
        assert client.delete(f"{url}/{TAG}").status_code == 403
        tag = {"name": name, "key": TAG, "value": "ada"}
        assert client.post("/api/2.0/mlflow/registered-models/set-tag", json=tag).status_code == 403


def _memory(pid: int) -> int:
    """Return the most memory that a process has had, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def test_large_artifacts_stream_both_ways_through_the_hubs_proxy(tracking: Tracking) -> None:
    run = tracking.run("ada", "large")
    url = f"{ARTIFACTS}/{run['experiment_id']}/{run['run_id']}/artifacts/large.bin"
    piece, pieces = bytes(range(256)) * 4096, 150

    def produce() -> Iterator[bytes]:
        for _ in range(pieces):
            yield piece

    before = _memory(tracking.mlflow_pid)
    with tracking.client("ada") as client:
        assert client.put(url, content=produce()).status_code == 200
        with client.stream("GET", url) as response:
            assert response.headers["content-length"] == str(pieces * len(piece))
            got = sum(len(chunk) for chunk in response.iter_bytes(MIB))
    assert got == pieces * len(piece)
    assert _memory(tracking.mlflow_pid) - before < 60 * MIB


def test_an_anonymous_upload_reads_why_it_is_refused(tracking: Tracking) -> None:
    answer = httpx.put(f"{tracking.url}{ARTIFACTS}/0/x/artifacts/a.bin", content=b"x" * 20 * MIB)
    assert answer.status_code == 401


def _hints(lines: Iterator[str], until: str) -> list[dict[str, Any]]:
    hints = []
    for line in lines:
        if line.startswith("data: "):
            hints.append(json.loads(line.removeprefix("data: ")))
            if hints[-1]["change"] == until:
                break
    return hints


def test_a_hint_follows_what_is_recorded_and_waits_for_no_heartbeat(tracking: Tracking) -> None:
    run = tracking.run("ada", "hints")
    with (
        tracking.client("eve") as client,
        client.stream("GET", "/baton/events", timeout=10) as stream,
    ):
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        assert next(lines) == ": listening"
        start = time.monotonic()
        for step in range(50):
            metric = {"run_id": run["run_id"], "key": "m", "value": 1, "timestamp": 1, "step": step}
            tracking.call("ada", "runs/log-metric", metric)
        logged = time.monotonic() - start
        with tracking.client("ada") as writer:
            url = f"{ARTIFACTS}/{run['experiment_id']}/{run['run_id']}/artifacts/a.txt"
            writer.put(url, content=b"a")
        hints = [hint for hint in _hints(lines, "artifacts") if hint["run_id"] == run["run_id"]]
    assert time.monotonic() - start < logged + HEARTBEAT_SECONDS / 2
    metrics = [hint for hint in hints if hint["change"] == "metrics"]
    assert 1 <= len(metrics) <= 2 + 2 * (logged + 1)
    assert hints[-1]["experiment_id"] == run["experiment_id"]


def test_a_started_run_is_hinted_with_its_id_and_refused_requests_are_not(
    tracking: Tracking,
) -> None:
    with tracking.client("eve") as client, client.stream("GET", "/baton/events") as stream:
        lines = stream.iter_lines()
        next(lines)
        with tracking.client("ada") as other:
            missing = {"run_id": "0" * 32, "key": "a", "value": "b"}
            assert other.post("/api/2.0/mlflow/runs/set-tag", json=missing).status_code == 404
        run = tracking.run("ada", "started")
        tracking.call("ada", "runs/delete", {"run_id": run["run_id"]})
        tracking.call("ada", "runs/restore", {"run_id": run["run_id"]})
        tracking.call(
            "ada", "runs/log-parameter", {"run_id": run["run_id"], "key": "a", "value": "b"}
        )
        hints = _hints(lines, "params")
    started = {"run_id": run["run_id"], "experiment_id": run["experiment_id"], "change": "run"}
    assert started in hints
    assert "0" * 32 not in {hint["run_id"] for hint in hints}
