"""The model registry while MLflow is away: one line within seconds, nothing registered twice."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lab.outage import Gate, Person, Service

pytest_plugins = ("tests.lab.outage",)

AWAY = "MLflow does not answer. "
UNREAD = f"{AWAY}The registry can't be read now. Try again as soon as that is over."
NOTHING = (
    "Nothing was registered or changed; what you logged is kept. Try again as soon as that is over."
)
UNDONE = AWAY + NOTHING
UNSURE = (
    "MLflow does not answer. This may have been registered or changed all the same; "
    "what you logged is kept. Look in the registry before you try again."
)
CALLS = {
    "register": "mlflow.register_model('models:/m-0123', 'iris')",
    "load": "mlflow.pyfunc.load_model('models:/iris/1')",
    "champion": "mlflow.pyfunc.load_model('models:/iris@champion')",
    "search": "client.search_registered_models()",
    "make": "client.create_registered_model('iris')",
    "hooks": "client.list_webhooks()",
}
TRY = """
import json, time, mlflow
client = mlflow.MlflowClient()
for name, call in {calls!r}.items():
    began = time.monotonic()
    try:
        eval(call)
        said = "done"
    except mlflow.exceptions.MlflowException as error:
        said = str(error)
    print("TRIED", json.dumps([name, said, time.monotonic() - began]), flush=True)
"""
IMPATIENT = """
import mlflow
from baton_lab.offline import store
assert sum(store.TIMEOUT) <= 33
store.TIMEOUT = (1.0, 0.5)
"""


def _tried(said: str) -> tuple[dict[str, str], list[float]]:
    """Return what each call ended with, and the seconds that each took."""
    lines = (line for line in said.splitlines() if line.startswith("TRIED "))
    tried = [json.loads(line.removeprefix("TRIED ")) for line in lines]
    return {name: text for name, text, _ in tried}, [seconds for *_, seconds in tried]


def test_where_mlflow_refuses_connections_each_call_ends_with_one_line_within_seconds(
    gate: Gate, person: Person
) -> None:
    gate.close()
    found, took = _tried(person.run(TRY.format(calls=CALLS)))
    reading = dict.fromkeys(("load", "champion", "search", "hooks"), UNREAD)
    assert found == {"register": UNDONE, "make": UNDONE, **reading}
    assert took[0] < 4
    assert sum(took) < 6  # The first call waits for all.


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[Person]:
    """Somebody whose MLflow takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield Person(tmp_path, f"http://127.0.0.1:{server.getsockname()[1]}/services/mlflow")


def test_an_mlflow_that_never_answers_is_asked_once_a_call(silent: Person) -> None:
    found, took = _tried(silent.run(IMPATIENT + TRY.format(calls=CALLS)))
    reading = dict.fromkeys(("load", "champion", "search", "hooks"), UNREAD)
    assert found == {"register": UNSURE, "make": UNSURE, **reading}
    assert max(took) < 2


def _versions(service: Service, name: str) -> list[str]:
    with service.http as http:
        answer = http.get("model-versions/search", params={"filter": f"name='{name}'"})
    found = answer.raise_for_status().json().get("model_versions", [])
    return [version["version"] for version in found]


def test_a_version_whose_answer_is_lost_is_made_once_and_the_line_says_to_look(
    service: Service, gate: Gate, person: Person
) -> None:
    experiment = service.post("experiments/create", name="lost answer")["experiment_id"]
    run = service.post("runs/create", experiment_id=experiment)["run"]["info"]
    make = f"client.create_model_version('lost', {run['artifact_uri']!r}, {run['run_id']!r})"
    service.post("registered-models/create", name="lost")
    gate.swallows = b"/model-versions/create"
    found, _ = _tried(person.run(TRY.format(calls={"make": make})))
    assert found == {"make": UNSURE}
    deadline = time.monotonic() + 5
    while not (versions := _versions(service, "lost")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert versions == ["1"]


LOGS = """
import mlflow
class Nothing(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[str]) -> list[str]:
        return model_input
mlflow.set_experiment("unsent model")
with mlflow.start_run() as run:
    info = mlflow.pyfunc.log_model(name="m", python_model=Nothing(), pip_requirements=["mlflow"])
print("KEPT", run.info.run_id, info.model_id)
"""


def test_a_model_that_waits_is_registered_by_its_local_ids_once_it_was_sent(
    service: Service, gate: Gate, person: Person
) -> None:
    gate.close()
    early = {"early": "client.create_model_version('unsent', 'models:/' + info.model_id)"}
    said = person.run(LOGS + TRY.format(calls=early))
    run, model = next(line.split()[1:] for line in said.splitlines() if line.startswith("KEPT"))
    found, _ = _tried(said)
    waits = "What you name here was logged while MLflow was away, and still waits to be sent. "
    assert found == {"early": waits + NOTHING}
    gate.open()
    assert person.sync()[0] == 0
    uris = f"models:/{model}", f"runs:/{run}/m"
    calls = {uri: f"mlflow.register_model({uri!r}, 'unsent')" for uri in uris}
    found, _ = _tried(person.run(TRY.format(calls=calls)))
    assert found == dict.fromkeys(uris, "done")
    (sent,) = service.runs("unsent model")
    assert sent["info"]["run_id"] != run
    for number in ("1", "2"):
        params = {"name": "unsent", "version": number}
        with service.http as http:
            answer = http.get("model-versions/get", params=params).raise_for_status()
        version = answer.json()["model_version"]
        assert version["source"].startswith("models:/m-")
        assert version["run_id"] == sent["info"]["run_id"]
        assert "offline" not in json.dumps(version)
