"""From a registered version to a deployment and back, over real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import websocket

from baton_contract import packet_digest, validate
from baton_lab.packet import Limits, Request, gather
from baton_lab.tracking import Tracking

NOTE = "Please look at the threshold."


class Listener:
    """Everything that the Jupyter server pushes while the test runs."""

    def __init__(self, lab: Any) -> None:
        url = lab.url.replace("http", "ws") + "/api/events/subscribe?token=secret"
        self._socket = websocket.create_connection(url, timeout=60)
        # Silence is no end: on a loaded machine minutes pass before the first push.
        self._socket.settimeout(None)
        self.pushed: list[dict[str, Any]] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        try:
            while True:
                message = json.loads(self._socket.recv())
                if message["schema_id"] == "urn:baton:lab:push:1":
                    self.pushed.append(message)
        except (websocket.WebSocketException, OSError, ValueError):
            return

    def close(self) -> None:
        self._socket.close()

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [push for push in self.pushed if push["kind"] == kind]

    def events(self, event_type: str) -> list[dict[str, Any]]:
        return [p["event"] for p in self.of("handoff") if p["event"]["type"] == event_type]


@pytest.fixture(scope="module")
def listener(lab: Any) -> Iterator[Listener]:
    listener = Listener(lab)
    yield listener
    listener.close()


@pytest.fixture(scope="module")
def developer(desk: Any) -> Iterator[httpx.Client]:
    """The developer, at the desk."""
    headers = {"Authorization": "Bearer developer-token"}
    with httpx.Client(base_url=desk.url + "/api/", headers=headers, trust_env=False) as client:
        yield client


def hand_over(lab: Any, until: Any, **changed: str) -> dict[str, Any]:
    """Hand a version over and return the job when it has ended."""
    body = {"model": "tumours", "version": "1", "team": "app-developers", "note": NOTE}
    started = lab.post("handoffs", body | changed | {"card": {"summary": "Finds tumours."}})
    assert started.status_code == 202, started.text

    def ended() -> Any:
        jobs = {job["id"]: job for job in lab.get("jobs")["items"]}
        job = jobs[started.json()["id"]]
        return job if job["state"] != "running" else None

    job: dict[str, Any] = until(ended)
    return job


@pytest.fixture(scope="module")
def version(lab: Any, trained: Any) -> str:
    body = {"name": "tumours", "run_id": trained.run_id, "model_id": trained.model_id}
    made: str = lab.post("models", body).json()["version"]
    lab.post("models", body | {"model_id": trained.bare_model_id})
    return made


@pytest.fixture(scope="module")
def handed(lab: Any, version: str, listener: Listener, until: Any) -> dict[str, Any]:
    """A handoff that the desk has checked and offered."""
    job = hand_over(lab, until, version=version)
    assert job["state"] == "done", job
    assert until(lambda: listener.events("baton.handoff.offered"))
    handoff: dict[str, Any] = lab.get(f"handoffs/{job['handoff']}")
    return handoff


@pytest.fixture(scope="module")
def pipeline(developer: httpx.Client, desk: Any) -> dict[str, str]:
    """The environment of the receiving team's pipeline."""
    made = developer.post("teams/app-developers/tokens", json={"name": "ci"})
    assert made.is_success, made.text
    return {**os.environ, "BATON_DESK_URL": desk.url, "BATON_TOKEN": made.json()["token"]}


