"""%baton in a real kernel: cells that are runs, what is logged, and every mistake one line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from tests.lab.magic_kernel import Kernel, start_kernel

PREPARE = """
import json, os
from pathlib import Path
import matplotlib.pyplot as plt
import mlflow
import pandas as pd
from PIL import Image

fig, ax = plt.subplots()
plt.close(fig)
df = pd.DataFrame({"a": [1, 2], "b": [0.5, float("nan")]}, index=["x", "y"])
big = pd.DataFrame({3: range(20_000)})
odd = pd.DataFrame({"a": [object(), {1, 2}]})
series = df["a"]
picture = Image.new("RGB", (4, 4))
n, nothing, closed = 3, None, lambda: 1
Path("card.md").write_text("# card")
Path("folder/in").mkdir(parents=True)
Path("folder/in/größe 1.txt").write_text("x")
Path("empty").mkdir()
Path("gone").symlink_to("nowhere")
os.mkfifo("pipe")
path = Path("card.md")

def said(name):
    found = mlflow.search_runs(
        search_all_experiments=True, output_format="list",
        filter_string=f"attributes.run_name = '{name}'",
    )
    run, = found
    def files(folder=None):
        for file in mlflow.MlflowClient().list_artifacts(run.info.run_id, folder):
            if file.is_dir:
                yield from files(file.path)
            else:
                yield file.path
    print(json.dumps({
        "status": run.info.status, "tags": run.data.tags, "files": sorted(files()),
        "id": run.info.run_id, "experiment": run.info.experiment_id,
    }))
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with start_kernel(tmp_path_factory.mktemp("magics") / "home") as kernel:
        assert kernel.run(PREPARE).status == "ok"
        assert kernel.run("%baton experiment first").status == "ok"
        yield kernel


def look(kernel: Kernel, name: str) -> Any:
    """Return what MLflow has of a run, and that no run is left active."""
    answer = kernel.run(f"said({name!r}); print(mlflow.active_run())")
    assert answer.lines[-1] == "None"
    return json.loads(answer.lines[-2])


def test_a_cell_is_a_run_and_shows_what_it_shows(kernel: Kernel) -> None:
    answer = kernel.run("%%baton run shows --tag data=v2 --tag 'a b'=ü\nx = 40\n\nx + 2")
    assert (answer.status, answer.result, answer.error) == ("ok", "42", None)
    assert answer.cards[0] == "Run shows: running"
    assert answer.cards[1].startswith("Run shows: finished after ")
    found = look(kernel, "shows")
    assert found["status"] == "FINISHED"
    assert (found["tags"]["data"], found["tags"]["a b"]) == ("v2", "ü")
    assert found["tags"]["baton.cell"] == f"c{kernel._count - 1}"
    assert kernel.run("_").result == "42"
    assert kernel.run("print(x)").lines == ["40"]


def test_the_last_value_stays_what_it_is_in_any_cell(kernel: Kernel) -> None:
    kernel.run("%%baton run last\n[1, 2]")
    assert kernel.run("_").result == "[1, 2]"
    assert kernel.run("%%baton run quiet\n[1, 2];").result is None


def test_a_failing_cell_shows_its_own_error_and_fails_the_run(kernel: Kernel) -> None:
    answer = kernel.run("%%baton run fails\n\nmlflow.log_metric('m', 1)\n1 / 0")
    assert (answer.status, answer.error) == ("error", "ZeroDivisionError")
    assert "line 4" in answer.traceback
    assert "baton_lab" not in answer.traceback
    assert answer.cards[1].startswith("Run fails: failed after ")
    assert look(kernel, "fails")["status"] == "FAILED"


# ipykernel takes an interrupt of what is awaited only once the wait is over.
@pytest.mark.parametrize("wait", ["time.sleep(60)", "await asyncio.sleep(2)"])
def test_an_interrupted_cell_is_a_killed_run(kernel: Kernel, wait: str) -> None:
    name = f"interrupted {wait[:5]}"

    def interrupt(text: str) -> None:
        if "waits" in text:
            kernel.manager.interrupt_kernel()

    code = f"%%baton run {name}\nimport asyncio, time\nprint('waits', flush=True)\n{wait}"
    answer = kernel.run(code, interrupt)
    assert answer.status == "error"
    assert answer.cards[-1].startswith(f"Run {name}: interrupted after ")
    assert look(kernel, name)["status"] == "KILLED"


