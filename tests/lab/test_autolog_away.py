"""Autologging while MLflow is away, and in kernels that no server started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from tests.lab.notebooks import code_cell, render_notebook
from tests.lab.outage import Gate, Person, Service

pytest_plugins = ("tests.lab.outage",)

FIT = """
import time
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
data = load_iris(return_X_y=True)
start = time.monotonic()
LogisticRegression(max_iter=300, C=9).fit(*data)
print(time.monotonic() - start)
"""


@pytest.fixture
def gate(service: Service) -> Iterator[Gate]:
    with Gate(service.url) as gate:
        yield gate


class Kernel:
    """A kernel that no Jupyter server started, as qtconsole's or an editor's."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client
        self.complained = ""

    def run(self, code: str) -> str:
        """Run a cell; return the last line that it prints. Fails where it raises."""
        printed = {"stdout": "", "stderr": ""}

        def take(message: Any) -> None:
            said = message["content"]
            assert message["msg_type"] != "error", "\n".join(said["traceback"])
            if message["msg_type"] == "stream":
                printed[said["name"]] += said["text"]

        self._client.execute_interactive(code, output_hook=take, timeout=120)
        self.complained = printed["stderr"]
        return printed["stdout"].strip().rpartition("\n")[2]


@pytest.fixture
def kernel(person: Person) -> Iterator[Kernel]:
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env=person.env, cwd=str(person.home))
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=120)
    yield Kernel(client)
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def set_autolog(person: Person, **settings: Any) -> None:
    path = person.home / ".local/share/jupyter/baton/settings.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(settings))


def test_a_fit_goes_on_while_mlflow_is_away_and_its_run_arrives_later(
    kernel: Kernel, person: Person, gate: Gate, service: Service, until: Callable[..., Any]
) -> None:
    set_autolog(person, autolog="metrics")
    assert float(kernel.run(FIT)) < 30
    assert "kept on this machine" in kernel.complained
    assert person.waiting()
    gate.open()
    until(lambda: not person.waiting())
    (run,) = service.runs("Default")
    params = {one["key"]: one["value"] for one in run["data"]["params"]}
    metrics = {one["key"] for one in run["data"]["metrics"]}
    assert params["C"] == "9"
    assert "training_score" in metrics
    assert run["info"]["status"] == "FINISHED"


def test_a_kernel_without_a_notebook_does_as_all_do_and_cannot_be_set_alone(
    kernel: Kernel, person: Person
) -> None:
    choose = """
from baton_lab.kernel import autolog
print(autolog.describe())
try:
    autolog.choose("on")
except Exception as error:
    print(error.code)
"""
    assert kernel.run(choose) == "no_notebook"
    set_autolog(person, autolog="metrics", notebooks={"some.ipynb": "off"})
    kernel.run("import sklearn")
    assert kernel.run("import sys; print('mlflow' in sys.modules)") == "True"


def test_a_notebook_that_is_run_without_a_server_has_its_own_setting(
    person: Person, gate: Gate, service: Service
) -> None:
    gate.open()
    cell = code_cell("a", FIT.replace("C=9", "C=11"))
    for name, setting in (("on.ipynb", "metrics"), ("off.ipynb", "off")):
        set_autolog(person, autolog="off", notebooks={f"work/{name}": setting})
        (person.home / "work").mkdir(exist_ok=True)
        (person.home / "work" / name).write_text(render_notebook(cell))
        command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "notebook", "--execute"]
        env = person.env | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(
            [*command, f"work/{name}", "--output", "done.ipynb"],
            cwd=person.home,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    found = [
        {one["key"]: one["value"] for one in run["data"]["tags"]}["baton.notebook.path"]
        for run in service.runs("Default")
        if {"key": "C", "value": "11"} in run["data"]["params"]
    ]
    assert found == ["work/on.ipynb"]


def test_an_mlflow_that_breaks_does_not_break_the_notebooks_import(
    kernel: Kernel, person: Person
) -> None:
    (person.home / "mlflow.py").write_text("raise RuntimeError('not this one')\n")
    set_autolog(person, autolog="metrics")
    assert kernel.run("import sklearn; print(sklearn.__name__)") == "sklearn"
    assert kernel.complained == "Baton: Autologging could not be set: not this one\n"
    kernel.run("import sklearn.tree")
    assert kernel.complained == ""


def test_a_kernels_start_and_its_cells_load_nothing(kernel: Kernel, person: Person) -> None:
    set_autolog(person, autolog="models")
    loaded = kernel.run(
        "import sys; print(len({'mlflow', 'sklearn', 'pandas'} & set(sys.modules)))"
    )
    assert loaded == "0"
