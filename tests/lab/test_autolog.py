"""Autologging in real kernels, as it is set: nobody writes a line of code for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.lab.mlflow_asked import Mlflow
from tests.lab.notebooks import Notebook, code_cell, open_notebook, render_notebook

FIT = """
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
model = LogisticRegression(max_iter=300, C={c}).fit(*load_iris(return_X_y=True))
import mlflow
run = mlflow.last_active_run()
print(run.info.run_id if run else None)
"""
# For each model MLflow guesses what it needs, in a process of three seconds that nobody asks for.
UNGUESSED = "import os; os.environ['MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT'] = '0'"
HAS_MLFLOW = "import sys; print('mlflow' in sys.modules)"
HOOKS = """
import sys
print([type(one).__name__ for one in sys.meta_path if "baton" in type(one).__module__])
"""


@pytest.fixture(autouse=True)
def settings(lab: Any) -> Iterator[Path]:
    """Where the settings are; none are set yet."""
    path: Path = lab.home / ".local/share/jupyter/baton/settings.json"
    path.unlink(missing_ok=True)
    yield path
    path.unlink(missing_ok=True)


@pytest.fixture
def notebook(lab: Any, request: pytest.FixtureRequest) -> Iterator[Notebook]:
    name = f"autolog/{request.node.name[:40]}.ipynb"
    with open_notebook(lab, name, render_notebook(code_cell("a", ""))) as opened:
        opened.run("a", UNGUESSED)
        yield opened


def set_autolog(lab: Any, autolog: str | None, notebook: str | None = None) -> None:
    named = {} if notebook is None else {"notebook": notebook}
    answer = lab.http.put("settings", json={**named, "autolog": autolog})
    assert answer.is_success, answer.text


def data(records: Mlflow, run: str) -> tuple[dict[str, str], dict[str, float], list[Any]]:
    """Return a run's parameters, metrics and models."""
    found = records.run(run)
    params = {one["key"]: one["value"] for one in found["data"].get("params", [])}
    metrics = {one["key"]: one["value"] for one in found["data"].get("metrics", [])}
    return params, metrics, found.get("outputs", {}).get("model_outputs", [])


def test_with_off_nothing_of_ours_happens(notebook: Notebook) -> None:
    assert notebook.run("a", HOOKS) == "[]"
    assert notebook.run("a", "import sklearn\n" + HAS_MLFLOW) == "False"
    assert notebook.run("a", FIT.format(c=1)) == "None"


def test_metrics_are_logged_for_code_that_never_heard_of_mlflow(
    notebook: Notebook, lab: Any, records: Mlflow
) -> None:
    """MLflow is loaded when scikit-learn is, and not before."""
    set_autolog(lab, "metrics")
    assert notebook.run("a", HAS_MLFLOW) == "False"
    assert notebook.run("a", "import sklearn.linear_model\n" + HAS_MLFLOW) == "True"
    params, metrics, models = data(records, run := notebook.run("a", FIT.format(c=7)))
    assert params["C"] == "7"
    assert 0.9 < metrics["training_score"] <= 1
    assert models == []
    found = records.run(run)
    assert found["inputs"]["dataset_inputs"], "the data set's digest"
    assert found["info"]["status"] == "FINISHED"
    assert records.captured(run)["baton.notebook.path"] == notebook.path
    assert notebook.run("a", HOOKS) == "[]"


def test_metrics_are_logged_where_the_code_imports_mlflow(
    notebook: Notebook, lab: Any, records: Mlflow
) -> None:
    set_autolog(lab, "metrics", notebook.path)
    code = "import mlflow\nmlflow.set_experiment('mine')\n" + FIT.format(c=5)
    params, metrics, models = data(records, notebook.run("a", code))
    assert params["C"] == "5"
    assert "training_score" in metrics
    assert models == []


def test_models_are_logged_only_where_they_are_asked_for(
    notebook: Notebook, lab: Any, records: Mlflow
) -> None:
    """With a signature and an example, so that they can be handed over."""
    set_autolog(lab, "models", notebook.path)
    run = notebook.run("a", FIT.format(c=3))
    (model,) = data(records, run)[2]
    said = records.file(
        records.run(run)["info"]["artifact_uri"].replace(
            f"{run}/artifacts", f"models/{model['model_id']}/artifacts"
        )
        + "/MLmodel"
    ).decode()
    assert "signature:" in said
    assert "saved_input_example_info:" in said


def test_a_running_kernel_follows_at_its_next_cell(
    notebook: Notebook, lab: Any, records: Mlflow
) -> None:
    """Off, on, models, off: also with scikit-learn loaded before."""
    assert notebook.run("a", "import sklearn\n" + HAS_MLFLOW) == "False"
    set_autolog(lab, "metrics", notebook.path)
    first = notebook.run("a", FIT.format(c=1))
    assert data(records, first)[1]
    set_autolog(lab, "models", notebook.path)
    second = notebook.run("a", FIT.format(c=2))
    assert second != first
    assert data(records, second)[2]
    set_autolog(lab, "off", notebook.path)
    assert notebook.run("a", FIT.format(c=3)) == second
    set_autolog(lab, "metrics")
    assert notebook.run("a", FIT.format(c=3)) == second
    set_autolog(lab, None, notebook.path)
    third = notebook.run("a", FIT.format(c=4))
    assert third != second
    assert data(records, third)[2] == []


def test_a_setting_follows_a_rename_into_the_running_kernel(
    notebook: Notebook, lab: Any, settings: Path, until: Callable[..., Any]
) -> None:
    set_autolog(lab, "metrics", notebook.path)
    notebook.rename("autolog/größer.ipynb")
    own = {"autolog/größer.ipynb": "metrics"}
    until(lambda: json.loads(settings.read_bytes())["notebooks"] == own, 20)
    assert notebook.run("a", FIT.format(c=1)) != "None"