def test_await_and_other_magics_work_within(kernel: Kernel) -> None:
    code = "%%baton run within\nimport asyncio\nawait asyncio.sleep(0)\n%pwd"
    assert kernel.run(code).result == repr(str(kernel.home))
    assert look(kernel, "within")["status"] == "FINISHED"
    assert "Wall time" in kernel.run("%%baton run above\n%%time\nn + 1").printed
    assert kernel.run("%%time\n%%baton run below\nn + 1").result == "4"
    assert kernel.run("%%baton run around\n%%capture kept\nprint('inside')").printed == ""
    assert kernel.run("print(kept.stdout)").lines == ["inside"]
    kernel.run("%%capture kept\n%%baton run captured\n1 / 0")
    kernel.run("%%baton run bash\n%%bash\nexit 3")
    states = {"above": "FINISHED", "below": "FINISHED", "around": "FINISHED"}
    states |= {"captured": "FAILED", "bash": "FAILED"}
    assert {name: look(kernel, name)["status"] for name in states} == states


def test_another_magic_may_call_it_with_a_cell(kernel: Kernel) -> None:
    code = "get_ipython().run_cell_magic('baton', 'run called', '1 / 0')\nprint('not here')"
    answer = kernel.run(code)
    assert answer.lines == ["UsageError: The cell did not run to its end."]
    assert look(kernel, "called")["status"] == "FAILED"


def test_runs_are_nested_in_the_one_that_is_active(kernel: Kernel) -> None:
    kernel.run("mlflow.start_run(run_name='outer')")
    kernel.run("%%baton run middle\n%%baton run inner\n1 / 0")
    still = kernel.run("print(mlflow.active_run().info.run_name)\nmlflow.end_run()")
    assert still.lines[0] == "outer"
    outer, middle, inner = (look(kernel, name) for name in ("outer", "middle", "inner"))
    assert middle["tags"]["mlflow.parentRunId"] == outer["id"]
    assert inner["tags"]["mlflow.parentRunId"] == middle["id"]
    states = [each["status"] for each in (outer, middle, inner)]
    assert states == ["FINISHED", "FAILED", "FAILED"]


def test_a_cell_may_end_its_run_or_leave_others_open(kernel: Kernel) -> None:
    answer = kernel.run("%%baton run ended\nmlflow.end_run('KILLED')\n1")
    assert answer.cards[-1].startswith("Run ended: interrupted")
    assert look(kernel, "ended")["status"] == "KILLED"
    kernel.run("%%baton run leaves\nmlflow.start_run(run_name='left', nested=True);")
    assert look(kernel, "left")["status"] == look(kernel, "leaves")["status"] == "FINISHED"


def test_a_line_makes_the_rest_of_its_cell_a_run(kernel: Kernel) -> None:
    kernel.run("for i in range(2):\n    %baton run part-{i}\n    mlflow.log_metric('i', i)")
    first, second = look(kernel, "part-0"), look(kernel, "part-1")
    assert second["tags"]["mlflow.parentRunId"] == first["id"]
    assert first["status"] == second["status"] == "FINISHED"


def test_a_cell_that_is_no_python_starts_no_run(kernel: Kernel) -> None:
    answer = kernel.run("%%baton run nonsense\ndef f(:")
    assert (answer.error, answer.cards) == ("SyntaxError", [])


def test_a_line_that_is_wrong_keeps_the_cell_from_running(kernel: Kernel) -> None:
    for line in ("run x --tag y", "nope", "experiment ''"):
        answer = kernel.run(f"%%baton {line}\nprint('ran')")
        assert (answer.status, len(answer.lines)) == ("error", 1)
        assert answer.lines[0].startswith("UsageError: ")


@pytest.mark.parametrize(
    "name", ["team/größe", "猫 🐈", 'it\'s "quoted"', "a\\b", "-dash", "x" * 250, "<b>&</b>"]
)
def test_names_of_any_kind(kernel: Kernel, name: str) -> None:
    said = "'" + name.replace("'", "'\"'\"'") + "'"
    dashes = "-- " if name.startswith("-") else ""
    answer = kernel.run(f"%baton experiment {dashes}{said}")
    assert answer.status == "ok", answer.printed
    assert f"Runs go into the experiment {name}." in answer.lines
    answer = kernel.run(f"%%baton run {dashes}{said}\n1")
    assert (answer.status, answer.cards[0]) == ("ok", f"Run {name}: running")
    assert "<b>&</b>" not in answer.pages[0]
    kept = kernel.run("print(mlflow.last_active_run().info.run_name)").lines[-1]
    assert kept == name
    assert kernel.run("%baton experiment first").status == "ok"


