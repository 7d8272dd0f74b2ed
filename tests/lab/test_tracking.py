"""Runs, artifacts, notebooks and models, from a real MLflow behind its guard."""

from __future__ import annotations

import hashlib
from typing import Any

import httpx
import pytest


def test_the_experiment_and_its_run_are_listed(lab: Any, trained: Any) -> None:
    experiments = {e["id"]: e["name"] for e in lab.get("experiments")["items"]}
    assert experiments[trained.experiment_id] == "tumours"
    [run] = lab.get("runs", experiment=trained.experiment_id)["items"]
    assert run["run_id"] == trained.run_id
    assert (run["name"], run["status"], run["user"]) == ("with-model", "FINISHED", "scientist")
    assert run["notebook"] == "tumours.ipynb"
    assert run["model_count"] == 2


def test_a_metric_that_is_not_finite_is_null_and_the_answer_is_json(lab: Any, trained: Any) -> None:
    run = lab.get(f"runs/{trained.run_id}")
    assert run["metrics"]["broken"] is None
    assert run["metrics"]["accuracy"] > 0.9
    assert run["params"] == {"max_iter": "5000"}


def test_a_runs_models_carry_flavors(lab: Any, trained: Any) -> None:
    models = {m["model_id"]: m for m in lab.get(f"runs/{trained.run_id}")["models"]}
    assert models[trained.model_id]["flavors"] == ["python_function", "sklearn"]


def test_pages_neither_repeat_nor_skip_runs_that_start_meanwhile(
    lab: Any, mlflow: Any, until: Any
) -> None:
    """The cursor stands on a start time, so a run started between two pages moves nothing."""
    api = httpx.Client(
        base_url=mlflow.url + "/api/2.0/mlflow/",
        headers={"Authorization": "Bearer scientist-token"},
        trust_env=False,
    )
    experiment = api.post("experiments/create", json={"name": "many"}).json()["experiment_id"]

    def begin(time: int) -> str:
        body = {"experiment_id": experiment, "start_time": time}
        run: str = api.post("runs/create", json=body).json()["run"]["info"]["run_id"]
        return run

    # Ties across the border of the page, as a sweep that starts runs at once makes them.
    begun = {begin(1_000 + number // 10) for number in range(70)}
    first = lab.get("runs", experiment=experiment)
    begin(5_000)
    second = lab.get("runs", experiment=experiment, cursor=first["next_cursor"])
    ids = [run["run_id"] for run in first["items"] + second["items"]]
    assert len(ids) == len(set(ids))
    assert set(ids) == begun
    assert second["next_cursor"] is None


def test_artifacts_are_listed_by_folder(lab: Any, trained: Any) -> None:
    [folder] = lab.get(f"runs/{trained.run_id}/artifacts")["items"][:1]
    assert folder == {"path": "notes", "size": None, "is_dir": True}
    [file] = lab.get(f"runs/{trained.run_id}/artifacts", path="notes")["items"]
    assert file == {"path": "notes/readme.txt", "size": 11, "is_dir": False}


@pytest.mark.parametrize(
    "path", ["..", "../..", "/etc", "notes/../..", "notes//x", "a\\b", "%2e%2e/x"]
)
def test_a_path_that_leads_out_is_refused(lab: Any, trained: Any, path: str) -> None:
    answer = lab.http.get(f"runs/{trained.run_id}/artifacts", params={"path": path})
    assert answer.status_code in {400, 404}
    assert answer.json()["error"]["message"]


def test_the_saved_notebook_is_logged_to_the_run(lab: Any, trained: Any, mlflow: Any) -> None:
    answer = lab.post(f"runs/{trained.run_id}/notebook", {"path": "tumours.ipynb"})
    assert answer.status_code == 201
    text = (lab.home / "tumours.ipynb").read_bytes()
    assert answer.json() == {
        "artifact_path": "notebook/tumours.ipynb",
        "sha256": hashlib.sha256(text).hexdigest(),
    }
    stored = httpx.get(
        mlflow.url + "/get-artifact",
        params={"run_id": trained.run_id, "path": "notebook/tumours.ipynb"},
        headers={"Authorization": "Bearer scientist-token"},
        trust_env=False,
    )
    assert stored.content == text
    tags = lab.get(f"runs/{trained.run_id}")["tags"]
    assert tags["baton.notebook.path"] == "tumours.ipynb"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("missing.ipynb", "no_file"),
        ("../outside.ipynb", "no_file"),
        (".hidden.ipynb", "no_file"),
        ("notes.txt", "not_a_notebook"),
    ],
)
def test_only_a_saved_notebook_of_ones_own_can_be_logged(
    lab: Any, trained: Any, path: str, code: str
) -> None:
    (lab.home / ".hidden.ipynb").write_text("{}")
    (lab.home.parent / "outside.ipynb").write_text("{}")
    answer = lab.post(f"runs/{trained.run_id}/notebook", {"path": path})
    assert answer.json()["error"]["code"] == code


