"""Runs of real notebooks on a real server say where they come from."""

from __future__ import annotations

import hashlib
import json
import platform as machine
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.lab.mlflow_asked import Mlflow
from tests.lab.notebooks import Notebook, code_cell, open_notebook, render_notebook

START = """
import mlflow
mlflow.set_experiment("captured")
run = mlflow.start_run()
mlflow.end_run()
print(run.info.run_id)
"""


@pytest.fixture(scope="module")
def notebook(lab: Any) -> Iterator[Notebook]:
    """A notebook in a git repository, with unicode and a space in its path."""
    folder = lab.home / "größe"
    folder.mkdir()
    for command in (
        ("init", "--quiet", "--initial-branch", "main"),
        ("remote", "add", "origin", "https://ada:hunter2secret@git.example.org/x.git"),
        ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x", "--allow-empty"),
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    cells = [code_cell("first", "x = 1"), code_cell("second", "start()"), code_cell("last", "end")]
    with open_notebook(lab, "größe/my notes.ipynb", render_notebook(*cells)) as opened:
        yield opened


def test_a_run_carries_where_it_comes_from(notebook: Notebook, records: Mlflow, lab: Any) -> None:
    notebook.run("first", "x = 2")
    tags = records.captured(notebook.run("second", START), "baton.git.untracked")
    assert tags["baton.notebook.path"] == "größe/my notes.ipynb"
    assert tags["baton.cell"] == "second"
    assert tags["baton.cell.count"] == str(notebook.count)
    assert tags["baton.server"] == tags["mlflow.user"] == "scientist"
    assert tags["baton.profile"] == "scikit-learn"
    assert tags["baton.size"] == "small"
    assert tags["baton.notebook.in_order"] == "true"
    assert tags["mlflow.source.git.branch"] == "main"
    assert tags["mlflow.source.git.repoURL"] == "https://git.example.org/x.git"
    assert tags["mlflow.source.git.dirty"] == "false"
    assert tags["baton.git.untracked"] == "1"
    head = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=lab.home / "größe", text=True)
    assert tags["mlflow.source.git.commit"] == head.strip()
    assert "baton.capture.problem" not in tags
    cells = json.loads(records.snapshot(tags))["cells"]
    assert ["".join(cell["source"]) for cell in cells] == ["x = 2", START, "end"]
    lock = records.file(tags["baton.packages"]).decode()
    assert lock.startswith(f"# Python {machine.python_version()}")
    assert "\nmlflow==" in lock


def test_mlflow_does_not_send_the_hubs_token_in_an_address(notebook: Notebook) -> None:
    """It would, to ask the server for the notebook's name."""
    asked = """
from mlflow.tracking.context import jupyter_notebook_context as own
own._get_running_servers = lambda: 1 / 0
own._get_notebook_name.cache_clear()
print(own._get_notebook_name())
"""
    assert notebook.run("second", asked) == "my notes.ipynb"


def test_the_way_back_verifies_every_digest(notebook: Notebook, records: Mlflow, lab: Any) -> None:
    records.captured(run := notebook.run("second", START))
    steps = {step["kind"]: step for step in lab.get("trace", run=run)["steps"]}
    assert steps["notebook"]["state"] == steps["packages"]["state"] == "verified"
    assert steps["notebook"]["value"] == notebook.path
    assert (steps["cell"]["state"], steps["cell"]["value"]) == ("recorded", "second")
    assert steps["commit"]["state"] == "recorded"


def test_the_files_lie_where_the_experiments_permissions_hold(
    notebook: Notebook, records: Mlflow
) -> None:
    tags = records.captured(run_id := notebook.run("second", START))
    experiment = records.run(run_id)["info"]["experiment_id"]
    for tag, kind in (("baton.notebook.snapshot", "notebooks"), ("baton.packages", "packages")):
        assert tags[tag].startswith(f"mlflow-artifacts:/{experiment}/baton/{kind}/")


def test_cells_run_out_of_order_are_told(notebook: Notebook, records: Mlflow) -> None:
    notebook.run("second", START)
    notebook.run("first", "x = 3")
    tags = records.captured(notebook.run("last", START))
    assert tags["baton.notebook.in_order"] == "false"


