"""Kernels and scripts of a Python environment of its own, in which Baton is not installed."""

from __future__ import annotations

import json
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lab.conftest import Lab
from tests.lab.mlflow_asked import Mlflow
from tests.lab.notebooks import Notebook, code_cell, open_notebook, render_notebook

NOISE = ("baton", "Traceback", "UserWarning", "ERROR")
HERE = Path(__file__).parents[2]
RUN = """
import mlflow
mlflow.set_experiment("elsewhere")
with mlflow.start_run() as run:
    mlflow.log_param("p", 1)
    mlflow.log_metric("m", 2)
    mlflow.log_text("x", "x.txt")
print("run", run.info.run_id)
"""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with all that is installed here, save Baton.

    Its IPython reads the configuration that Baton brings all the same, as it does where
    Baton is installed below /usr/local: that folder's is every environment's.
    """
    folder = tmp_path_factory.mktemp("elsewhere") / "env"
    venv.create(folder, symlinks=True)
    (there,) = folder.glob("lib/python*/site-packages")
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "baton" not in entry.name and entry.suffix != ".pth":
            (there / entry.name).symlink_to(entry)
    brought = HERE / "server_extension/ipython-config/ipython_kernel_config.py"
    (folder / "etc" / "ipython").mkdir(parents=True)
    (folder / "etc" / "ipython" / brought.name).symlink_to(brought)
    return folder / "bin" / "python"


@pytest.fixture
def notebook(lab: Lab, elsewhere: Path) -> Iterator[Notebook]:
    """A notebook whose kernel the server started in that environment."""
    spec = lab.home / ".local/share/jupyter/kernels/elsewhere"
    spec.mkdir(parents=True, exist_ok=True)
    argv = [str(elsewhere), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    said = {"argv": argv, "display_name": "Elsewhere", "language": "python"}
    (spec / "kernel.json").write_text(json.dumps(said))
    text = render_notebook(code_cell("a", RUN))
    with open_notebook(lab, "elsewhere.ipynb", text, kernel="elsewhere") as notebook:
        yield notebook


def test_a_kernel_without_baton_makes_plain_runs_under_the_persons_name(
    lab: Lab, notebook: Notebook, records: Mlflow
) -> None:
    missing = "import importlib.util as u; print([u.find_spec(n) for n in ('baton_lab', 'mlflow')])"
    said = notebook.run("z", missing)
    assert said.startswith("[None, ModuleSpec(name='mlflow'")
    run_id = notebook.run("a", RUN).split()[1]
    # Its tqdm misses widgets, as it does with Baton.
    assert not [word for word in NOISE if word in notebook.complained]
    assert notebook.run("b", "1 + 1") == ""
    assert notebook.complained == ""
    run = records.run(run_id)
    assert run["info"]["status"] == "FINISHED"
    tags = records.tags(run_id)
    assert tags["mlflow.user"] == "scientist"
    assert not {key for key in tags if key.startswith("baton.")}


def test_a_kernel_without_baton_starts_without_a_word(lab: Lab, notebook: Notebook) -> None:
    notebook.run("a", "x = 1")
    log = lab.process.log.read_text()
    started = log[log.rindex(f"Kernel started: {notebook.kernel}") :]
    assert not [word for word in NOISE if word in started]


def test_a_script_without_baton_that_a_cell_with_it_starts_makes_a_plain_run(
    lab: Lab, elsewhere: Path, records: Mlflow
) -> None:
    (lab.home / "elsewhere.py").write_text(RUN)
    code = (
        "import subprocess, mlflow\n"
        "mlflow.set_experiment('here')\n"  # It has chosen its sign-in by now.
        f"done = subprocess.run([{str(elsewhere)!r}, 'elsewhere.py'], capture_output=True,\n"
        "    text=True)\n"
        "print(repr(done.stderr))\n"
        "print(done.stdout)\n"
    )
    with open_notebook(lab, "here.ipynb", render_notebook(code_cell("a", code))) as notebook:
        notebook.run("x", "import mlflow")
        run_id = notebook.run("a", code).split()[1]
        complained = notebook.run("b", "print(repr(done.stderr))")
    assert not [word for word in NOISE if word in complained]
    tags = records.tags(run_id)
    assert tags["mlflow.user"] == "scientist"
    assert not {key for key in tags if key.startswith("baton.")}