def test_a_model_is_registered_from_its_run(lab: Any, trained: Any) -> None:
    body = {"name": "registered", "run_id": trained.run_id, "model_id": trained.model_id}
    first, second = lab.post("models", body), lab.post("models", body)
    assert first.status_code == second.status_code == 201
    assert [first.json()["version"], second.json()["version"]] == ["1", "2"]
    [model] = [m for m in lab.get("models")["items"] if m["name"] == "registered"]
    assert [v["version"] for v in model["versions"]] == ["2", "1"]
    assert model["versions"][0]["run_id"] == trained.run_id
    assert model["versions"][0]["user"] == "scientist"
    models = {m["model_id"]: m for m in lab.get(f"runs/{trained.run_id}")["models"]}
    assert {"name": "registered", "version": "1"} in models[trained.model_id]["registered"]


@pytest.mark.parametrize("artifact", ["notes", "notes/readme.txt", "nothing"])
def test_an_artifact_that_is_no_model_is_not_registered(
    lab: Any, trained: Any, artifact: str
) -> None:
    """And nothing is left behind: the registered model is not made either."""
    body = {"name": "no-model", "run_id": trained.run_id, "model_id": artifact}
    answer = lab.post("models", body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "not_a_model"
    assert "log_model" in answer.json()["error"]["message"]
    assert "no-model" not in [m["name"] for m in lab.get("models")["items"]]


def test_a_model_that_is_still_being_logged_is_shown_and_not_registered(
    lab: Any, trained: Any, mlflow: Any
) -> None:
    experiment = lab.get(f"runs/{trained.run_id}")["experiment_id"]
    begun = httpx.post(
        mlflow.url + "/api/2.0/mlflow/logged-models",
        json={"experiment_id": experiment, "name": "late", "source_run_id": trained.run_id},
        headers={"Authorization": "Bearer scientist-token"},
        trust_env=False,
    )
    model_id = begun.json()["model"]["info"]["model_id"]
    ready = {m["model_id"]: m["is_ready"] for m in lab.get(f"runs/{trained.run_id}")["models"]}
    assert ready[model_id] is False
    assert ready[trained.model_id] is True
    body = {"name": "late", "run_id": trained.run_id, "model_id": model_id}
    answer = lab.post("models", body)
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "model_not_ready"
    assert "late" not in [m["name"] for m in lab.get("models")["items"]]


def test_a_model_of_another_run_is_not_found(lab: Any, trained: Any) -> None:
    body = {"name": "x", "run_id": "0" * 32, "model_id": trained.model_id}
    assert lab.post("models", body).status_code == 404


def test_the_example_notebook_is_copied_once(lab: Any) -> None:
    """A second time it stays as the person left it."""
    first = lab.post("example")
    if first.status_code == 404:
        pytest.skip("the example notebook is not part of this checkout yet")
    path = lab.home / first.json()["path"]
    path.write_text("{}")
    assert lab.post("example").json() == first.json()
    assert path.read_text() == "{}"
