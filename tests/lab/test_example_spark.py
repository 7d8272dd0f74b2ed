"""The Spark example runs Spark for real, and says in one line when it can't."""

from __future__ import annotations

import re
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from tests.machine import java
from tests.tracking import Tracking

from baton_lab.handlers.home import choose_example

pytest_plugins = ("tests.tracking",)

EXAMPLE = files("baton_lab") / "examples" / "diabetes-spark.ipynb"
HERE = find_spec("pyspark") is not None and java() is not None


def read() -> nbformat.NotebookNode:
    return nbformat.reads(EXAMPLE.read_text(), as_version=4)


def printed(notebook: nbformat.NotebookNode, cell: str) -> str:
    """Return what a cell printed, then what it evaluated to; not what it was warned of."""
    outputs = next(c.outputs for c in notebook.cells if c.id == cell)
    shown = [o.text for o in outputs if o.output_type == "stream" and o.name == "stdout"]
    return "".join(shown + [o.data["text/plain"] for o in outputs if "data" in o])


def test_the_notebook_is_valid_and_holds_no_address_output_or_secret() -> None:
    notebook = read()
    nbformat.validate(notebook)
    assert all(cell.outputs == [] for cell in notebook.cells if cell.cell_type == "code")
    assert not re.search(r"https?://|token|password|set_tracking_uri", EXAMPLE.read_text())


@pytest.mark.skipif(not HERE, reason="needs Java and jupyter-baton[spark]")
def test_spark_reads_groups_and_fits_and_its_runs_are_the_hubs_users(
    tracking: Tracking, tmp_path: Path
) -> None:
    environment = tracking.kernel_environment("scientist") | {
        "HOME": str(tmp_path),
        "JPY_SESSION_NAME": str(tmp_path / "diabetes-spark.ipynb"),
        "BATON_PROFILE": "pyspark",
        "SPARK_DRIVER_MEMORY": "1g",
    }
    notebook = read()
    NotebookClient(notebook, timeout=180).execute(env=environment, cwd=str(tmp_path))

    assert re.fullmatch(r"'4\.\d+\.\d+.*'", printed(notebook, "session"))
    assert len((tmp_path / "diabetes.csv").read_text().splitlines()) == 1 + 442
    table = printed(notebook, "data")
    rows = [line.strip("|").split("|") for line in table.splitlines() if "." in line]
    assert sum(int(patients) for _, patients, _ in rows) == 442
    averages = [float(progression) for *_, progression in rows]
    assert averages == sorted(averages)

    found = tracking.call("scientist", "experiments/search", {"max_results": 100})["experiments"]
    experiment = next(e["experiment_id"] for e in found if e["name"] == "diabetes-spark")
    search = {"experiment_ids": [experiment], "order_by": ["metrics.test_rmse ASC"]}
    runs = tracking.call("scientist", "runs/search", search)["runs"]
    assert len(runs) == 3
    for run in runs:
        tags = {tag["key"]: tag["value"] for tag in run["data"]["tags"]}
        assert run["info"]["user_id"] == "scientist"
        assert (tags["baton.notebook.path"], tags["baton.profile"]) == (
            "diabetes-spark.ipynb",
            "pyspark",
        )
        assert [item["dataset"]["name"] for item in run["inputs"]["dataset_inputs"]] == ["diabetes"]
    best = {metric["key"]: metric["value"] for metric in runs[0]["data"]["metrics"]}
    # Who answers with the average of all patients is 77 off.
    assert 40 < best["test_rmse"] < 65
    assert "{'bmi': " in printed(notebook, "best")


def test_without_java_the_first_cell_says_so_in_one_line(tmp_path: Path) -> None:
    notebook = read()
    with pytest.raises(CellExecutionError):
        NotebookClient(notebook, timeout=60).execute(
            env={"PATH": str(tmp_path), "HOME": str(tmp_path)}, cwd=str(tmp_path)
        )
    (failure,) = next(cell.outputs for cell in notebook.cells if cell.id == "check")
    (line,) = failure.traceback
    assert re.fullmatch(r"There is no (PySpark|Java): [^\n]*install [^\n]*\.", line)


@pytest.mark.parametrize(
    ("environment", "example"),
    [
        ({}, "breast-cancer.ipynb"),
        ({"BATON_PROFILE": "scikit-learn"}, "breast-cancer.ipynb"),
        ({"BATON_PROFILE": "pyspark"}, "diabetes-spark.ipynb"),
        ({"BATON_PROFILE": "ours", "SPARK_HOME": "/usr/local/spark"}, "diabetes-spark.ipynb"),
    ],
)
def test_a_server_gets_the_example_that_fits_it(environment: dict[str, str], example: str) -> None:
    assert choose_example(environment) == example
    assert (files("baton_lab") / "examples" / example).is_file()
