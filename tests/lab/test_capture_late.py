"""What a machine left uncaptured when it ended, where no Jupyter server starts after it."""

from __future__ import annotations

from tests.lab.outage import Gate, Person, Service

pytest_plugins = ("tests.lab.outage",)

ENDS = """
import os, mlflow
from baton_lab.capture import start
mlflow.set_experiment("ended")
run = mlflow.start_run()
# As when the whole machine ends: with its processes of every session.
for collector in start._collectors:
    collector.kill()
print("RUN", run.info.run_id, flush=True)
os.kill(os.getpid(), 9)
"""
AGE = 120 * 10**9


def test_baton_sync_captures_what_was_left_behind_and_sends_it(
    service: Service, gate: Gate, person: Person
) -> None:
    with person.running(ENDS) as process:
        said, _ = process.communicate(timeout=120)
    assert "RUN" in said
    (run,) = service.runs("ended")
    assert "baton.packages.sha256" not in _tags(run)
    folder = person.home / ".local/share/jupyter/baton/capture"
    (request,) = folder.glob("*.json")
    # It may still be somebody's who is at it.
    assert person.sync() == (0, "Nothing waits to be sent.\n")
    key, moment, *rest = request.name.split(".")
    request.rename(folder / ".".join((key, f"{int(moment) - AGE:020d}", *rest)))
    code, said = person.sync()
    assert code == 0, said
    assert said.startswith("Sent ")
    assert not [*folder.glob("*.json")]
    (run,) = service.runs("ended")
    tags = _tags(run)
    assert tags["baton.script.path"] == "script0.py"
    assert {"baton.packages.sha256", "baton.script.snapshot"} <= tags.keys()
    assert person.sync() == (0, "Nothing waits to be sent.\n")


def _tags(run: dict[str, dict[str, list[dict[str, str]]]]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in run["data"]["tags"]}
