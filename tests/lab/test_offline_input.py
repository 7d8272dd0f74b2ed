"""Bad and large input on the way through this machine's disk: each says what happens to it,
and none loses a run."""

from __future__ import annotations

import json

import pytest
from tests.lab.outage import Gate, Person, Service

pytest_plugins = ("tests.lab.outage",)


def _log(person: Person, gate: Gate, code: str, *, online: bool) -> str:
    """Run a script, with MLflow or without, and send what it left."""
    if not online:
        gate.close()
    said = person.run(code)
    if not online:
        gate.open()
    sent = person.sync()[1]
    return said + sent


NAMES = """
import mlflow

mlflow.set_experiment({experiment!r})
with mlflow.start_run(run_name="läuft/ 走る 🏃"):
    mlflow.log_metric("val/ loss-1.x_y", 1.5)
    mlflow.log_metric("größe", 2.5)
    mlflow.log_param("opt/lr", "0,1 / ½")
    mlflow.set_tag("team/owner", "zoë\\n'\\"`")
    mlflow.log_text("ö", "ordner/ü é/ß.txt")
    mlflow.log_metric("nan", float("nan"))
    mlflow.log_metric("up", float("inf"))
    mlflow.log_metric("down", float("-inf"))
"""


@pytest.mark.parametrize("online", [True, False])
def test_names_with_slashes_and_unicode_and_values_that_are_no_numbers_arrive(
    service: Service, gate: Gate, person: Person, online: bool
) -> None:
    experiment = f"ünïcode/ 実験 {online}"
    said = _log(person, gate, NAMES.format(experiment=experiment), online=online)
    assert "Refused" not in said
    (run,) = service.runs(experiment)
    metrics = {metric["key"]: metric["value"] for metric in run["data"]["metrics"]}
    assert metrics["val/ loss-1.x_y"] == 1.5
    assert metrics["größe"] == 2.5
    assert metrics["nan"] == "NaN"
    # What MLflow's database holds in the place of infinity.
    assert float(metrics["up"]) > 1e300
    assert float(metrics["down"]) < -1e300
    assert {p["key"]: p["value"] for p in run["data"]["params"]}["opt/lr"] == "0,1 / ½"
    tags = {tag["key"]: tag["value"] for tag in run["data"]["tags"]}
    assert tags["team/owner"] == "zoë\n'\"`"
    assert tags["mlflow.runName"] == "läuft/ 走る 🏃"
    assert service.artifact(run, "ordner/ü é/ß.txt").decode() == "ö"


def test_ten_megabytes_of_parameters_arrive_in_requests_that_mlflow_takes(
    service: Service, gate: Gate, person: Person
) -> None:
    code = (
        "import mlflow; mlflow.set_experiment('params')\n"
        "with mlflow.start_run():\n"
        "    mlflow.log_params({f'p{n:04}': chr(97 + n % 26) * 5000 for n in range(2100)})\n"
    )
    said = _log(person, gate, code, online=False)
    assert "Refused" not in said
    (run,) = service.runs("params")
    found = {param["key"]: param["value"] for param in run["data"]["params"]}
    assert len(found) == 2100
    assert found["p0027"] == "b" * 5000


@pytest.mark.parametrize("online", [True, False])
def test_a_hundred_thousand_steps_arrive_in_order_and_once(
    service: Service, gate: Gate, person: Person, online: bool
) -> None:
    code = (
        "import time, mlflow\n"
        "from mlflow.entities import Metric\n"
        f"mlflow.set_experiment('steps {online}')\n"
        "client = mlflow.MlflowClient()\n"
        "with mlflow.start_run() as run:\n"
        "    for first in range(0, 100_000, 1000):\n"
        "        client.log_batch(run.info.run_id, metrics=[\n"
        "            Metric('m', step / 3, 1700000000000 + step, step)\n"
        "            for step in range(first, first + 1000)])\n"
    )
    _log(person, gate, code, online=online)
    (run,) = service.runs(f"steps {online}")
    assert service.steps(run["info"]["run_id"], "m") == list(range(100_000))
    assert run["info"]["status"] == "FINISHED"


