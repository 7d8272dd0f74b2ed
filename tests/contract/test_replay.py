"""The replay process answers a saved model's example, and says plainly why when it can't."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def replay(model: Path, *requests: dict[str, Any], python: str = sys.executable) -> dict[str, Any]:
    done = subprocess.run(
        [python, "-m", "baton_contract.replay", str(model)],
        input=json.dumps({"requests": requests}),
        capture_output=True,
        text=True,
        timeout=120,
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == (1 if "error" in answer else 0)
    return answer


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of real data, saved by MLflow with its example."""
    folder = tmp_path_factory.mktemp("model") / "model"
    code = """
import sys, mlflow
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
X, y = load_breast_cancer(return_X_y=True, as_frame=True)
model = LogisticRegression(max_iter=5000).fit(X, y)
# Named requirements, because guessing them takes MLflow seconds.
needs = ["scikit-learn", "pandas"]
mlflow.sklearn.save_model(model, sys.argv[1], input_example=X.head(3), pip_requirements=needs)
"""
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, capture_output=True)
    return folder


def test_model_answers_the_example_that_mlflow_saved(model: Path) -> None:
    request = json.loads((model / "serving_input_example.json").read_text("utf-8"))
    assert replay(model, request, request)["answers"] == [[0, 0, 0], [0, 0, 0]]


def test_request_that_does_not_fit_the_signature_is_one_sentence(model: Path) -> None:
    request = {"dataframe_split": {"columns": ["colour"], "data": [["red"]]}}
    error = replay(model, request)["error"]
    assert error["code"] == "model_failed"
    assert "Traceback" not in error["message"]


def test_folder_without_a_model_is_one_sentence(tmp_path: Path) -> None:
    assert replay(tmp_path, {"inputs": [1]})["error"]["code"] == "model_failed"
