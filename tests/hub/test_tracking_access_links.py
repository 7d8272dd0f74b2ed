"""A link to what is hidden is one to what never was, and nothing of the other's changes."""

from __future__ import annotations

import secrets
import subprocess
import sys
from typing import Any

from tests.hub.shelf import PRIVATE
from tests.tracking import Tracking

pytest_plugins = ("tests.tracking",)


def _new(word: str) -> str:
    return f"{word}-{secrets.token_hex(4)}"


class Things:
    """Somebody's experiment with a run, a logged model, a trace and a prompt of two versions."""

    def __init__(self, tracking: Tracking, user: str, tags: list[dict[str, str]]) -> None:
        made = {"name": _new("links"), "tags": tags}
        self.experiment = tracking.call(user, "experiments/create", made)["experiment_id"]
        of_it = {"experiment_id": self.experiment}
        run = tracking.call(user, "runs/create", {**of_it, "start_time": 1})["run"]
        self.run = run["info"]["run_id"]
        logged = {**of_it, "name": "m", "source_run_id": self.run}
        self.model = tracking.call(user, "logged-models", logged)["model"]["info"]["model_id"]
        self.trace = f"tr-{secrets.token_hex(16)}"
        info = {
            "trace_id": self.trace,
            "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": of_it},
            "request_time": "2026-01-01T00:00:00Z",
            "state": "OK",
        }
        with tracking.client(user) as client:
            trace = {"trace": {"trace_info": info}}
            client.post("/api/3.0/mlflow/traces", json=trace).raise_for_status()
        self.prompt = _new("prompt")
        prompt = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
        tracking.call(
            user, "registered-models/create", {"name": self.prompt, "tags": prompt + tags}
        )
        tracking.call(user, "model-versions/create", {"name": self.prompt, "source": "s3://b/p"})


class Nothing(Things):
    """Ids of things that never were."""

    def __init__(self) -> None:
        self.experiment = "987654321"
        self.run = secrets.token_hex(16)
        self.model = f"m-{secrets.token_hex(32)}"[:34]
        self.trace = f"tr-{secrets.token_hex(16)}"
        self.prompt = _new("prompt")