@pytest.mark.parametrize("hours", [-30, 30])
def test_a_clock_that_is_wrong_changes_no_order_and_no_moment(
    service: Service, gate: Gate, person: Person, hours: int
) -> None:
    code = (
        "import time; real = time.time\n"
        f"time.time = lambda: real() + {hours} * 3600\n"
        f"import mlflow; mlflow.set_experiment('skew {hours}')\n"
        "before = int(time.time() * 1000)\n"
        "with mlflow.start_run():\n"
        "    for step in range(30): mlflow.log_metric('m', step, step=step)\n"
        "print('BETWEEN', before, int(time.time() * 1000))\n"
    )
    said = _log(person, gate, code, online=False)
    line = next(line for line in said.splitlines() if line.startswith("BETWEEN"))
    first, last = map(int, line.split()[1:])
    (run,) = service.runs(f"skew {hours}")
    assert first <= run["info"]["start_time"] <= run["info"]["end_time"] <= last
    with service.http as http:
        params = {"run_id": run["info"]["run_id"], "metric_key": "m"}
        history = http.get("metrics/get-history", params=params).json()["metrics"]
    assert [metric.get("step", 0) for metric in history] == list(range(30))
    assert all(first <= metric["timestamp"] <= last for metric in history)


REFUSED = """
import mlflow
mlflow.set_experiment("refused")
with mlflow.start_run():
    for step in range(100):
        mlflow.log_metric("m", step, step=step)
    mlflow.log_param("p", 1)
    mlflow.log_param("p", 2)
    client = mlflow.MlflowClient()
    run_id = mlflow.active_run().info.run_id
    client.store = client._tracking_client.store
    client.store.log_batch(run_id, [mlflow.entities.Metric("m" * 300, 1.0, 1, 0)], [], [])
    for step in range(100, 200):
        mlflow.log_metric("m", step, step=step)
    mlflow.set_tag("after", "yes")
"""


def test_what_mlflow_refuses_is_kept_aside_with_the_reason_and_blocks_nothing(
    service: Service, gate: Gate, person: Person
) -> None:
    gate.close()
    person.run(REFUSED)
    gate.open()
    code, said = person.sync()
    assert code == 0
    assert "Refused: parameter 'p' of offline-" in said
    assert "Refused: metric 'mmm" in said
    assert "Traceback" not in said
    (run,) = service.runs("refused")
    assert service.steps(run["info"]["run_id"], "m") == list(range(200))
    assert {p["key"]: p["value"] for p in run["data"]["params"]}["p"] == "1"
    assert {t["key"]: t["value"] for t in run["data"]["tags"]}["after"] == "yes"
    assert run["info"]["status"] == "FINISHED"
    assert len([*(person.spool / "refused").iterdir()]) == 1
    code, said = person.sync("--again")
    assert "2 refused entries will be tried again." in said
    assert "Refused: parameter 'p'" in said


def test_a_run_of_an_experiment_that_was_deleted_is_kept_aside_and_sent_when_it_is_back(
    service: Service, gate: Gate, person: Person
) -> None:
    found = service.post("experiments/create", name="gone")["experiment_id"]
    code = (
        "import sys, mlflow; mlflow.set_experiment('gone'); print('SET', flush=True)\n"
        "sys.stdin.readline()\n"
        "with mlflow.start_run():\n"
        "    for step in range(50): mlflow.log_metric('m', step, step=step)\n"
        "mlflow.set_experiment('stays')\n"
        "with mlflow.start_run(): mlflow.log_metric('m', 1)\n"
    )
    with person.running(code) as process:
        assert process.stdout is not None
        while "SET" not in process.stdout.readline():
            pass
        gate.close()
        said, _ = process.communicate("\n", timeout=120)
    assert process.returncode == 0, said
    service.post("experiments/delete", experiment_id=found)
    gate.open()
    code_, said = person.sync()
    assert code_ == 0
    assert "Refused: run of offline-" in said
    assert len(service.runs("stays")) == 1
    service.post("experiments/restore", experiment_id=found)
    person.sync("--again")
    (run,) = service.runs("gone")
    assert service.steps(run["info"]["run_id"], "m") == list(range(50))
    assert run["info"]["status"] == "FINISHED"


def test_a_line_that_a_crash_tore_costs_nothing_else(
    service: Service, gate: Gate, person: Person
) -> None:
    gate.close()
    person.run(
        "import mlflow; mlflow.set_experiment('torn')\n"
        "with mlflow.start_run():\n"
        "    for step in range(10): mlflow.log_metric('m', step, step=step)\n"
    )
    (calls,) = [
        path
        for path in (person.spool / "runs").glob("*.calls")
        if b'"kind":"run"' in path.read_bytes()
    ]
    lines = calls.read_bytes().splitlines(keepends=True)
    broken = lines[5][:-9] + b"\n"
    calls.write_bytes(b"".join([*lines[:5], broken, *lines[6:], b'0badf00d {"kind":"met']))
    gate.open()
    assert person.sync()[0] == 0
    (run,) = service.runs("torn")
    lost = json.loads(lines[5].partition(b" ")[2])["metrics"][0].get("step", 0)
    expected = [step for step in range(10) if step != lost]
    assert service.steps(run["info"]["run_id"], "m") == expected
    assert person.waiting() == []