def test_values_become_files_of_their_kind(kernel: Kernel) -> None:
    answer = kernel.run(
        "%%baton run kinds\n"
        "%baton log fig ax df big series picture path card.md folder\n"
        "%baton log df --as tables/größe.csv\n"
        "%baton log df --as df.parquet\n"
        "%baton log fig --as figures/one.svg\n"
        "%baton log card.md --as docs/readme.md\n"
        "%baton log folder --as all"
    )
    assert answer.status == "ok", answer.printed
    assert "Logged df.json (2 rows) into the run kinds." in answer.lines
    found = look(kernel, "kinds")
    assert found["files"] == sorted(
        [
            *("fig.png", "ax.png", "df.json", "big.parquet", "series.json", "picture.png"),
            *("card.md", "folder/in/größe 1.txt", "tables/größe.csv", "df.parquet"),
            *("figures/one.svg", "docs/readme.md", "all/in/größe 1.txt"),
        ]
    )
    assert json.loads(found["tags"]["mlflow.loggedArtifacts"]) == [
        {"path": "df.json", "type": "table"},
        {"path": "series.json", "type": "table"},
    ]


def test_a_table_is_mlflows_own_and_replaces_the_one_before(kernel: Kernel) -> None:
    kernel.run("%%baton run table\n%baton log df\n%baton log df")
    assert "Logged df.json (2 rows) into the run table." in kernel.run("%baton log df").lines
    run = repr(look(kernel, "table")["id"])
    kernel.run(
        f"table = mlflow.load_table('df.json', run_ids=[{run}])\n"
        f"file = mlflow.artifacts.download_artifacts(run_id={run}, artifact_path='df.json')"
    )
    shown = kernel.run("print(table.to_json(orient='split'))").lines[-1]
    assert json.loads(shown)["data"] == [["x", 1, 0.5], ["y", 2, None]]
    kept = json.loads(kernel.run("print(Path(file).read_text())").lines[-1])
    assert kept["columns"] == ["index", "a", "b"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("log missing", "neither a variable nor a file 'missing'"),
        ("log no/such/file.txt", "neither a variable nor a file"),
        ("log " + "x" * 5000, "neither a variable nor a file"),
        ("log gone", "neither a variable nor a file 'gone'"),
        ("log n", "n is of the type int"),
        ("log nothing", "nothing is of the type NoneType"),
        ("log closed", "closed is of the type function"),
        ("log odd --as odd.parquet", ""),
        ("log pipe", "pipe is not a file that can be read to its end"),
        ("log empty", "The folder empty holds no file"),
        ("log fig --as ../out.png", "names no place in a run's artifacts"),
        ("log fig --as /out.png", "names no place in a run's artifacts"),
        ("log fig --as ''", "names no place in a run's artifacts"),
        ("log fig --as " + "x" * 300, "may have 255 bytes"),
        ("log fig --as " + "ü" * 126, "may have 255 bytes"),
        ("autolog sometimes", "Say one of"),
        ("trace nonsense", "Write it as MODEL/VERSION"),
    ],
)
def test_what_can_not_be_done_is_one_line(kernel: Kernel, line: str, says: str) -> None:
    kernel.run("%%baton run refuses\n1")
    answer = kernel.run(f"%baton {line}")
    assert (answer.status, len(answer.lines)) == ("error", 1), answer.printed
    assert answer.lines[0].startswith("UsageError: ")
    assert says in answer.lines[0]


def test_a_file_that_may_not_be_read_is_one_line(kernel: Kernel) -> None:
    secret = kernel.home / "closed" / "secret"
    secret.parent.mkdir()
    secret.touch(0o000)
    if os.access(secret, os.R_OK):
        pytest.skip("everything can be read here")
    kernel.run("%%baton run unreadable\n1")
    for name in ("closed/secret", "closed"):
        answer = kernel.run(f"%baton log {name}")
        assert answer.lines == ["UsageError: closed/secret can't be read: you have no permission."]


