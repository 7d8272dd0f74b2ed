"""Runs while MLflow is away: kept on this machine, sent later, in order, once. A real MLflow
is killed and started; scripts are killed; nothing that a call returned for is lost."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from tests.lab.outage import Gate, Person, Service

pytest_plugins = ("tests.lab.outage",)

WHOLE = """
import mlflow
mlflow.set_experiment("whole")
with mlflow.start_run(run_name="parent") as parent:
    mlflow.log_params({"depth": 3, "name": "tümör/ä"})
    for step in range(50):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.set_tags({"a": "1", "b": "2"})
    mlflow.delete_tag("b")
    mlflow.log_text("hello", "notes/a.txt")
    mlflow.log_dict({"a": 1}, "d.json")
    with mlflow.start_run(nested=True, run_name="child") as child:
        mlflow.log_metric("x", 1)
        assert mlflow.active_run().info.run_id == child.info.run_id
    later = mlflow.log_metric("late", 2, synchronous=False)
    later.wait()
    seen = mlflow.get_run(parent.info.run_id)
    assert seen.data.metrics["loss"] == 1 / 50
    assert seen.data.params["name"] == "tümör/ä"
    assert seen.data.tags["a"] == "1" and "b" not in seen.data.tags
assert mlflow.get_run(parent.info.run_id).info.status == "FINISHED"
try:
    mlflow.search_runs()
except mlflow.exceptions.MlflowException as error:
    print("SEARCH", error)
"""


def test_a_whole_run_is_made_while_mlflow_is_away_and_sent_when_it_is_back(
    service: Service, gate: Gate, person: Person
) -> None:
    gate.close()
    said = person.run(WHOLE)
    assert said.count("is kept on this machine and sent") == 1
    assert "SEARCH MLflow does not answer. This can't be read now" in said
    assert service.runs("whole") == []
    code, said = person.sync()
    assert code == 1
    assert said.startswith("MLflow does not answer.")
    gate.open()
    code, said = person.sync()
    assert code == 0, said
    parent, child = service.runs("whole")
    assert parent["info"]["run_name"] == "parent"
    assert parent["info"]["status"] == "FINISHED"
    assert parent["info"]["end_time"] >= parent["info"]["start_time"]
    tags = {tag["key"]: tag["value"] for tag in child["data"]["tags"]}
    assert tags["mlflow.parentRunId"] == parent["info"]["run_id"]
    assert tags["mlflow.user"] == "scientist"
    assert tags["baton.offline.id"].startswith("offline-")
    assert service.steps(parent["info"]["run_id"], "loss") == list(range(50))
    assert service.artifact(parent, "notes/a.txt") == b"hello"
    found = {tag["key"]: tag["value"] for tag in parent["data"]["tags"]}
    assert found["a"] == "1"
    assert "b" not in found
    assert person.waiting() == []
    assert person.sync() == (0, "Nothing waits to be sent.\n")
    assert len(service.runs("whole")) == 2


KILLED = """
import os, sys, mlflow
mlflow.set_experiment({experiment!r})
with mlflow.start_run(run_name={name!r}):
    for step in range(1000):
        mlflow.log_metric("loss", step, step=step)
        os.write(1, b"%d\\n" % step)
"""


@pytest.mark.parametrize("online", [True, False])
def test_sigkill_in_the_middle_of_a_thousand_steps_loses_nothing_a_call_returned_for(
    service: Service, gate: Gate, person: Person, online: bool
) -> None:
    experiment = f"killed {online}"
    if not online:
        gate.close()
    with person.running(KILLED.format(experiment=experiment, name="k")) as process:
        assert process.stdout is not None
        returned = []
        for line in process.stdout:
            if line.strip().isdigit():
                returned.append(int(line))
            if len(returned) == 500:
                break
        process.send_signal(signal.SIGKILL)
        returned += [int(line) for line in process.stdout if line.strip().isdigit()]
    assert 500 <= len(returned) < 1000
    if not online:
        gate.open()
        assert person.sync()[0] == 0
    (run,) = service.runs(experiment)
    steps = service.steps(run["info"]["run_id"], "loss")
    assert steps[: len(returned)] == returned
    # The call that was cut off may have arrived, or not.
    assert len(steps) - len(returned) in {0, 1}


MIDDLE = """
import sys, mlflow
mlflow.set_experiment("middle")
with mlflow.start_run(run_name="middle") as run:
    for step in range(300):
        mlflow.log_metric("loss", step, step=step)
        if step in (99, 199):
            print("AT", step)
            sys.stdin.readline()
    mlflow.log_text("late", "late.txt")
    assert mlflow.get_run(run.info.run_id).info.status == "RUNNING"
