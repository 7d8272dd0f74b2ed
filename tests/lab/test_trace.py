"""The way back over the server extension."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import httpx
import pytest

from baton_contract import validate

ARTIFACTS = "api/2.0/mlflow-artifacts/artifacts"


@pytest.fixture
def api(mlflow: Any) -> httpx.Client:
    """MLflow as the scientist's programs reach it."""
    headers = {"Authorization": "Bearer scientist-token"}
    return httpx.Client(base_url=mlflow.url + "/", headers=headers, trust_env=False, timeout=60)


def post(api: httpx.Client, path: str, body: Any) -> Any:
    answer = api.post(f"api/2.0/mlflow/{path}", json=body)
    assert answer.is_success, answer.text
    return answer.json()


def begin(api: httpx.Client, name: str) -> dict[str, Any]:
    experiment = post(api, "experiments/create", {"name": name})["experiment_id"]
    run: dict[str, Any] = post(api, "runs/create", {"experiment_id": experiment, "start_time": 1})
    return dict(run["run"]["info"])


def test_a_real_models_way_back_fits_the_contract(lab: Any, trained: Any) -> None:
    """Registered from the run that a real MLflow client logged, dataset and all."""
    made = lab.post(
        "models", {"name": "traced", "run_id": trained.run_id, "model_id": trained.model_id}
    )
    assert made.status_code == 201, made.text
    found = lab.get("trace", model="traced", version=made.json()["version"])
    validate("trace.v1", found)
    steps = {each["kind"]: each for each in found["steps"]}
    assert found["run"]["id"] == trained.run_id
    assert found["version"]["author"] == "scientist"
    assert "names the same run" in steps["model"]["note"]
    assert steps["model"]["value"] == trained.model_id
    assert steps["dataset"]["value"] == "breast-cancer"
    assert steps["dataset"]["state"] == "recorded"


def test_a_run_is_traced_by_its_id(lab: Any, trained: Any) -> None:
    found = lab.get("trace", run=trained.run_id)
    validate("trace.v1", found)
    assert (found["version"], found["run"]["name"]) == (None, "with-model")


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"run": "f" * 32}, 404, "not_found"),
        ({"run": "../x"}, 400, "bad_target"),
        ({"model": "no such", "version": "1"}, 404, "not_found"),
        ({"model": "équipe/modèle", "version": "1"}, 404, "not_found"),
        ({"model": "no such", "version": "one"}, 400, "bad_target"),
        ({"model": "", "version": "1"}, 400, "bad_target"),
        ({}, 400, "bad_target"),
    ],
)
def test_what_is_not_there_is_the_callers_mistake(
    lab: Any, asked: dict[str, str], status: int, code: str
) -> None:
    answer = lab.http.get("trace", params=asked)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize("asked", [{}, {"model": "a"}, {"version": "1"}, {"name": "a/1"}])
def test_half_a_question_is_told_what_to_say(lab: Any, asked: dict[str, str]) -> None:
    answer = lab.http.get("trace", params=asked)
    said = answer.json()["error"]["message"]
    assert (answer.status_code, said) == (400, "Say model and version, or run with a run's id.")


def test_without_mlflow_it_says_so(lonely_lab: Any, plain_lab: Any) -> None:
    away = lonely_lab.http.get("trace", params={"run": "f" * 32})
    assert (away.status_code, away.json()["error"]["code"]) == (503, "mlflow_unavailable")
    absent = plain_lab.http.get("trace", params={"run": "f" * 32})
    assert (absent.status_code, absent.json()["error"]["code"]) == (503, "not_configured")


def test_logging_the_notebook_by_hand_leaves_what_was_captured_true(
    lab: Any, api: httpx.Client
) -> None:
    """The snapshot of the run's begin stays verified; the notebook of later stands beside it."""
    run = begin(api, "captured")
    before = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    digest = hashlib.sha256(before).hexdigest()
    path = f"{run['experiment_id']}/baton/notebooks/{digest}.ipynb"
    assert api.put(f"{ARTIFACTS}/{path}", content=before).is_success
    tags = {
        "baton.notebook.path": "later.ipynb",
        "baton.notebook.sha256": digest,
        "baton.notebook.snapshot": f"mlflow-artifacts:/{path}",
    }
    pairs = [{"key": key, "value": value} for key, value in tags.items()]
    post(api, "runs/log-batch", {"run_id": run["run_id"], "tags": pairs})
    (lab.home / "later.ipynb").write_text(json.dumps({"cells": [], "metadata": {"later": 1}}))
    assert lab.post(f"runs/{run['run_id']}/notebook", {"path": "later.ipynb"}).status_code == 201
    found = lab.get("trace", run=run["run_id"])
    [step] = [each for each in found["steps"] if each["kind"] == "notebook"]
    assert (step["state"], step["digest"]) == ("verified", digest)
    assert lab.get(f"runs/{run['run_id']}")["tags"]["baton.notebook.artifact"]


@pytest.fixture(scope="module")
def captured(lab: Any, mlflow: Any) -> dict[str, Any]:
    """A run with a snapshot of its notebook, as capture leaves it."""
    headers = {"Authorization": "Bearer scientist-token"}
    with httpx.Client(base_url=mlflow.url + "/", headers=headers, trust_env=False) as api:
        run = begin(api, "snapshots")
        digest = hashlib.sha256(NOTEBOOK).hexdigest()
        path = f"{run['experiment_id']}/baton/notebooks/{digest}.ipynb"
        assert api.put(f"{ARTIFACTS}/{path}", content=NOTEBOOK).is_success
        tags = {
            "baton.notebook.path": "été/../../e:v?il.ipynb",
            "baton.notebook.sha256": digest,
            "baton.notebook.snapshot": f"mlflow-artifacts:/{path}",
        }
        pairs = [{"key": key, "value": value} for key, value in tags.items()]
        post(api, "runs/log-batch", {"run_id": run["run_id"], "tags": pairs})
    return {**run, "path": path, "digest": digest}


NOTEBOOK = '{"cells": [], "metadata": {"é": 1}, "nbformat": 4, "nbformat_minor": 5}'.encode()


def test_a_snapshot_is_put_into_the_home_once_under_a_safe_name(lab: Any, captured: Any) -> None:
    """The recorded path is what a client wrote: only a name is made of it."""
    for _ in range(2):
        answer = lab.post("trace/notebook", {"run": captured["run_id"]})
        assert answer.status_code == 201, answer.text
        path = answer.json()["path"]
        assert path == f"snapshots/evil-{captured['digest'][:8]}.ipynb"
    assert (lab.home / path).read_bytes() == NOTEBOOK


def test_a_snapshot_that_was_changed_is_not_opened(
    lab: Any, captured: Any, api: httpx.Client
) -> None:
    assert api.put(f"{ARTIFACTS}/{captured['path']}", content=b"{}").is_success
    answer = lab.post("trace/notebook", {"run": captured["run_id"]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "notebook_differs")


def test_a_run_without_a_snapshot_has_none_to_open(lab: Any, api: httpx.Client) -> None:
    answer = lab.post("trace/notebook", {"run": begin(api, "bare")["run_id"]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_snapshot")
