"""Runs from scripts, papermill and nbconvert, forks and odd machines: what they carry."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.lab.conftest import scientist_env
from tests.lab.mlflow_asked import Mlflow
from tests.lab.notebooks import code_cell, render_notebook
from tests.lab.outage import Service

from baton_lab.capture import collector, late
from baton_lab.capture.start import environment_key, experiment_folder, write_request

START = """
import mlflow
mlflow.set_experiment("placed")
with mlflow.start_run() as run:
    mlflow.log_metric("loss", 1)
print("run", run.info.run_id)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture
def env(home: Path, mlflow: Any) -> dict[str, str]:
    """A home and variables as on the platform, without a Jupyter server."""
    inherited = {
        k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "JPY", "BATON"))
    }
    return {**inherited, **scientist_env(mlflow.url, ""), "HOME": str(home)}


def call(command: list[str], env: dict[str, str], cwd: Path) -> str:
    """Run a program; return what it prints."""
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_in(text: str) -> str:
    """Return the id of the run that was printed."""
    return next(line.split()[1] for line in text.splitlines() if line.startswith("run "))


def outputs(notebook: dict[str, Any]) -> str:
    """Return what a notebook's cells printed."""
    found = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    return "".join("".join(output.get("text", [])) for output in found)


def test_a_script_from_a_terminal_carries_its_text_as_it_ran(
    home: Path, env: dict[str, str], records: Mlflow
) -> None:
    """Also where it is edited between its start and the run's."""
    script = home / "work" / "größe train.py"
    script.parent.mkdir()
    script.write_text(START.replace("with", f"open({str(script)!r}, 'w').write('edited')\nwith"))
    ran = script.read_bytes()
    tags = records.captured(run_in(call([sys.executable, str(script)], env, home)))
    assert script.read_text() == "edited"
    assert tags["baton.script.path"] == "work/größe train.py"
    assert records.snapshot(tags, "script") == ran
    assert tags["baton.server"] == "scientist"
    assert not {"baton.cell", "baton.cell.count", "baton.notebook.path"} & tags.keys()


