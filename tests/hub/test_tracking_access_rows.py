"""Rows as SQLAlchemy may hold them and MLflow's routes seldom do, checked as any other."""

from __future__ import annotations

from pathlib import Path

from tests.hub.walled import run_walled

ROWS = """
from mlflow.entities import LoggedModelOutput
from mlflow.store.tracking.dbmodels.models import SqlInput, SqlRun


def make(name, tags):
    experiment = runs.create_experiment(name, tags=[ExperimentTag(*tag) for tag in tags.items()])
    run = runs.create_run(experiment, "x", 1, [], name).info.run_id
    return run, runs.create_logged_model(experiment, "m", source_run_id=run).model_id


def rename(run, read):
    with runs.ManagedSessionMaker(read_only=False) as session:
        row = session.get(SqlRun, run)
        if not read:
            session.expire(row)
        row.name = "another"


def lead(run, to):
    with runs.ManagedSessionMaker(read_only=False) as session:
        row = session.query(SqlInput).filter(SqlInput.source_id == run).one()
        row.destination_id = to


with request("ada"):
    theirs, _ = make("read by all", {"baton.write": "[]"})
    _, hidden = make("hidden", private)
with request("eve"):
    mine, model = make("eve's", {})
    runs.log_outputs(mine, [LoggedModelOutput(model, 0)])
    found = {"read": answer(rename, theirs, True), "unread": answer(rename, theirs, False)}
    found |= {"own": answer(rename, mine, False), "link": answer(lead, mine, hidden)}
print(json.dumps(found))
"""


def test_no_state_of_a_row_is_a_way_past_the_checks(tmp_path: Path) -> None:
    """A row that a rollback left unread, and a link that is led elsewhere."""
    found = run_walled(ROWS, f"sqlite:///{tmp_path}/mlflow.sqlite")
    assert found == {
        "read": "PERMISSION_DENIED",
        "unread": "PERMISSION_DENIED",
        "own": "done",
        "link": "RESOURCE_DOES_NOT_EXIST",
    }
