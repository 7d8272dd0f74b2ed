"""Who sees and changes what in MLflow: walls that hold on every route."""

from __future__ import annotations

import json
import secrets
from typing import Any

import httpx
import pytest
from tests.tracking import Tracking

pytest_plugins = ("tests.tracking",)

API = "/api/2.0/mlflow"


@pytest.fixture
def groups(either: Tracking) -> Tracking:
    """Ada and bob in one group, eve in another, olga in operations."""
    either.group("science", "ada", "bob")
    either.group("sales", "eve")
    return either


def _run(tracking: Tracking, user: str, **tags: str) -> dict[str, Any]:
    """Return the info of a run in a new experiment with these tags."""
    body = {
        "name": f"walls {secrets.token_hex(4)}",
        "tags": [{"key": key.replace("_", "."), "value": value} for key, value in tags.items()],
    }
    experiment = tracking.call(user, "experiments/create", body)["experiment_id"]
    made = {"experiment_id": experiment, "start_time": 1}
    info: dict[str, Any] = tracking.call(user, "runs/create", made)["run"]["info"]
    return info


def _post(tracking: Tracking, user: str, route: str, **body: Any) -> httpx.Response:
    with tracking.client(user) as client:
        return client.post(f"{API}/{route}", json=body)


def _get(tracking: Tracking, user: str, route: str, **params: Any) -> httpx.Response:
    with tracking.client(user) as client:
        return client.get(f"{API}/{route}", params=params)


def _tags(tracking: Tracking, user: str, experiment: str) -> dict[str, str]:
    answer = _get(tracking, user, "experiments/get", experiment_id=experiment)
    tags = answer.raise_for_status().json()["experiment"]["tags"]
    return {tag["key"]: tag["value"] for tag in tags}


def test_what_somebody_makes_is_read_by_all_and_written_by_their_groups(groups: Tracking) -> None:
    run = _run(groups, "ada")
    tags = _tags(groups, "eve", run["experiment_id"])
    assert tags["mlflow.user"] == "ada"
    assert tags["baton.read"] == "everybody"
    assert json.loads(tags["baton.write"]) == ["science"]
    metric = {"run_id": run["run_id"], "key": "m", "value": 1, "timestamp": 1}
    assert _post(groups, "bob", "runs/log-metric", **metric).status_code == 200
    refused = _post(groups, "eve", "runs/log-metric", **metric)
    assert refused.status_code == 403
    assert refused.json()["error_code"] == "PERMISSION_DENIED"
    assert refused.json()["message"].startswith("You may read the experiment")
    assert _get(groups, "eve", "runs/get", run_id=run["run_id"]).status_code == 200


def test_a_private_experiment_is_in_no_search_of_others(groups: Tracking) -> None:
    run = _run(groups, "ada", baton_read="[]", baton_write="[]")
    experiment = run["experiment_id"]
    for user, seen in (("ada", True), ("bob", False), ("eve", False)):
        found = _post(groups, user, "experiments/search", max_results=1000).json()["experiments"]
        assert (experiment in {one["experiment_id"] for one in found}) is seen
        runs = _post(groups, user, "runs/search", experiment_ids=[experiment]).json()
        assert bool(runs.get("runs")) is seen
        assert _get(groups, user, "runs/get", run_id=run["run_id"]).is_success is seen


def test_only_the_owner_changes_access_renames_and_deletes(groups: Tracking) -> None:
    run = _run(groups, "ada")
    experiment = run["experiment_id"]
    for user in ("bob", "eve"):
        for route, body in (
            ("experiments/set-experiment-tag", {"key": "baton.read", "value": "[]"}),
            ("experiments/update", {"new_name": secrets.token_hex(8)}),
            ("experiments/delete", {}),
        ):
            answer = _post(groups, user, route, experiment_id=experiment, **body)
            assert answer.status_code == 403, (user, route, answer.text)
            assert "Only its owner" in answer.json()["message"]
    plain = {"experiment_id": experiment, "key": "note", "value": "mine too"}
    assert _post(groups, "bob", "experiments/set-experiment-tag", **plain).status_code == 200
    closed = {"experiment_id": experiment, "key": "baton.read", "value": '["science"]'}
    assert _post(groups, "ada", "experiments/set-experiment-tag", **closed).status_code == 200
    assert _get(groups, "eve", "runs/get", run_id=run["run_id"]).status_code == 404
    assert _get(groups, "bob", "runs/get", run_id=run["run_id"]).status_code == 200
    wrong = closed | {"value": "science"}
    answer = _post(groups, "ada", "experiments/set-experiment-tag", **wrong)
    assert answer.status_code == 400
    assert "JSON list of Hub groups" in answer.json()["message"]
    assert _post(groups, "ada", "experiments/delete", experiment_id=experiment).is_success
    assert _post(groups, "ada", "experiments/restore", experiment_id=experiment).is_success