def test_names_that_are_no_text_lose_no_run(
    home: Path, env: dict[str, str], records: Mlflow
) -> None:
    """Linux allows any bytes; MLflow's client fails at what is no UTF-8, databases at NUL."""
    script = Path(os.fsdecode(os.fsencode(home) + b"/gr\xf6\xdfe\n/tr\xe4in.py"))
    script.parent.mkdir()
    script.write_text(START)
    odd = {**env, "BATON_PROFILE": os.fsdecode(b"\xff" + b"x" * 20_000)}
    done = subprocess.run([sys.executable, script], env=odd, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    tags = records.captured(run_in(done.stdout.decode()))
    assert tags["baton.script.path"] == "gr��e�/tr�in.py"
    assert len(tags["baton.profile"]) == 1000
    assert records.snapshot(tags, "script").startswith(START.encode())


def test_a_program_without_a_file_carries_what_there_is(
    home: Path, env: dict[str, str], records: Mlflow
) -> None:
    piped = subprocess.run(
        [sys.executable, "-"], input=START, env=env, cwd=home, capture_output=True, text=True
    )
    for printed in (call([sys.executable, "-c", START], env, home), piped.stdout):
        tags = records.captured(run_in(printed))
        assert not {key for key in tags if key.startswith(("baton.script", "baton.notebook"))}
        assert tags["baton.profile"] == "scikit-learn"


def test_a_fork_and_a_spawned_worker_carry_the_script(
    home: Path, env: dict[str, str], records: Mlflow
) -> None:
    script = home / "workers.py"
    body = "\n    ".join(START.strip().splitlines())
    script.write_text(f"""
import multiprocessing, mlflow

def work():
    {body}

if __name__ == "__main__":
    for way in ("fork", "spawn"):
        process = multiprocessing.get_context(way).Process(target=work)
        process.start()
        process.join()
""")
    printed = call([sys.executable, str(script)], env, home)
    runs = [line.split()[1] for line in printed.splitlines() if line.startswith("run ")]
    assert len(runs) == 2
    for run in runs:
        tags = records.captured(run)
        assert tags["baton.script.path"] == "workers.py"
        assert records.snapshot(tags, "script") == script.read_bytes()


def test_papermill_carries_both_notebooks_and_the_parameters(
    home: Path, env: dict[str, str], records: Mlflow
) -> None:
    first = code_cell("p", "rate = 1\ntoken = ''")
    first["metadata"] = {"tags": ["parameters"]}
    book = render_notebook(first, code_cell("t", START), code_cell("end", "after = 1"))
    book = book.replace('"metadata": {}, "nbformat"', f'"metadata": {KERNEL}, "nbformat"')
    (home / "in put.ipynb").write_text(book)
    command = [sys.executable, "-m", "papermill", "in put.ipynb", "out.ipynb", "-p", "rate", "7"]
    call([*command, "-p", "token", "scientist-token"], env, home)
    tags = records.captured(run_in(outputs(json.loads((home / "out.ipynb").read_text()))))
    assert tags["baton.notebook.path"] == "in put.ipynb"
    assert tags["baton.papermill.output"] == "out.ipynb"
    parameters = json.loads(tags["baton.papermill.parameters"])
    assert parameters == {"rate": 7, "token": "[masked]"}
    assert tags["baton.notebook.in_order"] == "true"
    assert tags["baton.cell"] == "t"
    content = records.snapshot(tags)
    assert b"rate = 7" in content
    assert b"scientist-token" not in content


def test_nbconvert_carries_the_notebook_that_it_runs(
    home: Path, env: dict[str, str], records: Mlflow
) -> None:
    book = render_notebook(code_cell("one", "x = 1"), code_cell("two", START))
    (home / "book.ipynb").write_text(book)
    command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--stdout"]
    out = json.loads(call([*command, "book.ipynb"], env, home))
    tags = records.captured(run_in(outputs(out)))
    assert tags["baton.notebook.path"] == "book.ipynb"
    assert (tags["baton.cell"], tags["baton.cell.count"]) == ("two", "2")
    assert tags["baton.notebook.in_order"] == "true"
    sources = ["".join(cell["source"]) for cell in json.loads(records.snapshot(tags))["cells"]]
    assert sources == ["x = 1", START]


def test_a_kernel_that_a_notebook_starts_is_not_taken_for_that_notebook(
    home: Path, env: dict[str, str], records: Mlflow
) -> None:
    """Its variables are inherited; it is another's kernel all the same."""
    code = f"""
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel()
client.execute_interactive({START!r}, output_hook=lambda m: print(m["content"].get("text", "")))
client.stop_channels(); manager.shutdown_kernel(now=True)
"""
    outer = {"kernel": "outer", "cell": "c", "count": 3, "cells": ""}
    said = {"JPY_SESSION_NAME": str(home / "outer.ipynb"), "BATON_CELL": json.dumps(outer)}
    tags = records.captured(run_in(call([sys.executable, "-c", code], env | said, home)))
    assert "baton.notebook.path" not in tags
    assert "baton.cell" not in tags
    assert (
        START.encode()
        in json.dumps(json.loads(records.snapshot(tags))).encode().decode("unicode_escape").encode()
    )


def test_on_a_disk_that_takes_nothing_the_run_is_made_and_says_so(
    home: Path, env: dict[str, str], records: Mlflow
) -> None:
    """As with a read-only home: a file stands where Jupyter's folder would be."""
    (home / "blocked").write_text("")
    odd = env | {"JUPYTER_DATA_DIR": str(home / "blocked" / "data")}
    (home / "train.py").write_text(START)
    run = run_in(call([sys.executable, "train.py"], odd, home))
    tags = records.tags(run)
    assert "so no snapshot is kept" in tags["baton.capture.problem"]
    assert tags["baton.script.path"] == "train.py"
    assert tags["baton.profile"] == "scikit-learn"
    assert records.run(run)["info"]["status"] == "FINISHED"


def test_an_environment_without_baton_makes_plain_runs(
    home: Path, env: dict[str, str], records: Mlflow
) -> None:
    """Another kernel's environment, where jupyter-baton is not installed: nothing breaks."""
    hidden = (
        "import importlib.metadata as m; own = m.EntryPoints\n"
        "old = m.entry_points\n"
        "m.entry_points = lambda **k: own(e for e in old(**k) if 'baton' not in e.value)\n"
    )
    tags = records.tags(run_in(call([sys.executable, "-c", hidden + START], env, home)))
    assert tags["mlflow.user"] == "scientist"
    assert not {key for key in tags if key.startswith("baton.")}


def test_what_was_captured_while_mlflow_was_away_is_sent_with_the_run(
    home: Path, env: dict[str, str], hub: str, tmp_path: Path, until: Callable[..., Any]
) -> None:
    """In a new experiment too, whose id nobody knew then."""
    service = Service(hub, tmp_path)
    away = env | {"MLFLOW_TRACKING_URI": service.url, "BATON_TRACKING_URI": service.url}
    (home / "train.py").write_text(START)
    run = run_in(call([sys.executable, "train.py"], away, home))
    spool = home / ".local/share/jupyter/baton/spool"
    until(lambda: any("baton.packages" in path.read_text() for path in spool.glob("*/runs/*")))
    until(lambda: not list((home / ".local/share/jupyter/baton/capture").glob("*.json")))
    try:
        service.start()
        sync = [sys.executable, "-c", "from baton_client.cli import main; main()", "sync"]
        call(sync, away, home)
        [sent] = service.runs("placed")
        tags = {tag["key"]: tag["value"] for tag in sent["data"]["tags"]}
        assert tags["baton.offline.id"] == run
        folder = f"mlflow-artifacts:/{sent['info']['experiment_id']}/baton/scripts/"
        assert tags["baton.script.snapshot"].startswith(folder)
        asked = Mlflow(service.url, until)
        assert asked.snapshot(tags, "script") == START.encode()
        asked.close()
    finally:
        service.stop()


def request_of(run: str, spool: Path, **more: Any) -> dict[str, Any]:
    place = {"path": "a.ipynb", "file": str(spool.parent / "a.ipynb"), "kernel": "k"}
    return {
        "run": run,
        "experiment": "mlflow-artifacts:/1",
        "spool": str(spool),
        "place": place,
        "folder": "",
        "commit": None,
        "tags": {},
        "script": None,
        "sys_path": [],
        **more,
    }


def kept(spool: Path, run: str) -> str:
    return "".join(path.read_text() for path in spool.glob(f"runs/{run}.*"))


def test_what_a_machine_left_when_it_ended_is_captured_without_outputs(tmp_path: Path) -> None:
    """Nobody knows any more which secrets the kernel had."""
    folder, spool = tmp_path / "capture", tmp_path / "spool"
    output = {"output_type": "stream", "name": "stdout", "text": ["unknown-secret"]}
    (tmp_path / "a.ipynb").write_text(render_notebook(code_cell("a", "x", outputs=[output])))
    write_request(folder, "1-a", "r1", request_of("r1", spool))
    late.sweep(folder, time.time())
    assert not kept(spool, "r1")  # It may be somebody's who is at it.
    late.sweep(folder, time.time() + 120)
    assert "taken after the server's restart" in kept(spool, "r1")
    contents = b"".join(path.read_bytes() for path in (spool / "files").iterdir())
    assert b"unknown-secret" not in contents
    assert b'"source": "x"' in contents
    assert not list(folder.glob("*.json"))


def test_a_file_of_more_than_100_mb_is_not_read(tmp_path: Path) -> None:
    folder, spool = tmp_path / "capture", tmp_path / "spool"
    with (tmp_path / "a.ipynb").open("wb") as file:
        file.truncate(101 * 1024 * 1024)
    cells = tmp_path / "k.jsonl"
    cells.write_text(json.dumps({"cell": "a", "count": 1, "source": "x = 1"}) + "\n")
    request = request_of("r1", spool)
    request["place"] |= {"cells": str(cells), "count": 1, "cell": "a"}
    write_request(folder, "1-a", "r1", request)
    collector.serve(folder, "1-a")
    assert "the saved notebook (it has 101 MiB)" in kept(spool, "r1")
    contents = b"".join(path.read_bytes() for path in (spool / "files").iterdir())
    assert b"x = 1" in contents


def test_a_clock_that_went_backwards_keeps_no_request_waiting(tmp_path: Path) -> None:
    folder, spool = tmp_path / "capture", tmp_path / "spool"
    path = write_request(folder, "1-a", "r1", request_of("r1", spool))
    far = path.with_name(path.name.replace(path.name.split(".")[1], "9" * 20))
    path.rename(far)
    late.sweep(folder, time.time())
    assert "baton.packages.sha256" in kept(spool, "r1")


MANY = """
import os, random, sys, time
from pathlib import Path
from baton_lab.capture import start

folder, spool = Path(sys.argv[1]), sys.argv[2]
key = start.environment_key(os.environ)
for number in range(60):
    request = {"run": f"r{number}", "experiment": "mlflow-artifacts:/1", "spool": spool}
    request |= {"place": {}, "folder": "", "commit": None, "tags": {}, "script": None}
    start.write_request(folder, key, f"r{number}", request | {"sys_path": []})
    start.ensure_collector(folder, key)
    # Around the moment at which a collector has nothing left and ends.
    time.sleep(random.choice((0, 0, 0.02, 0.1, 0.3)))
    assert len(start._collectors) <= 2, "one at work, one that sends"
"""


def test_of_many_runs_none_falls_between_two_collectors(
    tmp_path: Path, home: Path, env: dict[str, str], until: Callable[..., Any]
) -> None:
    folder, spool = tmp_path / "capture", tmp_path / "spool"
    call([sys.executable, "-c", MANY, str(folder), str(spool)], env, home)
    until(lambda: not list(folder.glob("*.json")))
    until(lambda: all("baton.packages.sha256" in kept(spool, f"r{n}") for n in range(60)))
    assert len(list((spool / "files").iterdir())) == 1
    assert not list(folder.glob("*.later"))


def test_requests_are_served_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    folder, spool = tmp_path / "capture", tmp_path / "spool"
    for number in range(3):
        write_request(folder, "1-a", f"r{number}", request_of(f"r{number}", spool))
    assert [path.name.split(".")[2] for path in collector.waiting(folder, "1-a")] == [
        *("r0", "r1", "r2")
    ]
    assert collector.serve(folder, "1-a") == {str(spool)}
    assert collector.waiting(folder, "1-a") == []


def test_a_request_that_ends_the_collector_is_given_up_and_the_run_says_so(tmp_path: Path) -> None:
    """Three times, as when a notebook is more than the memory holds."""
    folder, spool = tmp_path / "capture", tmp_path / "spool"
    path = write_request(folder, "1-a", "r1", request_of("r1", spool))
    path.rename(path.with_name(path.name.replace(".json", ".2.json")))
    collector.serve(folder, "1-a")
    assert "Reading the notebook failed 3 times." in kept(spool, "r1")
    assert "baton.notebook.snapshot" not in kept(spool, "r1")


def test_a_part_that_fails_takes_no_other_with_it(tmp_path: Path) -> None:
    folder, spool = tmp_path / "capture", tmp_path / "spool"
    (tmp_path / "a.ipynb").mkdir()
    request = request_of("r1", spool, folder=str(tmp_path / "gone"), sys_path=[3])
    write_request(folder, "1-a", "r1", {**request, "script": "x = 1"} | {"place": {"script": 3}})
    collector.serve(folder, "1-a")
    assert "could not be read" in kept(spool, "r1")


def test_a_request_that_is_no_json_is_put_aside(tmp_path: Path) -> None:
    folder = tmp_path / "capture"
    write_request(folder, "1-a", "r1", {}).write_text("{")
    collector.serve(folder, "1-a")
    assert [path.suffix for path in folder.iterdir() if "r1" in path.name] == [".later"]


def test_requests_and_cells_are_readable_by_the_person_alone(tmp_path: Path) -> None:
    folder = tmp_path / "capture"
    path = write_request(folder, "1-a", "r1", {})
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_new_secret_is_known_to_a_new_collector() -> None:
    """One that is at work inherited the variables of before."""
    before = environment_key({"PATH": "x", "A_TOKEN": "one"})
    assert before == environment_key({"PATH": "y", "A_TOKEN": "one"})
    assert before != environment_key({"PATH": "x", "A_TOKEN": "one", "B_SECRET": "two"})
    assert "one" not in before


@pytest.mark.parametrize(
    ("uri", "folder"),
    [
        ("mlflow-artifacts:/7/r/artifacts", "mlflow-artifacts:/7"),
        ("mlflow-artifacts:/a/b/r/artifacts", "mlflow-artifacts:/a/b"),
        ("s3://bucket/7/r/artifacts", "mlflow-artifacts:/7"),
        ("", "mlflow-artifacts:/7"),
    ],
)
def test_files_lie_beside_the_experiments_runs(uri: str, folder: str) -> None:
    assert experiment_folder("r", "7", uri) == folder


KERNEL = '{"kernelspec": {"name": "python3", "display_name": "P", "language": "python"}}'
