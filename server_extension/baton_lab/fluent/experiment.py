"""The experiment that a notebook's runs go into."""

from __future__ import annotations

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import fluent


def choose(name: str) -> str:
    """Let runs go into the experiment of that name, made where there is none; say so."""
    mlflow.set_experiment(name)
    active = mlflow.active_run()
    stays = f" The run {active.info.run_name} stays where it is." if active else ""
    return f"Runs go into the experiment {name}.{stays}"


def describe() -> str:
    """Return a sentence on where runs go now; asks MLflow."""
    return f"Runs go into the experiment {current_name()}."


def current_name() -> str:
    """Return the name of the experiment that a run would go into, its id where MLflow is away."""
    experiment_id = str(fluent._get_experiment_id())
    try:
        return str(mlflow.MlflowClient().get_experiment(experiment_id).name)
    except MlflowException:
        return experiment_id