print("DONE")
"""


def test_mlflow_is_killed_in_the_middle_of_a_run_and_comes_back_before_its_end(
    service: Service, gate: Gate, person: Person
) -> None:
    with person.running(MIDDLE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        said = _read_until(process.stdout, "AT 99")
        service.kill()
        process.stdin.write("\n")
        process.stdin.flush()
        said += _read_until(process.stdout, "AT 199")
        assert "Baton: MLflow does not answer." in said
        service.start()
        process.stdin.write("\n")
        process.stdin.close()
        said += process.stdout.read()
        assert process.wait(60) == 0, said
    person.sync()
    (run,) = service.runs("middle")
    assert run["info"]["status"] == "FINISHED"
    assert service.steps(run["info"]["run_id"], "loss") == list(range(300))
    assert service.artifact(run, "late.txt") == b"late"


def _read_until(stream: object, text: str) -> str:
    said = ""
    for line in stream:  # type: ignore[attr-defined]
        said += line
        if text in line:
            return said
    raise AssertionError(said)


def test_what_is_sent_twice_is_there_once(service: Service, gate: Gate, person: Person) -> None:
    gate.close()
    person.run(
        "import mlflow; mlflow.set_experiment('twice')\n"
        "with mlflow.start_run():\n"
        "    mlflow.log_param('p', 1)\n"
        "    for step in range(20): mlflow.log_metric('m', step, step=step)\n"
        "    mlflow.log_text('x', 'x.txt')\n"
    )
    kept = {path: path.read_bytes() for path in (person.spool / "runs").iterdir()}
    gate.open()
    assert person.sync()[0] == 0
    # As a sender leaves it that was killed before it could note what it had sent.
    for path, content in kept.items():
        path.write_bytes(content)
    for path in (person.spool / "made").iterdir():
        path.unlink()
    assert person.sync()[0] == 0
    (run,) = service.runs("twice")
    assert service.steps(run["info"]["run_id"], "m") == list(range(20))


def test_many_senders_at_once_send_each_entry_once_and_in_order(
    service: Service, gate: Gate, person: Person
) -> None:
    gate.close()
    person.run(
        "import mlflow; mlflow.set_experiment('many')\n"
        "with mlflow.start_run():\n"
        "    for step in range(3000): mlflow.log_metric('m', step, step=step)\n"
        "    for n in range(100): mlflow.set_tag('last', n)\n"
    )
    gate.open()
    import subprocess
    import sys

    baton = Path(sys.executable).with_name("baton")
    several = [
        subprocess.Popen([baton, "sync"], env=person.env, stdout=-3, stderr=-3) for _ in range(3)
    ]
    for process in several:
        process.wait(120)
    assert person.sync()[0] == 0
    (run,) = service.runs("many")
    assert service.steps(run["info"]["run_id"], "m") == list(range(3000))
    assert {tag["key"]: tag["value"] for tag in run["data"]["tags"]}["last"] == "99"


def test_a_model_is_logged_while_mlflow_is_away(
    service: Service, gate: Gate, person: Person
) -> None:
    gate.close()
    said = person.run(
        "import mlflow, numpy\n"
        "from sklearn.linear_model import LinearRegression\n"
        "mlflow.set_experiment('model')\n"
        "with mlflow.start_run() as run:\n"
        "    mlflow.log_metric('r2', 1.0)\n"
        "    model = LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0])\n"
        "    info = mlflow.sklearn.log_model(model, name='m', pip_requirements=['scikit-learn'],\n"
        "        input_example=numpy.array([[1.0]]))\n"
        "print('MODEL', info.model_uri)\n"
    )
    uri = next(line.split()[1] for line in said.splitlines() if line.startswith("MODEL"))
    assert uri.startswith("models:/m-offline-")
    gate.open()
    code, said = person.sync()
    assert code == 0, said
    assert "Refused" not in said
    # The notebook's own name for it stays good.
    said = person.run(
        "import mlflow, numpy\n"
        f"model = mlflow.pyfunc.load_model({uri!r})\n"
        "print('ANSWER', round(float(model.predict(numpy.array([[3.0]]))[0]), 3))\n"
        "info = mlflow.models.get_model_info(model.metadata.model_id and "
        "f'models:/{model.metadata.model_id}')\n"
        "print('IDS', model.metadata.model_id, model.metadata.run_id)\n"
    )
    assert "ANSWER 3.0" in said
    (run,) = service.runs("model")
    ids = next(line for line in said.splitlines() if line.startswith("IDS"))
    assert "offline" not in ids
    assert ids.endswith(run["info"]["run_id"])
    outputs = run["outputs"]["model_outputs"]
    assert [output["model_id"] for output in outputs] == [ids.split()[1]]


def test_a_read_only_disk_stops_nothing_while_mlflow_answers_and_is_said_when_it_does_not(
    service: Service, gate: Gate, person: Person
) -> None:
    code = (
        "import mlflow; mlflow.set_experiment({0!r})\n"
        "with mlflow.start_run():\n"
        "    mlflow.log_metric('m', 1)\n"
    )
    blocked = person.home / ".local" / "share" / "jupyter"
    blocked.parent.mkdir(parents=True)
    blocked.write_text("a file where the folder would have to be: nobody can write there")
    person.run(code.format("read only"))
    (run,) = service.runs("read only")
    assert run["info"]["status"] == "FINISHED"
    gate.close()
    with person.running(code.format("read only too")) as process:
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    last = said.strip().splitlines()[-1]
    assert "MLflow does not answer. Nothing was kept on this machine: " in last
    assert "is kept" not in said


def test_a_full_disk_keeps_no_half_of_a_call(person: Person, gate: Gate, service: Service) -> None:
    gate.close()
    # A limit on file sizes stands in for a disk that is full: the write ends in the middle.
    said = person.run(
        "import resource, signal, mlflow\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "mlflow.set_experiment('full')\n"
        "run = mlflow.start_run()\n"
        "limit = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, limit[1]))\n"
        "kept = 0\n"
        "try:\n"
        "    while True:\n"
        "        mlflow.log_metric('m', kept, step=kept); kept += 1\n"
        "except mlflow.exceptions.MlflowException as error: print('FULL', error)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, limit)\n"
        "mlflow.log_metric('m', kept, step=kept); mlflow.end_run(); print('KEPT', kept + 1)\n"
    )
    assert "FULL MLflow does not answer. Nothing was kept on this machine:" in said
    kept = int(next(line for line in said.splitlines() if line.startswith("KEPT")).split()[1])
    gate.open()
    assert person.sync()[0] == 0
    (run,) = service.runs("full")
    assert service.steps(run["info"]["run_id"], "m") == list(range(kept))


MAKES = """
import sys, mlflow
mlflow.set_experiment({0!r})
print("SET", flush=True)
sys.stdin.readline()
with mlflow.start_run():
    model = mlflow.initialize_logged_model(name="m")
    mlflow.log_metric("m", 1)
    mlflow.finalize_logged_model(model.model_id, "READY")
