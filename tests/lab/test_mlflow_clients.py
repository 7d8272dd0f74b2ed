"""Notebooks that use MLflow's client as its own examples do, on the platform, unchanged.

Each is a real notebook's kernel on a real Jupyter server; its code knows no address, no
token and nothing of Baton.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.lab.mlflow_asked import Mlflow
from tests.lab.notebooks import Notebook, code_cell, open_notebook, render_notebook

SKLEARN = [
    """
import mlflow
from mlflow.models import infer_signature
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

data = load_iris(as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(data.data, data.target, random_state=4)
params = {"solver": "lbfgs", "max_iter": 1000, "random_state": 8888}
""",
    """
mlflow.set_experiment("client quickstart")
with mlflow.start_run(run_name="by hand") as run:
    model = LogisticRegression(**params).fit(X_train, y_train)
    accuracy = accuracy_score(y_test, model.predict(X_test))
    mlflow.log_params(params)
    mlflow.log_metric("accuracy", accuracy)
    mlflow.set_tag("purpose", "a basic model")
    info = mlflow.sklearn.log_model(
        sk_model=model,
        name="iris_model",
        signature=infer_signature(X_train, model.predict(X_train)),
        input_example=X_train.head(3),
        registered_model_name="client-quickstart",
        pip_requirements=["mlflow", "scikit-learn", "pandas"],
    )
loaded = mlflow.pyfunc.load_model(info.model_uri)
same = mlflow.pyfunc.load_model("models:/client-quickstart/1")
assert (loaded.predict(X_test) == same.predict(X_test)).all()
""",
    """
import json
found = mlflow.search_runs(experiment_names=["client quickstart"])
assert list(found["run_id"]) == [run.info.run_id]
client = mlflow.MlflowClient()
client.set_registered_model_alias("client-quickstart", "champion", "1")
assert client.get_model_version_by_alias("client-quickstart", "champion").version == "1"
print(json.dumps([run.info.run_id, accuracy, info.model_id]))
""",
]
SKLEARN_AUTOLOG = """
import mlflow
import mlflow.sklearn
from sklearn.ensemble import RandomForestRegressor
from sklearn.datasets import load_diabetes
from sklearn.model_selection import GridSearchCV, train_test_split

mlflow.sklearn.autolog(log_models=False, max_tuning_runs=2)
mlflow.set_experiment("client autolog")
X_train, X_test, y_train, y_test = train_test_split(*load_diabetes(return_X_y=True))
with mlflow.start_run() as run:
    search = GridSearchCV(RandomForestRegressor(random_state=0), {"n_estimators": [4, 8]}, cv=2)
    search.fit(X_train, y_train)
    score = search.score(X_test, y_test)
print(run.info.run_id)
"""
XGBOOST = """
import mlflow
import xgboost as xgb
from sklearn.datasets import load_iris
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split

mlflow.set_experiment("client xgboost")
mlflow.xgboost.autolog()
X_train, X_test, y_train, y_test = train_test_split(*load_iris(return_X_y=True), random_state=42)
dtrain, dtest = xgb.DMatrix(X_train, label=y_train), xgb.DMatrix(X_test, label=y_test)
with mlflow.start_run() as run:
    params = {"objective": "multi:softprob", "num_class": 3, "learning_rate": 0.3}
    params |= {"eval_metric": "mlogloss", "seed": 42}
    model = xgb.train(params, dtrain, num_boost_round=5, evals=[(dtrain, "train")])
    proba = model.predict(dtest)
    mlflow.log_metrics({"log_loss": log_loss(y_test, proba),
                        "accuracy": accuracy_score(y_test, proba.argmax(axis=1))})
print(run.info.run_id)
"""
TORCH = """
import mlflow
import torch
from torch import nn

mlflow.set_experiment("client pytorch")
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 1))
X = torch.randn(64, 6)
y = X.sum(dim=1, keepdim=True)
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
with mlflow.start_run() as run:
    mlflow.log_params({"lr": 0.01, "epochs": 20})
    for epoch in range(20):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(X), y)
        loss.backward()
        optimizer.step()
        mlflow.log_metric("loss", loss.item(), step=epoch)
    signature = mlflow.models.infer_signature(X.numpy(), net(X).detach().numpy())
    info = mlflow.pytorch.log_model(net, name="net", signature=signature, input_example=X.numpy(),
                                    pip_requirements=["mlflow", "torch"])
again = mlflow.pyfunc.load_model(info.model_uri)
assert abs(again.predict(X.numpy()) - net(X).detach().numpy()).max() < 1e-5
print(run.info.run_id)
"""


@pytest.fixture
def notebook(lab: Any, request: pytest.FixtureRequest) -> Iterator[Notebook]:
    name = f"clients/{request.node.name}.ipynb"
    with open_notebook(lab, name, render_notebook(code_cell("a", ""))) as opened:
        yield opened


def _data(run: dict[str, Any]) -> tuple[dict[str, str], dict[str, float]]:
    params = {one["key"]: one["value"] for one in run["data"].get("params", [])}
    return params, {one["key"]: one["value"] for one in run["data"].get("metrics", [])}


def _check_origin(records: Mlflow, run_id: str, notebook: Notebook) -> None:
    """The run is the person's own, and says which notebook it comes from."""
    tags = records.captured(run_id)
    assert tags["mlflow.user"] == "scientist"
    assert tags["baton.notebook.path"] == notebook.path


def test_scikit_learn_by_hand(notebook: Notebook, records: Mlflow) -> None:
    """Run, parameters, metric, tag, signature, example, registered model, alias, load, search."""
    for cell in SKLEARN:
        said = notebook.run("a", cell)
    run_id, accuracy, model_id = json.loads(said)
    run = records.run(run_id)
    params, metrics = _data(run)
    assert params == {"solver": "lbfgs", "max_iter": "1000", "random_state": "8888"}
    assert metrics == {"accuracy": accuracy}
    assert run["info"]["run_name"] == "by hand"
    assert [one["model_id"] for one in run["outputs"]["model_outputs"]] == [model_id]
    _check_origin(records, run_id, notebook)


def test_scikit_learn_by_its_own_autologging(notebook: Notebook, records: Mlflow) -> None:
    """With a grid search, whose runs are children, and a score that is logged afterwards."""
    run_id = notebook.run("a", SKLEARN_AUTOLOG)
    params, metrics = _data(records.run(run_id))
    assert params["best_n_estimators"] in {"4", "8"}
    assert "best_cv_score" in metrics
    assert "GridSearchCV_score_X_test" in metrics
    _check_origin(records, run_id, notebook)


def test_xgboost(notebook: Notebook, records: Mlflow) -> None:
    pytest.importorskip("xgboost")
    run_id = notebook.run("a", XGBOOST)
    run = records.run(run_id)
    params, metrics = _data(run)
    assert params["num_boost_round"] == "5"
    assert {"train-mlogloss", "log_loss", "accuracy"} <= metrics.keys()
    assert run["outputs"]["model_outputs"]
    _check_origin(records, run_id, notebook)


def test_pytorch(notebook: Notebook, records: Mlflow) -> None:
    pytest.importorskip("torch")
    run_id = notebook.run("a", TORCH)
    run = records.run(run_id)
    params, metrics = _data(run)
    assert params == {"lr": "0.01", "epochs": "20"}
    assert metrics["loss"] < 10
    assert run["outputs"]["model_outputs"]
    _check_origin(records, run_id, notebook)