def test_a_secret_in_an_output_a_source_or_a_diff_is_masked(
    notebook: Notebook, records: Mlflow, lab: Any
) -> None:
    file = lab.home / notebook.path
    printed = {"output_type": "stream", "name": "stdout", "text": ["scientist-token\n"]}
    first = code_cell("first", "print(token)", outputs=[printed])
    file.write_text(render_notebook(first, code_cell("second", START)))
    (lab.home / "größe" / "keys.py").write_text("KEY = 'scientist-token'\n")
    subprocess.run(["git", "add", "keys.py"], cwd=lab.home / "größe", check=True)
    notebook.run("set", "import os; os.environ['MY_SECRET'] = 'own-' + 'value'")
    source = START + "# scientist-token own-value\n"
    tags = records.captured(notebook.run("second", source), "baton.git.diff.sha256")
    content = records.snapshot(tags)
    assert b"scientist-token" not in content
    assert b"own-value" not in content
    assert content.count(b"[masked]") >= 2
    diff = records.file(tags["baton.git.diff"])
    assert hashlib.sha256(diff).hexdigest() == tags["baton.git.diff.sha256"]
    assert b"scientist-token" not in diff
    assert b"+KEY = '[masked]'" in diff
    assert tags["mlflow.source.git.dirty"] == "true"
    subprocess.run(["git", "rm", "-qf", "keys.py"], cwd=lab.home / "größe", check=True)


def test_one_content_is_stored_once(notebook: Notebook, records: Mlflow, lab: Any) -> None:
    first = records.captured(notebook.run("second", START))
    second = records.captured(notebook.run("second", START))
    assert first["baton.packages"] == second["baton.packages"]


def test_the_path_is_right_after_a_rename(notebook: Notebook, records: Mlflow, lab: Any) -> None:
    notebook.rename("größe/renamed.ipynb")
    tags = records.captured(notebook.run("second", START))
    assert tags["baton.notebook.path"] == "größe/renamed.ipynb"
    assert tags["mlflow.source.name"] == "renamed.ipynb"
    assert "baton.notebook.left_out" not in tags


def test_the_path_is_right_after_a_rename_without_its_session(
    notebook: Notebook, records: Mlflow, lab: Any, until: Callable[..., Any]
) -> None:
    """Renamed over the contents API, with its tab closed; its folder too."""
    sessions = lab.home / ".local/share/jupyter/runtime/baton/sessions.json"
    notebook.rename("größe/again.ipynb", with_session=False)
    until(lambda: json.loads(sessions.read_text())[notebook.kernel]["path"] == notebook.path)
    notebook.path = "größe"
    notebook.rename("tiefe", with_session=False)
    notebook.path = "tiefe/again.ipynb"
    until(lambda: json.loads(sessions.read_text())[notebook.kernel]["path"] == notebook.path)
    tags = records.captured(notebook.run("second", START))
    assert tags["baton.notebook.path"] == "tiefe/again.ipynb"
    assert sessions.stat().st_mode & 0o777 == 0o600
    assert sessions.parent.stat().st_mode & 0o777 == 0o700


def test_a_kernel_that_is_killed_leaves_its_snapshot(
    lab: Any, records: Mlflow, until: Callable[..., Any]
) -> None:
    """SIGKILL to the kernel's whole process group, at once after the call returned."""
    cells = [code_cell("a", "pass"), code_cell("b", START)]
    with open_notebook(lab, "killed.ipynb", render_notebook(*cells)) as opened:
        opened.run("a", "import mlflow, os, signal; mlflow.set_experiment('captured')")
        said = lab.home / "run-id"
        opened.send(
            "b",
            "run = mlflow.start_run()\n"
            f"fd = os.open({str(said)!r}, os.O_CREAT | os.O_WRONLY)\n"
            "os.write(fd, run.info.run_id.encode())\n"
            "os.killpg(os.getpgid(0), signal.SIGKILL)\n",
        )
        until(lambda: said.exists() and said.read_text())
        tags = records.captured(said.read_text())
    cells = json.loads(records.snapshot(tags))["cells"]
    assert "os.killpg" in "".join(cells[1]["source"])
    assert tags["baton.cell"] == "b"


def test_an_unsaved_notebook_is_made_of_what_ran(lab: Any, records: Mlflow) -> None:
    with open_notebook(lab, "unsaved.ipynb", None) as opened:
        opened.run("a", "x = 1")
        tags = records.captured(opened.run("b", START))
    assert tags["baton.notebook.path"] == "unsaved.ipynb"
    assert tags["baton.notebook.left_out"] == "the saved notebook (there is no file)"
    cells = json.loads(records.snapshot(tags))["cells"]
    assert [cell["id"] for cell in cells] == ["a", "b"]


def test_a_deleted_notebook_is_made_of_what_ran(lab: Any, records: Mlflow) -> None:
    with open_notebook(lab, "deleted.ipynb", render_notebook(code_cell("a", "x"))) as opened:
        (lab.home / "deleted.ipynb").unlink()
        tags = records.captured(opened.run("b", START))
    assert json.loads(records.snapshot(tags))["cells"][0]["id"] == "b"