@pytest.mark.parametrize(
    "call",
    [
        "mlflow.autolog(disable=True)",
        "mlflow.sklearn.autolog(disable=True)",
        "import sklearn\nmlflow.sklearn.autolog(disable=True)",
    ],
)
def test_what_the_code_turns_off_stays_off(notebook: Notebook, lab: Any, call: str) -> None:
    set_autolog(lab, "metrics", notebook.path)
    assert notebook.run("a", f"import mlflow\n{call}\n" + FIT.format(c=1)) == "None"
    set_autolog(lab, "models", notebook.path)
    assert notebook.run("a", FIT.format(c=1)) == "None"


@pytest.mark.parametrize("call", ["mlflow.autolog()", "mlflow.sklearn.autolog()"])
@pytest.mark.parametrize("before", ["off", "metrics"])
def test_what_the_code_turns_on_stays_as_it_says(
    notebook: Notebook, lab: Any, records: Mlflow, call: str, before: str
) -> None:
    """With models here, whatever is set before and after."""
    set_autolog(lab, before, notebook.path)
    notebook.run("a", f"import mlflow\n{call}")
    set_autolog(lab, "metrics", notebook.path)
    assert data(records, notebook.run("a", FIT.format(c=1)))[2]
    set_autolog(lab, "off", notebook.path)
    assert data(records, notebook.run("a", FIT.format(c=2)))[0]["C"] == "2"
    assert data(records, notebook.run("a", FIT.format(c=2)))[2]


def test_a_broken_file_is_said_once_and_changes_nothing(
    notebook: Notebook, lab: Any, settings: Path
) -> None:
    set_autolog(lab, "metrics", notebook.path)
    assert notebook.run("a", FIT.format(c=1)) != "None"
    settings.write_text('{"autolog": ')
    notebook.run("a", "1")
    assert "can't be used" in notebook.complained
    notebook.run("a", "1")
    assert notebook.complained == ""
    assert notebook.run("a", FIT.format(c=1)) != "None"


CHOOSE = """
from baton_lab.kernel import autolog
from baton_contract.errors import PublicError
try:
    print(autolog.choose({word!r}))
except PublicError as error:
    print("REFUSED", error.message)
"""


def test_the_kernel_itself_can_set_it_for_its_notebook(
    notebook: Notebook, lab: Any, settings: Path
) -> None:
    """At once, in the same cell."""
    name = notebook.path.rpartition("/")[2]
    said = notebook.run("a", CHOOSE.format(word="on"))
    assert said == f"Autologging for {name}: metrics and parameters."
    assert lab.get("settings", notebook=notebook.path)["notebook"] == "metrics"
    first = notebook.run("a", CHOOSE.format(word="on") + FIT.format(c=1))
    assert first != "None"
    assert notebook.run("a", CHOOSE.format(word="off") + FIT.format(c=1)) == first
    assert notebook.run("a", CHOOSE.format(word="models")).endswith("parameters and models.")
    said = notebook.run("a", CHOOSE.format(word="default"))
    assert said == f"Autologging for {name}: off, as for all your notebooks."
    assert json.loads(settings.read_bytes())["notebooks"] == {}
    assert notebook.run("a", CHOOSE.format(word="loud")).startswith("REFUSED Say one of on,")
    notebook.run("a", "mlflow.autolog()")
    assert "own mlflow.autolog() decides" in notebook.run("a", CHOOSE.format(word="on"))
    settings.write_text("{")
    assert notebook.run("a", CHOOSE.format(word="on")).startswith("REFUSED Your settings in")


PICTURES = """
import mlflow
from sklearn.datasets import load_breast_cancer
from sklearn.tree import DecisionTreeClassifier
def pictures():
    DecisionTreeClassifier(max_depth=2).fit(*load_breast_cancer(return_X_y=True))
    found = mlflow.artifacts.list_artifacts(run_id=mlflow.last_active_run().info.run_id)
    return sorted(one.path for one in found)
print(pictures())
"""


def test_pictures_are_neither_metrics_nor_parameters(notebook: Notebook, lab: Any) -> None:
    """They cost more than the fit; whoever asks for them, with models or in code, gets them."""
    set_autolog(lab, "metrics", notebook.path)
    assert notebook.run("a", PICTURES) == "[]"
    set_autolog(lab, "models", notebook.path)
    drawn = notebook.run("a", "print(pictures())")
    assert "training_confusion_matrix.png" in drawn
    assert "estimator.html" in drawn
    set_autolog(lab, "metrics", notebook.path)
    assert notebook.run("a", "print(pictures())") == "[]"
    code = "mlflow.sklearn.autolog(log_models=False)\nprint(pictures())"
    assert notebook.run("a", code) == drawn


def test_a_library_that_imports_another_one_is_logged_once(
    notebook: Notebook, lab: Any, records: Mlflow
) -> None:
    """XGBoost imports scikit-learn while it is half made itself."""
    pytest.importorskip("xgboost")
    set_autolog(lab, "metrics")
    notebook.run("a", "import xgboost")
    code = """
import mlflow, numpy
first = mlflow.last_active_run()
X = numpy.random.default_rng(0).normal(size=(80, 3))
data = xgboost.DMatrix(X, label=X.sum(axis=1))
xgboost.train({"max_depth": 2}, data, num_boost_round=3, evals=[(data, "train")])
print(mlflow.last_active_run().info.run_id if first is None else None)
"""
    params, metrics, models = data(records, notebook.run("a", code))
    assert params["max_depth"] == "2"
    assert "train-rmse" in metrics
    assert models == []
