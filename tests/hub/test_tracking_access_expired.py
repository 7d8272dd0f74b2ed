"""A row that a rollback left unread is checked as any other, before it is written."""

from __future__ import annotations

from pathlib import Path

from tests.hub.walled import run_walled

EXPIRED = """
from mlflow.store.tracking.dbmodels.models import SqlRun

with request("ada"):
    experiment = runs.create_experiment("read by all", tags=[ExperimentTag("baton.write", "[]")])
    run = runs.create_run(experiment, "x", 1, [], "ada's").info.run_id


def write(read):
    with runs.ManagedSessionMaker(read_only=False) as session:
        row = session.get(SqlRun, run)
        if not read:
            session.expire(row)
        row.name = "eve's"


with request("eve"):
    found = {"read": answer(write, True), "unread": answer(write, False)}
with request("ada"):
    found["own"] = answer(write, False)
print(json.dumps(found))
"""


def test_a_row_that_is_not_loaded_is_not_written_by_who_may_only_read_it(tmp_path: Path) -> None:
    found = run_walled(EXPIRED, f"sqlite:///{tmp_path}/mlflow.sqlite")
    assert found == {"read": "PERMISSION_DENIED", "unread": "PERMISSION_DENIED", "own": "done"}