"""


def _make(person: Person, gate: Gate, experiment: str, harm: str, where: bytes) -> str:
    """Make a run and a model while something happens to requests; return what the script said."""
    with person.running(MAKES.format(experiment)) as process:
        assert process.stdout is not None
        while "SET" not in process.stdout.readline():
            pass
        setattr(gate, harm, where)
        said, _ = process.communicate("\n", timeout=120)
    assert process.returncode == 0, said
    gate.swallows = gate.drops = b""
    return said


def _made_once(service: Service, experiment: str) -> dict[str, str]:
    """Check that there is one run and one model, whole; return the run's tags."""
    (run,) = service.runs(experiment)
    assert [metric["value"] for metric in run["data"]["metrics"]] == [1]
    found = service.post("logged-models/search", experiment_ids=[run["info"]["experiment_id"]])
    (model,) = found["models"]
    assert model["info"]["status"] == "LOGGED_MODEL_READY"
    assert model["info"]["source_run_id"] == run["info"]["run_id"]
    return {tag["key"]: tag["value"] for tag in run["data"]["tags"]}


@pytest.mark.parametrize("path", ["/runs/create", "/logged-models "])
@pytest.mark.parametrize("harm", ["swallows", "drops"])
def test_what_was_made_and_not_answered_is_found_and_what_did_not_arrive_is_made(
    service: Service, gate: Gate, person: Person, harm: str, path: str
) -> None:
    experiment = f"lost {harm} {path}"
    said = _make(person, gate, experiment, harm, path.encode())
    assert "is kept on this machine" not in said
    assert "baton.offline.id" not in _made_once(service, experiment)


