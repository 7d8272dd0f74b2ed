"""The way back from a model to what made it, from a real MLflow behind a real Hub."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.client.traced import COMMIT, FILES, IMAGE_DIGEST, Past, make_past, register, sha256
from tests.processes import free_port
from tests.tracking import Tracking

import baton_client
from baton_client.cli import main
from baton_contract import BadRequestError, NotFoundError, validate
from baton_lab.offline.tokens import token_path, write_token

pytest_plugins = ("tests.tracking",)

Baton = Callable[..., Result]
MLFLOWS = ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A developer's machine: no server of a person's, nothing set."""
    for name in ("BATON_TOKEN", "BATON_TOKEN_FILE", "BATON_MLFLOW_URL", "BATON_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    for name in ("JUPYTERHUB_API_TOKEN", *MLFLOWS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))


@pytest.fixture
def baton(tracking: Tracking, monkeypatch: pytest.MonkeyPatch) -> Baton:
    """Return a function that runs `baton trace` as ada."""
    monkeypatch.setenv("BATON_MLFLOW_URL", tracking.url)
    monkeypatch.setenv("BATON_TOKEN", tracking.token("ada"))
    return lambda *arguments: CliRunner().invoke(main, ["trace", *map(str, arguments)])


@pytest.fixture(scope="module")
def past(tracking: Tracking) -> Past:
    """A run with everything recorded; tests that change something make their own."""
    return make_past(tracking)


def ask(past: Past, target: str | None = None, **given: Any) -> Any:
    """Return the trace as ada's program sees it, known to fit its schema."""
    given = {"mlflow": past.tracking.url, "token": past.tracking.token("ada"), **given}
    found = baton_client.trace(target or (None if "run" in given else past.target), **given)
    validate("trace.v1", found)
    return found


def steps(found: Any) -> dict[str, Any]:
    return {each["kind"]: each for each in found["steps"]}


def test_the_way_back_is_whole_and_every_file_is_verified(past: Past) -> None:
    found = ask(past)
    assert found["verdict"] == "whole"
    assert {kind: each["state"] for kind, each in steps(found).items()} == {
        "version": "recorded",
        "model": "recorded",
        "run": "recorded",
        "cell": "recorded",
        "notebook": "verified",
        "commit": "recorded",
        "diff": "verified",
        "image": "recorded",
        "packages": "verified",
        "dataset": "recorded",
    }
    assert found["version"]["author"] == found["run"]["author"] == "ada"
    assert found["run"]["id"] == past.run_id
    for kind, content in FILES.items():
        assert steps(found)[kind]["digest"] == sha256(content)
        assert steps(found)[kind]["size"] == len(content)


def test_every_step_says_what_it_is(past: Past) -> None:
    found = steps(ask(past))
    assert (found["cell"]["value"], found["cell"]["note"]) == (
        "b3d2c1f0",
        "Its execution count was 7.",
    )
    assert found["notebook"]["value"] == "demos/été.ipynb"
    assert "in order" in found["notebook"]["note"]
    assert (found["commit"]["value"], found["commit"]["digest"]) == ("main", COMMIT)
    assert found["image"]["digest"] == IMAGE_DIGEST
    assert found["image"]["note"] == "Server: profile scikit-learn, size small."
    assert found["dataset"]["digest"] == "9a1b2c3d"
    assert "2 files" in found["model"]["note"]


def test_no_credential_of_a_remote_or_a_dataset_is_shown(past: Past) -> None:
    found = ask(past)
    assert "secret" not in json.dumps(found)
    assert steps(found)["commit"]["uri"] == "https://git.example.org/demos.git"
    assert steps(found)["dataset"]["uri"] == "https://data.example.org/t.csv"


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_was_changed_differs_and_ends_with_exit_code_1(
    tracking: Tracking, baton: Baton, kind: str
) -> None:
    past = make_past(tracking)
    past.put(past.uri(kind), b"something else")
    printed = baton(past.target)
    assert printed.exit_code == 1
    line = next(line for line in printed.stdout.splitlines() if line.startswith(kind))
    assert "differs" in line
    assert "Something is not what was recorded." in printed.stdout
    assert ask(past)["verdict"] == "differs"


def test_a_file_that_is_gone_is_missing_and_says_why(tracking: Tracking) -> None:
    past = make_past(tracking)
    with tracking.client("ada") as client:
        client.delete(f"/api/2.0/mlflow-artifacts/artifacts/{past.uri('notebook')}")
    found = ask(past)
    assert steps(found)["notebook"]["state"] == "missing"
    assert "has not arrived yet" in steps(found)["notebook"]["note"]
    assert found["verdict"] == "incomplete"


def test_a_version_whose_files_name_another_run_differs(tracking: Tracking) -> None:
    """A registry believes its client about the run; the files themselves know better."""
    past = make_past(tracking)
    past.version = register(past, said="0" * 32)
    step = steps(ask(past))["model"]
    assert step["state"] == "differs"
    assert "names another run" in step["note"]


@pytest.mark.parametrize(
    "uri",
    [
        "mlflow-artifacts:/../../etc/passwd",
        "mlflow-artifacts:/1/baton/../../../secret",
        "http://127.0.0.1:1/notebook",
        "file:///etc/passwd",
        "/etc/passwd",
        "mlflow-artifacts:",
    ],
)
def test_an_address_in_a_tag_leads_nowhere_but_to_mlflows_artifacts(
    tracking: Tracking, uri: str
) -> None:
    """Tags are what a client wrote; an odd one is a missing step and no request."""
    past = make_past(tracking)
    past.tag(baton__notebook__snapshot=uri)
    assert steps(ask(past))["notebook"]["state"] == "missing"


def test_odd_tags_differ_and_break_nothing(tracking: Tracking) -> None:
    past = make_past(tracking)
    past.tag(
        baton__notebook__sha256="not a digest",
        mlflow__source__git__commit="HEAD; rm -rf /",
        baton__image_digest="latest",
    )
    found = steps(ask(past))
    assert [found[kind]["state"] for kind in ("notebook", "commit", "image")] == ["differs"] * 3


def test_a_run_of_which_nothing_was_recorded_says_so_at_each_step(tracking: Tracking) -> None:
    run = tracking.run("ada", "bare")
    found = baton_client.trace(run=run["run_id"], mlflow=tracking.url, token=tracking.token("ada"))
    validate("trace.v1", found)
    rest = [each for each in found["steps"] if each["kind"] != "run"]
    assert {each["state"] for each in rest} == {"missing"}
    assert all(each["note"] for each in rest)
    assert found["version"] is None


def test_a_script_is_traced_instead_of_a_notebook(tracking: Tracking) -> None:
    run = tracking.run("ada", "script")
    past = Past(tracking, "ada", run, {}, "", "")
    content = b"import mlflow\n"
    path = f"{run['experiment_id']}/baton/scripts/{sha256(content)}.py"
    past.put(path, content)
    past.tag(
        baton__script__path="train.py",
        baton__script__sha256=sha256(content),
        baton__script__snapshot=f"mlflow-artifacts:/{path}",
        mlflow__source__name="train.py",
    )
    found = steps(ask(past, run=past.run_id))
    assert (found["script"]["state"], found["script"]["value"]) == ("verified", "train.py")
    assert "notebook" not in found
    assert "cell" not in found


def test_a_notebook_logged_by_hand_is_verified_when_no_snapshot_was_kept(
    tracking: Tracking,
) -> None:
    run = tracking.run("ada", "by hand")
    past = Past(tracking, "ada", run, {}, "", "")
    root = str(run["artifact_uri"]).partition(":/")[2].strip("/")
    past.put(f"{root}/notebook/a.ipynb", FILES["notebook"])
    past.tag(
        baton__notebook__path="a.ipynb",
        baton__notebook__artifact="notebook/a.ipynb",
        baton__notebook__sha256=sha256(FILES["notebook"]),
    )
    step = steps(ask(past, run=past.run_id))["notebook"]
    assert (step["state"], step["note"]) == ("verified", "Logged by hand after the run began.")


def test_a_deleted_run_is_still_the_way_back_and_says_that_it_was_deleted(
    tracking: Tracking,
) -> None:
    past = make_past(tracking)
    tracking.call("ada", "runs/delete", {"run_id": past.run_id})
    found = ask(past)
    assert found["run"]["deleted"] is True
    assert "deleted" in steps(found)["run"]["note"]
    assert steps(found)["notebook"]["state"] == "verified"


def test_a_run_that_is_gone_for_good_ends_the_way_with_a_reason(tracking: Tracking) -> None:
    past = make_past(tracking)
    tracking.call("ada", "runs/delete", {"run_id": past.run_id})
    # What MLflow's own garbage collection does to deleted runs.
    with sqlite3.connect(tracking.folder / "mlflow.sqlite", timeout=30) as database:
        for table in ("tags", "runs"):
            database.execute(f"DELETE FROM {table} WHERE run_uuid = ?", (past.run_id,))
    found = ask(past)
    assert found["run"] is None
    assert found["steps"][-1]["state"] == "missing"
    assert "not yours to see" in found["steps"][-1]["note"]


def test_a_model_that_was_registered_without_a_run_says_so(tracking: Tracking) -> None:
    past = make_past(tracking)
    body = {"experiment_id": past.run["experiment_id"], "name": "alone"}
    model = tracking.call("ada", "logged-models", body)["model"]["info"]
    root = str(model["artifact_uri"]).partition(":/")[2].strip("/")
    past.put(f"{root}/MLmodel", f"model_id: {model['model_id']}\nflavors: {{}}\n".encode())
    body = {"name": past.name, "source": f"models:/{model['model_id']}"}
    made = tracking.call("ada", "model-versions/create", {**body, "model_id": model["model_id"]})
    past.version = made["model_version"]["version"]
    found = ask(past)
    assert steps(found)["model"]["value"] == model["model_id"]
    assert found["steps"][-1]["note"] == "The model was registered without a run."


def test_an_alias_names_the_version_it_points_to(tracking: Tracking, baton: Baton) -> None:
    past = make_past(tracking, name="modèle 🧪 d'été")
    body = {"name": past.name, "alias": "champion", "version": past.version}
    tracking.call("ada", "registered-models/alias", body)
    printed = baton(f"{past.name}@champion")
    assert printed.exit_code == 0, printed.output
    assert printed.stdout.startswith(f"{past.name} version {past.version} @champion")


def test_the_command_prints_a_line_a_step(past: Past, baton: Baton) -> None:
    printed = baton(past.target)
    assert printed.exit_code == 0
    lines = printed.stdout.splitlines()
    assert lines[0] == f"{past.name} version 1, registered by ada"
    assert f"commit    recorded  main  {COMMIT[:12]}…  https://git.example.org/demos.git" in lines
    assert lines[-1] == "The way back is whole. (3 verified, 7 recorded)"


def test_control_codes_in_names_do_not_reach_the_terminal(tracking: Tracking, baton: Baton) -> None:
    past = make_past(tracking)
    past.tag(baton__notebook__path="\x1b[2Jevil\u202e.ipynb")
    assert not set("\x1b\u202e") & set(baton(past.target).stdout)


def test_json_is_the_contracts(past: Past, baton: Baton) -> None:
    printed = baton(past.target, "--json")
    validate("trace.v1", json.loads(printed.stdout))


def test_a_run_can_be_asked_about(past: Past, baton: Baton) -> None:
    printed = baton("--run", past.run_id, "--json")
    assert json.loads(printed.stdout)["version"] is None


def test_saved_files_are_the_recorded_bytes_and_what_differs_is_not_kept(
    tracking: Tracking, baton: Baton, tmp_path: Path
) -> None:
    past = make_past(tracking)
    past.put(past.uri("diff"), b"forged")
    assert baton(past.target, "--save", tmp_path / "back").exit_code == 1
    kept = {path.name: path.read_bytes() for path in (tmp_path / "back").iterdir()}
    assert kept["notebook.ipynb"] == FILES["notebook"]
    assert kept["packages.txt"] == FILES["packages"]
    assert json.loads(kept["trace.json"])["verdict"] == "differs"
    assert set(kept) == {"notebook.ipynb", "packages.txt", "trace.json"}
    refused = baton(past.target, "--save", tmp_path / "back")
    assert "already holds something" in refused.stderr


def test_a_huge_snapshot_is_checked_in_flat_memory(tracking: Tracking) -> None:
    past = make_past(tracking)
    content = b"x" * (150 * 2**20)
    path = f"{past.run['experiment_id']}/baton/notebooks/{sha256(content)}.ipynb"
    past.put(path, content)
    past.tag(
        baton__notebook__sha256=sha256(content),
        baton__notebook__snapshot=f"mlflow-artifacts:/{path}",
    )
    code = (
        "import resource, sys, baton_client\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "found = baton_client.trace(sys.argv[1], mlflow=sys.argv[2], token=sys.argv[3])\n"
        "grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before\n"
        "sizes = [each['size'] for each in found['steps'] if each['kind'] == 'notebook']\n"
        "print(*sizes, grown)"
    )
    command = [sys.executable, "-c", code, past.target, tracking.url, tracking.token("ada")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    size, grown = map(int, done.stdout.split())
    assert size == len(content)
    assert grown < 80 * 1024


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no-such-model/1"], "There is no no-such-model version 1, or it is not yours to see."),
        (["no-such-model@best"], "There is no no-such-model@best, or it is not yours to see."),
        (["team/models/eq/3"], "There is no team/models/eq version 3, or it is not yours to see."),
        (["été/1"], "There is no été version 1, or it is not yours to see."),
        (["--run", "f" * 32], "or it is not yours to see."),
        (["no-version"], "'no-version' names no version. Write it as MODEL/VERSION"),
        (["/1"], "'' is no model's name."),
        (["a\x1bb/1"], r"'a\x1bb' is no model's name."),
        (["m/99999999999999999999"], "is no version's number."),
        (["m/999999999999999999"], "There is no m version 999999999999999999"),
        (["--run", "../../x"], "'../../x' is no run's id."),
        ([], "Say either MODEL/VERSION, or --run"),
        (["a/1", "--run", "b"], "Say either MODEL/VERSION, or --run"),
    ],
)
def test_what_is_not_there_is_one_clear_line(baton: Baton, arguments: list[str], said: str) -> None:
    printed = baton(*arguments)
    assert printed.exit_code == 1
    assert said in printed.stderr
    assert len(printed.stderr.splitlines()) == 1