def baton(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from baton_client.cli import main; main()", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_the_desk_offers_what_was_handed_over(handed: dict[str, Any]) -> None:
    validate("handoff.v1", handed)
    assert handed["state"] == "offered", handed["checks"]
    assert (handed["sender"], handed["team"]) == ("scientist", "app-developers")
    assert handed["model"] == {"name": "tumours", "version": "1"}
    assert handed["note"] == NOTE


def test_the_job_told_its_steps(handed: dict[str, Any], listener: Listener) -> None:
    steps = [push["job"]["step"] for push in listener.of("job")]
    assert any(step.startswith("Fetching") for step in steps)
    assert any("own example" in step for step in steps)
    assert listener.of("job")[0]["occurred_at"].endswith("Z")


def test_the_packet_says_what_a_team_needs(
    handed: dict[str, Any], developer: httpx.Client, trained: Any
) -> None:
    packet = developer.get(f"handoffs/{handed['id']}/packet").json()
    validate("packet.v1", packet)
    assert packet_digest(packet) == handed["packet_digest"]
    assert packet["model"]["run_id"] == trained.run_id
    assert packet["model"]["flavors"] == ["python_function", "sklearn"]
    assert packet["signature"]["inputs"][0]["name"] == "mean radius"
    assert packet["signature"]["outputs"][0]["type"] == "long"
    [example] = packet["examples"]
    assert example["expected"] == [0, 0, 0]
    assert packet["source"]["notebook"]["path"] == "tumours.ipynb"
    assert packet["source"]["notebook"]["executed_in_order"] is True
    assert packet["environment"]["profile"] == "scikit-learn"
    assert "scikit-learn" in packet["environment"]["requirements"]
    assert packet["lineage"]["datasets"][0]["name"] == "breast-cancer"
    assert packet["params"] == {"max_iter": "5000"}
    assert list(packet["metrics"]) == ["accuracy"]
    assert packet["card"]["summary"] == "Finds tumours."


async def test_gathering_again_gives_the_same_packet(
    handed: dict[str, Any], lab: Any, mlflow: Any, tmp_path: Path
) -> None:
    """So a handover that broke off goes on under the same digest, as the same draft."""
    request = Request(
        model="tumours",
        version="1",
        team="app-developers",
        note=NOTE,
        card={"summary": "Finds tumours."},
    )

    async def read_file(path: str) -> bytes:
        content: bytes = (lab.home / path).read_bytes()
        return content

    tracking = Tracking(mlflow.url, "scientist-token", timeout=30)
    packet = await gather(
        tracking,
        request,
        tmp_path,
        read_file=read_file,
        limits=Limits(max_bytes=10**9, replay_timeout=60),
        told=lambda _step, _progress: None,
    )
    await tracking.close()
    # The server's own environment is the only thing that this process does not share.
    packet["environment"]["profile"] = "scikit-learn"
    assert packet_digest(packet) == handed["packet_digest"]


def test_what_the_developer_says_and_decides_is_pushed_to_the_panel(
    handed: dict[str, Any], developer: httpx.Client, lab: Any, listener: Listener, until: Any
) -> None:
    url = f"handoffs/{handed['id']}"
    assert developer.post(f"{url}/comments", json={"body": "Which year?"}).status_code == 201
    [asked] = until(lambda: listener.events("baton.handoff.commented"))
    validate("event.v1", asked)
    assert (asked["data"]["text"], asked["data"]["actor"]) == ("Which year?", "developer")
    assert lab.post(f"{url}/comments", {"body": "2024."}).status_code == 201
    assert developer.post(f"{url}/accept", json={}).is_success
    assert until(lambda: listener.events("baton.handoff.accepted"))
    assert [line["body"] for line in lab.get(url)["thread"]] == ["Which year?", "2024."]


def test_the_pipeline_pulls_predicts_and_reports(
    handed: dict[str, Any],
    developer: httpx.Client,
    pipeline: dict[str, str],
    lab: Any,
    listener: Listener,
    until: Any,
    tmp_path: Path,
) -> None:
    """After the acceptance; with a token that is good for this team and nothing else."""
    if developer.get(f"handoffs/{handed['id']}").json()["state"] == "offered":
        developer.post(f"handoffs/{handed['id']}/accept", json={})
    folder = tmp_path / "model-for-us"
    pulled = baton(pipeline, "pull", handed["id"], "--to", str(folder))
    assert pulled.returncode == 0, pulled.stderr
    assert "all verified" in pulled.stdout
    assert (folder / "notebook/tumours.ipynb").read_bytes() == (
        lab.home / "tumours.ipynb"
    ).read_bytes()

    predicted = baton(pipeline, "predict", str(folder))
    assert predicted.returncode == 0, predicted.stderr
    assert json.loads(predicted.stdout) == [0, 0, 0]
    assert "Agrees" in predicted.stderr

    reported = baton(
        pipeline, "report", handed["id"], "--environment", "staging", "--status", "success"
    )
    assert reported.returncode == 0, reported.stderr
    [event] = until(lambda: listener.events("baton.handoff.deployment_reported"))
    assert (event["data"]["environment"], event["data"]["status"]) == ("staging", "success")
    [deployment] = lab.get(f"handoffs/{handed['id']}")["deployments"]
    assert deployment["reported_by"] == "pipeline:ci"


def test_a_model_without_an_example_fails_with_what_to_write(
    lab: Any, version: str, until: Any
) -> None:
    job = hand_over(lab, until, version="2")
    assert job["error"]["code"] == "no_example"
    assert "input_example=X.head(3)" in job["error"]["message"]


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"team": "nobody"}, "unknown_team"), ({"version": "99"}, "not_found")],
)
def test_what_does_not_exist_fails_with_one_sentence(
    lab: Any, version: str, until: Any, changed: dict[str, str], code: str
) -> None:
    assert hand_over(lab, until, **changed)["error"]["code"] == code


def test_a_new_run_is_pushed_as_a_hint(
    lab: Any, mlflow: Any, listener: Listener, until: Any
) -> None:
    """The panel never polls: MLflow's hints arrive through the Jupyter server."""
    headers = {"Authorization": "Bearer scientist-token"}
    url = mlflow.url + "/api/2.0/mlflow/runs/create"
    made = httpx.post(url, json={"experiment_id": "0"}, headers=headers, trust_env=False).json()
    run_id = made["run"]["info"]["run_id"]
    assert until(lambda: [p for p in listener.of("runs") if p["run_id"] == run_id])