def test_a_notebook_of_50_mb_is_kept_without_its_outputs(lab: Any, records: Mlflow) -> None:
    output = {"output_type": "stream", "name": "stdout", "text": ["x" * 50_000_000]}
    cells = [code_cell("a", "huge()", outputs=[output]), code_cell("b", START)]
    with open_notebook(lab, "huge.ipynb", render_notebook(*cells)) as opened:
        tags = records.captured(opened.run("b", START))
    assert tags["baton.notebook.left_out"] == "outputs (48 MiB; a snapshot may have 20 MiB)"
    first, second = json.loads(records.snapshot(tags))["cells"]
    assert (first["source"], first["outputs"]) == ("huge()", [])
    assert second["source"] == START


def test_several_kernels_of_one_notebook_know_their_own_cells(lab: Any, records: Mlflow) -> None:
    text = render_notebook(code_cell("a", "x"), code_cell("b", START))
    with (
        open_notebook(lab, "shared.ipynb", text) as one,
        open_notebook(lab, "shared-2.ipynb", text) as two,
    ):
        two.move("shared.ipynb")
        one.run("a", "x = 'one'")
        two.run("a", "x = 'two'")
        runs = one.run("b", START), two.run("b", START)
        found = [records.captured(run) for run in runs]
    assert {tags["baton.notebook.path"] for tags in found} == {"shared.ipynb"}
    texts = [records.snapshot(tags).decode() for tags in found]
    assert "x = 'one'" in texts[0]
    assert "x = 'two'" in texts[1]


def test_a_script_that_a_cell_starts_names_the_cell(
    notebook: Notebook, records: Mlflow, lab: Any
) -> None:
    script = lab.home / "größe-train.py"
    script.write_text(START + "# password = 'hunter22'\n")
    source = f"""import subprocess, sys
print(subprocess.check_output([sys.executable, {str(script)!r}], text=True))"""
    tags = records.captured(notebook.run("second", source))
    assert tags["baton.cell"] == "second"
    assert tags["baton.cell.count"] == str(notebook.count)
    assert tags["baton.notebook.path"] == notebook.path
    assert tags["baton.script.path"] == "größe-train.py"
    assert records.snapshot(tags, "script") == (START + "# password = '[masked]'\n").encode()
    assert b"subprocess.check_output" in records.snapshot(tags)


def test_a_fork_of_the_kernel_names_the_cell(notebook: Notebook, records: Mlflow) -> None:
    body = "\n    ".join(START.strip().splitlines())
    source = f"""
import multiprocessing
def work():
    {body}
process = multiprocessing.get_context("fork").Process(target=work)
process.start()
process.join()
"""
    tags = records.captured(notebook.run("second", source))
    assert (tags["baton.cell"], tags["baton.cell.count"]) == ("second", str(notebook.count))
    assert b"multiprocessing" in records.snapshot(tags)


def test_cells_deleted_in_the_browser_are_gone_from_the_snapshot(lab: Any, records: Mlflow) -> None:
    """The client names them with the next execution; the file still has them."""
    text = render_notebook(code_cell("a", "1"), code_cell("b", "2"), code_cell("c", START))
    with open_notebook(lab, "deleting.ipynb", text) as opened:
        opened.run("a", "1")
        tags = records.captured(opened.run("c", START, deletedCells=["b"]))
    cells = json.loads(records.snapshot(tags))["cells"]
    assert [cell["id"] for cell in cells] == ["a", "c"]
    assert tags["baton.notebook.in_order"] == "true"


def test_runs_of_mlflows_client_carry_it_too(notebook: Notebook, records: Mlflow) -> None:
    """MlflowClient does not ask for tags of the place."""
    source = "import mlflow; c = mlflow.MlflowClient(); e = mlflow.set_experiment('captured')\n"
    source += "print(c.create_run(e.experiment_id).info.run_id)"
    tags = records.captured(notebook.run("second", source))
    assert tags["baton.cell"] == "second"
    assert tags["baton.profile"] == "scikit-learn"


def test_datasets_have_digests_by_autolog_and_by_log_input(
    notebook: Notebook, records: Mlflow
) -> None:
    source = """
import mlflow, pandas
from sklearn.linear_model import LinearRegression
mlflow.set_experiment("captured")
mlflow.sklearn.autolog(log_models=False)
data = pandas.DataFrame({"a": [1.0, 2, 3], "b": [2.0, 4, 6]})
with mlflow.start_run() as run:
    mlflow.log_input(mlflow.data.from_pandas(data, name="own"), context="training")
    LinearRegression().fit(data[["a"]], data["b"])
mlflow.sklearn.autolog(disable=True)
print(run.info.run_id)
"""
    run = records.run(notebook.run("second", source))
    found = [entry["dataset"] for entry in run["inputs"]["dataset_inputs"]]
    assert len(found) == 2
    assert "own" in {dataset["name"] for dataset in found}
    assert all(dataset["digest"] for dataset in found)
