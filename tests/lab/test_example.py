"""The example notebook does what it says, as somebody signed in to the platform."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from tests.tracking import Tracking

from baton_contract.example import difference
from baton_contract.replay import replay

pytest_plugins = ("tests.tracking",)

EXAMPLE = files("baton_lab") / "examples" / "breast-cancer.ipynb"


def test_the_notebook_is_valid_and_holds_no_address_output_or_secret() -> None:
    text = EXAMPLE.read_text()
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert notebook.nbformat_minor == 5
    assert [cell.outputs for cell in notebook.cells if cell.cell_type == "code"] == [[]] * 5
    assert not re.search(r"https?://|token|password|environ|set_tracking_uri", text)


def test_the_example_leaves_runs_data_and_a_model_under_the_hubs_user(
    tracking: Tracking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environment = tracking.kernel_environment("scientist") | {
        "HOME": str(home),
        "JPY_SESSION_NAME": str(home / "breast-cancer.ipynb"),
        "BATON_PROFILE": "data-science",
    }
    notebook = nbformat.reads(EXAMPLE.read_text(), as_version=4)
    NotebookClient(notebook, timeout=120).execute(env=environment, cwd=str(home))

    found = tracking.call("scientist", "experiments/search", {"max_results": 100})["experiments"]
    experiment = next(e["experiment_id"] for e in found if e["name"] == "breast-cancer")
    search = {"experiment_ids": [experiment], "order_by": ["metrics.cv_roc_auc DESC"]}
    runs = tracking.call("scientist", "runs/search", search)["runs"]
    assert len(runs) == 3
    for run in runs:
        tags = {tag["key"]: tag["value"] for tag in run["data"]["tags"]}
        assert run["info"]["user_id"] == tags["mlflow.user"] == "scientist"
        assert tags["baton.notebook.path"] == "breast-cancer.ipynb"
        assert tags["baton.profile"] == "data-science"
        datasets = [item["dataset"]["name"] for item in run["inputs"]["dataset_inputs"]]
        assert datasets == ["breast-cancer-training"]
    best = {metric["key"]: metric["value"] for metric in runs[0]["data"]["metrics"]}
    assert best["test_roc_auc"] > 0.98
    assert best["test_recall_malignant"] > 0.9

    (output,) = runs[0]["outputs"]["model_outputs"]
    location = f"{experiment}/models/{output['model_id']}/artifacts"
    model = _download(tracking, location, tmp_path / "model")
    assert (model / "model.skops").is_file()
    assert not list(model.glob("*.pkl"))
    request = json.loads((model / "serving_input_example.json").read_text())
    (answer,) = replay(str(model), [request])
    assert difference(["benign", "benign", "malignant"], answer, 0.0) is None


def _download(tracking: Tracking, location: str, folder: Path) -> Path:
    folder.mkdir()
    base = "/api/2.0/mlflow-artifacts/artifacts"
    with tracking.client("scientist") as client:
        for item in client.get(base, params={"path": location}).json()["files"]:
            content = client.get(f"{base}/{location}/{item['path']}").content
            (folder / item["path"]).write_bytes(content)
    return folder