def test_a_version_that_does_not_exist_of_a_model_that_does(past: Past, baton: Baton) -> None:
    printed = baton(f"{past.name}/999")
    assert f"There is no {past.name} version 999" in printed.stderr


def test_a_refused_token_says_which_one_is_needed(
    past: Past, baton: Baton, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATON_TOKEN", "baton_not-a-hub-token")
    printed = baton(past.target)
    assert printed.exit_code == 1
    assert "MLflow does not accept this token." in printed.stderr
    assert "baton_not-a-hub-token" not in printed.output


def test_a_token_without_access_to_mlflow_is_refused_alike(
    tracking: Tracking, past: Past, baton: Baton, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATON_TOKEN", tracking.token("ada", "read:users!user=ada"))
    assert "your token may not use MLflow" in baton(past.target).stderr


def test_mlflow_away_is_one_line(baton: Baton, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("BATON_MLFLOW_URL", f"http://127.0.0.1:{port}/services/mlflow")
    printed = baton("m/1")
    assert (printed.exit_code, printed.stderr) == (
        1,
        f"Error: MLflow at 127.0.0.1:{port} can't be reached. "
        "What was recorded is safe; try again in a moment.\n",
    )


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("sqlite:///mlflow.db", "must look like"),
        ("http://ada:pw@127.0.0.1/services/mlflow", "Leave the password out"),
    ],
)
def test_an_odd_address_is_refused(baton: Baton, address: str, said: str) -> None:
    printed = baton("m/1", "--mlflow", address)
    assert said in printed.stderr
    assert "pw" not in printed.output.replace("password", "")


def test_another_page_at_the_address_is_no_mlflow(tracking: Tracking, baton: Baton) -> None:
    printed = baton("m/1", "--mlflow", f"{tracking.hub}/hub/static")
    assert "There is no MLflow at this address (HTTP 404)." in printed.stderr


def test_without_an_address_or_a_token_it_says_what_to_give(past: Past) -> None:
    with pytest.raises(BadRequestError, match="--mlflow"):
        baton_client.trace(past.target, token="t")
    with pytest.raises(BadRequestError, match="BATON_TOKEN"):
        baton_client.trace(past.target, mlflow=past.tracking.url)


def test_a_persons_server_needs_no_option(
    past: Past, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The token that replaced the one of the start is taken from where the server keeps it."""
    monkeypatch.setenv("BATON_TRACKING_URI", past.tracking.url)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///of-the-notebook.db")
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "of the start, ended since")
    write_token(token_path("of the start, ended since"), past.tracking.token("ada"))
    assert baton_client.trace(past.target)["verdict"] == "whole"


def test_a_servers_own_token_is_not_for_an_mlflow_that_somebody_named(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATON_TRACKING_URI", "http://127.0.0.1:1/services/mlflow")
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", past.tracking.token("ada"))
    with pytest.raises(BadRequestError, match="No usable token"):
        baton_client.trace(past.target, mlflow=past.tracking.url)


def test_a_token_file_is_the_token_even_where_a_variable_is_set(
    past: Past, baton: Baton, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(past.tracking.token("ada"))
    monkeypatch.setenv("BATON_TOKEN", "wrong")
    assert baton(past.target, "--token-file", tmp_path / "token").exit_code == 0


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=ada", "-c", "user.email=ada@example.org"]
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_checkout_of_the_same_remote_tells_whether_it_has_the_commit(
    tracking: Tracking, baton: Baton, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also when one side writes the remote for ssh and the other for https."""
    past = make_past(tracking)
    git(tmp_path, "init", "-q")
    git(tmp_path, "remote", "add", "origin", "git@git.example.org:demos.git")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "first")
    monkeypatch.chdir(tmp_path)
    assert "This checkout does not have it" in baton(past.target).stdout
    past.tag(mlflow__source__git__commit=git(tmp_path, "rev-parse", "HEAD"))
    found = steps(json.loads(baton(past.target, "--json").stdout))
    assert (found["commit"]["state"]) == "verified"


def test_tracing_imports_neither_mlflow_nor_anything_heavy() -> None:
    heavy = (
        "mlflow",
        "jupyter_server",
        "jupyterhub",
        "jsonschema",
        "yaml",
        "sqlalchemy",
        "tornado",
    )
    code = (
        "import sys, baton_client\n"
        "try: baton_client.trace('m/1', mlflow='http://127.0.0.1:1', token='t')\n"
        "except Exception as error: print(error)\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_what_is_not_there_is_a_public_error_in_python(past: Past) -> None:
    with pytest.raises(NotFoundError):
        ask(past, f"{past.name}/999")


def close(past: Past, *, model: bool) -> None:
    """Let nobody but their owner see the run's experiment and, with ``model``, the model."""
    call, experiment = past.tracking.call, str(past.run["experiment_id"])
    for key in ("baton.read", "baton.write"):
        body = {"experiment_id": experiment, "key": key, "value": "[]"}
        call(past.user, "experiments/set-experiment-tag", body)
        if model:
            body = {"name": past.name, "key": key, "value": "[]"}
            call(past.user, "registered-models/set-tag", body)


def test_what_is_not_yours_to_see_answers_as_if_it_were_not_there(
    tracking: Tracking, baton: Baton, monkeypatch: pytest.MonkeyPatch
) -> None:
    past = make_past(tracking)
    close(past, model=True)
    assert baton(past.target).exit_code == 0
    monkeypatch.setenv("BATON_TOKEN", tracking.token("eve"))
    absent = f"Error: There is no {past.name} version %s, or it is not yours to see.\n"
    assert baton(past.target).stderr == absent % past.version
    assert baton(f"{past.name}/77").stderr == absent % 77
    run, nothing = past.run_id, "f" * 32
    said = [baton("--run", each).stderr.replace(each, "ID") for each in (run, nothing)]
    assert said[0] == said[1]


def test_a_model_for_all_from_an_experiment_for_few_shows_no_more_than_its_version(
    tracking: Tracking,
) -> None:
    """The way ends at the run, and says that it may be for want of permission."""
    past = make_past(tracking)
    close(past, model=False)
    found = ask(past, token=tracking.token("eve"))
    assert found["run"] is None
    assert found["steps"][-1]["kind"] == "run"
    assert "not yours to see" in found["steps"][-1]["note"]
    assert COMMIT not in json.dumps(found)
