"""What others make or close while a request runs is neither read nor changed by it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.hub.walled import run_walled
from tests.postgres import make_database
from tests.postgres import postgres as postgres

# Two requests in one process, the second wholly between two statements of the first.
BETWEEN = """
from mlflow.entities.model_registry import RegisteredModelTag


def private_of(kind):
    return [kind(key, value) for key, value in private.items()]


def make(name, tags=()):
    return runs.create_experiment(name, tags=list(tags))


def run_in(experiment):
    return answer(runs.create_run, experiment, "x", 1, [], "r")


def seen():
    names = [one.name for one in runs.search_experiments()]
    return names + [one.name for one in models.search_registered_models()]


with request("ada"):
    shown = make("shown")
    make("of the set")
found = {}
with request("eve"):
    found["first"] = seen()
    with request("ada"):
        hidden = make("hidden", private_of(ExperimentTag))
        models.create_registered_model("hidden model", private_of(RegisteredModelTag))
        make("open")
        for key, value in private.items():
            runs.set_experiment_tag(shown, ExperimentTag(key, value))
        later = runs.create_run(shown, "x", 1, [], "later").info.run_id
    found["later"] = seen()
    found["get"] = answer(runs.get_experiment, hidden)
    found["run"] = run_in(hidden)
    found["run later"] = answer(runs.get_run, later)
    found["version"] = answer(models.create_model_version, "hidden model", "s3://b/m")
    found["dataset"] = answer(runs.create_dataset, "mine", experiment_ids=[hidden])
    # What is one's own shows at once, as it always does.
    own = make("own", private_of(ExperimentTag))
    models.create_registered_model("own model", private_of(RegisteredModelTag))
    found["own"] = [run_in(own), answer(models.create_model_version, "own model", "s3://b/m")]
    found["with own"] = seen()
with request("olga", operations=True):
    seen()
    with request("ada"):
        make("newest", private_of(ExperimentTag))
    found["olga"] = "newest" in seen()
with request("eve"):
    found["next request"] = seen()
print(json.dumps(found))
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of MLflow's, without anything in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/mlflow.sqlite"
    return make_database(request.getfixturevalue("postgres"), "between")


def test_a_request_sees_and_changes_nothing_that_was_closed_before_it_was_there(
    database: str,
) -> None:
    found = run_walled(BETWEEN, database)
    before = {"Default", "shown", "of the set"}
    assert set(found["first"]) == before
    # What was opened meanwhile shows with the next request.
    assert set(found["later"]) == before - {"shown"}
    nothing = ("get", "run", "run later", "version", "dataset")
    assert {found[one] for one in nothing} == {"RESOURCE_DOES_NOT_EXIST"}, found
    assert found["own"] == ["done", "done"]
    assert set(found["with own"]) == before - {"shown"} | {"own", "own model"}
    assert set(found["next request"]) == before - {"shown"} | {"own", "own model", "open"}
    assert found["olga"]
