"""Runs of a script that a cell runs inside its kernel, with ``%run``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.lab.mlflow_asked import Mlflow
from tests.lab.notebooks import Notebook, code_cell, open_notebook, render_notebook

START = """
import mlflow
mlflow.set_experiment("captured")
with mlflow.start_run() as run:
    pass
print(run.info.run_id)
"""
KEPT = "baton.script.sha256"


@pytest.fixture(scope="module")
def notebook(lab: Any) -> Iterator[Notebook]:
    text = render_notebook(code_cell("run", "%run train.py"), code_cell("own", START))
    with open_notebook(lab, "examples/scripts.ipynb", text) as opened:
        yield opened


def test_a_script_inside_the_kernel_is_kept_beside_the_notebook(
    notebook: Notebook, records: Mlflow, lab: Any
) -> None:
    script = lab.home / "examples" / "train.py"
    script.write_text(START)
    run_id = notebook.run("run", "%run train.py")
    tags = records.captured(run_id, KEPT)
    assert tags["baton.cell"] == "run"
    assert tags["baton.notebook.path"] == notebook.path
    assert tags["mlflow.source.name"] == "scripts.ipynb"
    assert tags["baton.script.path"] == "examples/train.py"
    assert records.snapshot(tags, "script") == script.read_bytes()
    steps = {step["kind"]: step["state"] for step in lab.get("trace", run=run_id)["steps"]}
    assert steps["notebook"] == steps["script"] == "verified"


def test_a_script_that_was_edited_is_kept_as_it_ran_again(
    notebook: Notebook, records: Mlflow, lab: Any
) -> None:
    script = lab.home / "examples" / "train.py"
    script.write_text(START)
    notebook.run("run", "%run train.py")
    script.write_text(START + "# edited\n")
    tags = records.captured(notebook.run("run", "%run train.py"), KEPT)
    assert records.snapshot(tags, "script") == script.read_bytes()


def test_a_cell_after_it_is_the_notebooks_own(
    notebook: Notebook, records: Mlflow, lab: Any
) -> None:
    (lab.home / "examples" / "train.py").write_text(START)
    notebook.run("run", "%run train.py")
    tags = records.captured(notebook.run("own", START))
    assert not [tag for tag in tags if tag.startswith("baton.script")]


def test_its_notebook_is_named_as_it_is_now(notebook: Notebook, records: Mlflow, lab: Any) -> None:
    (lab.home / "examples" / "train.py").write_text(START)
    notebook.rename("examples/renamed.ipynb")
    tags = records.captured(notebook.run("run", "%run train.py"), KEPT)
    assert tags["baton.notebook.path"] == "examples/renamed.ipynb"
    assert tags["mlflow.source.name"] == "renamed.ipynb"
