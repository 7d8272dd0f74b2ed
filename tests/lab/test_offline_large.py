"""Ten megabytes of parameters, and what is more than MLflow takes, with MLflow there: accepted
whole, or refused in one line that says how much it may be; the run goes on."""

from __future__ import annotations

import pytest
from tests.lab.outage import Gate, Person, Service

pytest_plugins = ("tests.lab.outage",)

LOGS = """
import mlflow
from mlflow.entities import Param
mlflow.set_experiment({experiment!r})
with mlflow.start_run() as run:
    mlflow.log_param("before", 1)
    try:
        {call}
    except mlflow.exceptions.MlflowException as error:
        print("LINES", len(str(error).strip().splitlines()))
        print("ERROR", str(error)[:500])
    mlflow.log_param("after", 1)
"""


def _log(
    service: Service, person: Person, experiment: str, call: str
) -> tuple[str, dict[str, str]]:
    """Log in a run; return what was said, and the parameters that MLflow has then."""
    said = person.run(LOGS.format(experiment=experiment, call=call))
    assert "is kept" not in said
    assert "Traceback" not in said
    (run,) = service.runs(experiment)
    assert run["info"]["status"] == "FINISHED"
    found = {param["key"]: param["value"] for param in run["data"]["params"]}
    assert (found.pop("before"), found.pop("after")) == ("1", "1")
    return said, found


def test_ten_megabytes_of_parameters_are_accepted_whole(service: Service, person: Person) -> None:
    call = "mlflow.log_params({f'p{n:04}': chr(97 + n % 26) * 5000 for n in range(2100)})"
    said, found = _log(service, person, "ten", call)
    assert "ERROR" not in said
    assert len(found) == 2100
    assert found["p0027"] == "b" * 5000


def test_a_value_of_ten_megabytes_is_shortened_by_mlflow_as_everywhere(
    service: Service, person: Person
) -> None:
    said, found = _log(service, person, "long", "mlflow.log_param('long', 'x' * 10_000_000)")
    assert "ERROR" not in said
    assert found["long"] == "x" * 6000


def test_values_that_json_writes_longer_than_they_are_arrive(
    service: Service, person: Person
) -> None:
    """Seven megabytes in one request: each character is twelve."""
    call = "mlflow.log_params({f'p{n}': '\\U0001F3C3' * 6000 for n in range(100)})"
    said, found = _log(service, person, "wide", call)
    assert "ERROR" not in said
    assert found == {f"p{n}": "\U0001f3c3" * 6000 for n in range(100)}


@pytest.mark.parametrize(
    ("name", "call", "reason"),
    [
        (
            "many",
            "mlflow.MlflowClient()._tracking_client.store.log_batch("
            "run.info.run_id, [], [Param(f'p{n}', 'x') for n in range(101)], [])",
            "at most 100 params",
        ),
        ("huge", "mlflow.log_param('huge', 'x' * (65 << 20))", "A request may have 64 MiB."),
    ],
)
def test_more_than_mlflow_takes_is_refused_in_one_line_and_the_run_goes_on(
    service: Service, gate: Gate, person: Person, name: str, call: str, reason: str
) -> None:
    said, found = _log(service, person, name, call)
    assert reason in said.partition("ERROR")[2]
    assert "LINES 1\n" in said
    assert found == {}