def test_without_a_run_nothing_is_logged(tmp_path_factory: pytest.TempPathFactory) -> None:
    with start_kernel(tmp_path_factory.mktemp("none") / "home") as kernel:
        (kernel.home / "a.txt").write_text("a")
        assert "none yet in this kernel" in kernel.run("%baton").printed
        assert kernel.run("%baton trace").lines == ["UsageError: This kernel has made no run yet."]
        answer = kernel.run("%baton log a.txt")
        assert answer.lines[-1].startswith("UsageError: There is no run to log into")
        assert kernel.run("import mlflow; print(mlflow.active_run())").lines[-1] == "None"


def test_where_one_is(kernel: Kernel) -> None:
    kernel.run("mlflow.start_run(run_name='here')")
    lines = kernel.run("%baton status").lines
    kernel.run("mlflow.end_run()")
    assert lines[:2] == ["Experiment:  first", "Run:         here is active"]
    assert lines[2].startswith("MLflow:      on this machine, sqlite:////")
    assert lines[3:] == [
        "Waiting:     nothing",
        "Autologging: for work.ipynb: off, as for all your notebooks.",
    ]
    assert kernel.run("%baton").lines[1] == "Run:         none active; the last was here"


def test_autologging_is_set_for_this_notebook(kernel: Kernel) -> None:
    assert kernel.run("%baton autolog on").lines[-1].endswith("metrics and parameters.")
    assert "metrics and parameters" in kernel.run("%baton").lines[-1]
    assert "off, as for all" in kernel.run("%baton autolog default").lines[-1]


def test_the_way_back_of_the_last_run(kernel: Kernel) -> None:
    kernel.run("%%baton run traced\n1")
    lines = kernel.run("%baton trace").lines
    assert lines[0].endswith("(traced), finished")
    assert any("baton.notebook.path" in line and "work.ipynb" in line for line in lines)


def test_help_is_where_people_look_for_it(kernel: Kernel) -> None:
    assert "%%baton run [NAME]" in kernel.run("%baton help").printed
    assert "%%baton run [NAME]" in kernel.inspect("%baton")
    assert kernel.run("%baton?").status == "ok"
    assert kernel.run("%%baton?").status == "ok"


def test_completion_of_words_variables_and_files(kernel: Kernel) -> None:
    assert kernel.complete("%baton tr") == ["%baton trace"]
    assert set(kernel.complete("%baton ")) >= {"%baton log", "%baton run", "%baton status"}
    assert kernel.complete("%%baton ru") == ["%%baton run"]
    assert kernel.complete("x = 1\n  %baton autolog mo") == ["x = 1\n  %baton autolog models"]
    assert kernel.complete("%baton log pict") == ["%baton log picture"]
    assert kernel.complete("%baton log fig pict") == ["%baton log fig picture"]
    assert kernel.complete("%baton log ./ca") == ["%baton log ./card.md"]
    assert kernel.complete("%baton log fol") == ["%baton log folder/"]
    assert kernel.complete("%baton log folder/") == ["%baton log folder/in/"]
    assert kernel.complete("%baton log ~/ca") == ["%baton log ~/card.md"]
    assert kernel.complete("%baton log no/such/") == ["%baton log no/such/"]
    assert kernel.complete("%baton log fig --") == ["%baton log fig --as"]
    assert kernel.complete("%baton run a --t") == ["%baton run a --tag"]
    assert "print" in kernel.complete("prin")


def test_other_code_is_completed_as_ever(kernel: Kernel) -> None:
    assert "%%time" in kernel.complete("%%tim")
    assert "df.columns" in kernel.complete("df.colu")


@pytest.mark.parametrize("library", ["polars", "plotly"])
def test_values_of_libraries_that_may_be_there(kernel: Kernel, library: str) -> None:
    pytest.importorskip(library)
    made = {
        "polars": "value = __import__('polars').DataFrame({'a': [1, 2], 'b': ['x', None]})",
        "plotly": "import plotly.graph_objects as go; value = go.Figure(go.Scatter(y=[1, 2]))",
    }
    answer = kernel.run(f"%%baton run {library}\n{made[library]}\n%baton log value")
    assert answer.status == "ok", answer.printed
    suffix = {"polars": "json", "plotly": "html"}[library]
    assert look(kernel, library)["files"] == [f"value.{suffix}"]