def _links(mine: Things, to: Things) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return every way to link what is mine to something else: a route and a body."""
    models = [{"model_id": to.model, "step": 0}]
    versions = [{"name": to.prompt, "version": "1"}]
    dataset = {"name": _new("d"), "experiment_ids": [mine.experiment, to.experiment]}
    return {
        "a trace to their run": (
            "2.0/mlflow/traces/link-to-run",
            {"trace_ids": [mine.trace], "run_id": to.run},
        ),
        "their trace to a run": (
            "2.0/mlflow/traces/link-to-run",
            {"trace_ids": [mine.trace, to.trace], "run_id": mine.run},
        ),
        "a run's output": ("2.0/mlflow/runs/outputs", {"run_id": mine.run, "models": models}),
        "a run's input": ("2.0/mlflow/runs/log-inputs", {"run_id": mine.run, "models": models}),
        "their prompt": (
            "2.0/mlflow/traces/link-prompts",
            {"trace_id": mine.trace, "prompt_versions": versions},
        ),
        "a dataset": ("3.0/mlflow/datasets/create", dataset),
    }


def _answers(tracking: Tracking, mine: Things, to: Things) -> dict[str, tuple[int, str]]:
    with tracking.client("eve") as eve:
        found = {}
        for name, (route, body) in _links(mine, to).items():
            answer = eve.post(f"/api/{route}", json=body)
            found[name] = (answer.status_code, answer.text.replace(to.experiment, "?"))
        return found


def _linked(tracking: Tracking, mine: Things, to: Things) -> bool:
    """Tell whether operations, who see everything, see anything of mine linked to that."""
    with tracking.client("olga") as olga:
        got = olga.get("/api/2.0/mlflow/runs/get", params={"run_id": mine.run}).json()["run"]
        where = {
            "type": "MLFLOW_EXPERIMENT",
            "mlflow_experiment": {"experiment_id": mine.experiment},
        }
        traces = []
        for wanted in (
            f"run_id = '{to.run}'",
            f"run_id = '{mine.run}'",
            f"prompt = '{to.prompt}/1'",
        ):
            body = {"locations": [where], "filter": wanted}
            found = olga.post("/api/3.0/mlflow/traces/search", json=body).raise_for_status()
            traces += found.json().get("traces", [])
    return bool(traces or got.get("outputs") or got.get("inputs", {}).get("model_inputs"))


def test_a_link_to_the_hidden_is_one_to_nothing_and_is_not_kept(either: Tracking) -> None:
    hidden, never = Things(either, "ada", PRIVATE), Nothing()
    mine = Things(either, "eve", [])
    theirs = _answers(either, mine, hidden)
    assert theirs == _answers(either, mine, never)
    assert {status for status, _ in theirs.values()} == {404}, theirs
    assert not _linked(either, mine, hidden)
    assert not _linked(either, mine, never)


def test_a_link_into_what_one_may_only_read_is_refused_and_to_a_model_is_made(
    either: Tracking,
) -> None:
    either.group("science", "ada")
    shown, mine = Things(either, "ada", []), Things(either, "eve", [])
    into = {"a trace to their run", "their trace to a run", "a dataset"}
    for name, (status, text) in _answers(either, mine, shown).items():
        assert status == (403 if name in into else 200), (name, text)
        assert (name not in into) or "You may read the experiment" in text, (name, text)
    own = Things(either, "eve", [])
    assert {status for status, _ in _answers(either, mine, own).values()} == {200}
    assert _linked(either, mine, own)


def test_a_dataset_is_added_to_no_experiment_that_is_not_written(tracking: Tracking) -> None:
    """On PostgreSQL MLflow itself fails to add any: it compares numbers with texts."""
    hidden, shown = Things(tracking, "ada", PRIVATE), Things(tracking, "ada", [])
    mine, more = Things(tracking, "eve", []), Things(tracking, "eve", PRIVATE)
    with tracking.client("eve") as eve:
        made = {"name": _new("d"), "experiment_ids": [mine.experiment]}
        answer = eve.post("/api/3.0/mlflow/datasets/create", json=made).raise_for_status()
        url = f"/api/3.0/mlflow/datasets/{answer.json()['dataset']['dataset_id']}"
        for experiment, status in (
            (hidden.experiment, 404),
            (Nothing().experiment, 404),
            (shown.experiment, 403),
            (more.experiment, 200),
        ):
            body = {"experiment_ids": [experiment]}
            answer = eve.post(f"{url}/add-experiments", json=body)
            assert answer.status_code == status, answer.text
        got = eve.get(f"{url}/experiment-ids").json()
        assert set(got["experiment_ids"]) == {mine.experiment, more.experiment}


def test_a_dataset_of_no_experiments_number_is_refused(either: Tracking) -> None:
    with either.client("eve") as eve:
        for odd in ("abc", "-1", "1e3", str(10**18), ""):
            made = {"name": _new("d"), "experiment_ids": [odd]}
            answer = eve.post("/api/3.0/mlflow/datasets/create", json=made)
            assert answer.status_code == 404, (odd, answer.text)


CLIENT = """
import sys
import mlflow
from mlflow import MlflowClient
from mlflow.entities import LoggedModelInput

client, name = MlflowClient(), sys.argv[1]
mlflow.set_experiment(name)
prompt = mlflow.genai.register_prompt(name, "Say {{word}}.")

@mlflow.trace
def answer(word):
    return mlflow.genai.load_prompt(f"prompts:/{name}/1").format(word=word)

with mlflow.start_run() as run:
    model = mlflow.pyfunc.log_model(
        name="m", python_model=lambda model_input: model_input, pip_requirements=[]
    )
    client.log_inputs(run.info.run_id, models=[LoggedModelInput(model.model_id)])
    answer("a")
    mlflow.genai.load_prompt(f"prompts:/{name}/1")
mlflow.flush_trace_async_logging()
trace = mlflow.get_last_active_trace_id()
client.link_traces_to_run([trace], run.info.run_id)
dataset = mlflow.genai.create_dataset(
    name, experiment_id=mlflow.get_experiment_by_name(name).experiment_id
)
dataset.merge_records([{"inputs": {"word": "a"}, "expectations": {"answer": "b"}}])
got = client.get_run(run.info.run_id)
print(got.outputs.model_outputs[0].model_id == model.model_id)
print(got.inputs.model_inputs[0].model_id == model.model_id)
print(f'"name": "{name}"' in got.data.tags["mlflow.linkedPrompts"])
place = [got.info.experiment_id]
print(len(mlflow.search_traces(locations=place, filter_string=f"prompt = '{name}/1'")))
print(len(mlflow.search_traces(locations=place, run_id=run.info.run_id)))
print(len(dataset.to_df()))
"""


def test_the_clients_own_links_are_made_as_ever(tracking: Tracking) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CLIENT, _new("flows")],
        env=tracking.kernel_environment("eve"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split()[-6:] == ["True", "True", "True", "1", "1", "1"], done.stderr
    assert "What this belongs to" not in done.stderr