def test_a_run_is_there_once_that_was_made_before_nothing_was_answered_any_more(
    service: Service, gate: Gate, person: Person
) -> None:
    said = _make(person, gate, "mute", "swallows", b"/api/2.0/mlflow/")
    assert "is kept on this machine" in said
    assert len(service.runs("mute")) == 1
    code, said = person.sync()
    assert code == 0, said
    assert _made_once(service, "mute")["baton.offline.id"].startswith("offline-")


def test_a_run_that_is_made_with_the_tags_of_another_is_a_run_of_its_own(
    service: Service, gate: Gate, person: Person
) -> None:
    copies = (
        "import mlflow; mlflow.set_experiment('copied')\n"
        "with mlflow.start_run() as one: mlflow.log_metric('m', 1)\n"
        "tags = mlflow.get_run(one.info.run_id).data.tags\n"
        "client = mlflow.MlflowClient()\n"
        "for value in (2, 3):\n"
        "    two = client.create_run(one.info.experiment_id, tags=tags).info.run_id\n"
        "    client.log_metric(two, 'm', value)\n"
    )
    gate.close()
    person.run(copies)
    gate.open()
    assert person.sync()[0] == 0
    person.run(copies)
    values = [run["data"]["metrics"][0]["value"] for run in service.runs("copied")]
    assert sorted(values) == [1, 1, 2, 2, 3, 3]


WIDE = """
import mlflow, pandas
from sklearn.linear_model import LogisticRegression
mlflow.autolog(log_models=False)
mlflow.set_experiment("wide")
frame = pandas.DataFrame({"x": [0.0, 1.0, 2.0, 3.0], "y": [0, 0, 1, 1]})
with mlflow.start_run() as run:
    LogisticRegression().fit(frame[["x"]], frame["y"])
    mlflow.log_input(mlflow.data.from_pandas(frame, name="frame"), context="training")
    import matplotlib; matplotlib.use("Agg")
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(); axes.plot([1, 2])
    mlflow.log_figure(figure, "plots/line.png")
    open("note.md", "w").write("first")
    mlflow.log_artifact("note.md")
    open("note.md", "w").write("changed since")
    mlflow.set_experiment_tags({"team": "blue"})
assert mlflow.last_active_run().info.status == "FINISHED"
print("ID", run.info.run_id)
"""


def test_autologging_datasets_figures_and_files_as_they_were_are_kept(
    service: Service, gate: Gate, person: Person
) -> None:
    gate.close()
    said = person.run(WIDE)
    local_id = next(line.split()[1] for line in said.splitlines() if line.startswith("ID"))
    gate.open()
    code, sent = person.sync()
    assert code == 0, sent
    assert "Refused" not in sent
    (run,) = service.runs("wide")
    assert {param["key"] for param in run["data"]["params"]} >= {"C", "solver"}
    assert "training_accuracy_score" in {metric["key"] for metric in run["data"]["metrics"]}
    names = {found["dataset"]["name"] for found in run["inputs"]["dataset_inputs"]}
    assert "frame" in names
    assert service.artifact(run, "note.md") == b"first"
    assert service.artifact(run, "plots/line.png").startswith(b"\x89PNG")
    # The notebook's own name for the run stays good.
    said = person.run(
        "import mlflow\n"
        f"print('REAL', mlflow.get_run({local_id!r}).info.run_id)\n"
        f"print(open(mlflow.artifacts.download_artifacts('runs:/{local_id}/note.md')).read())\n"
        f"with mlflow.start_run(run_id={local_id!r}): mlflow.log_metric('again', 1)\n"
    )
    assert f"REAL {run['info']['run_id']}" in said
    assert "first" in said
    (run,) = service.runs("wide")
    assert "again" in {metric["key"] for metric in run["data"]["metrics"]}


def test_the_spool_is_the_persons_alone_and_holds_no_token(gate: Gate, person: Person) -> None:
    gate.close()
    os.umask(0o022)
    person.run(
        "import mlflow; mlflow.set_experiment('secret')\n"
        "with mlflow.start_run(): mlflow.log_text('x', 'x.txt')\n"
    )
    found = [*person.spool.rglob("*")]
    assert len(found) > 5
    assert person.spool.stat().st_mode & 0o777 == 0o700
    assert person.spool.parent.stat().st_mode & 0o777 == 0o700
    for path in found:
        if path.is_file():
            assert b"scientist-token" not in path.read_bytes()
            assert path.parent.stat().st_mode & 0o077 == 0
            assert path.stat().st_mode & 0o077 == 0, path
