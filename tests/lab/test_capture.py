"""A run says which notebook, cell, profile and image it comes from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow  # noqa: F401 - first, as in a kernel: it is MLflow that imports the provider
import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from baton_lab.capture.context import NotebookContext
from baton_lab.capture.place import from_home

PLATFORM = {
    "BATON_PROFILE": "data-science",
    "BATON_SIZE": "small",
    "BATON_IMAGE": "quay.io/example/image:1",
    "BATON_IMAGE_DIGEST": "sha256:" + "0" * 64,
}


def test_a_path_below_the_home_is_named_relative_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert from_home(Path("/home/ada/work/a b.ipynb")) == "work/a b.ipynb"
    assert from_home(Path("/srv/shared/a.ipynb")) == "/srv/shared/a.ipynb"
    assert from_home(Path("a.ipynb")) == "a.ipynb"


@pytest.mark.parametrize(
    ("user", "name", "server"),
    [("ada", "", "ada"), ("ada", "gpu", "ada/gpu"), ("", "", None), ("", "gpu", None)],
)
def test_a_server_is_named_as_the_hub_does(
    user: str, name: str, server: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_USER", user)
    monkeypatch.setenv("JUPYTERHUB_SERVER_NAME", name)
    assert NotebookContext().tags().get("baton.server") == server


def test_an_image_that_is_not_known_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    for name, value in PLATFORM.items():
        monkeypatch.setenv(name, "" if "IMAGE" in name else value)
    tags = NotebookContext().tags()
    assert (tags["baton.profile"], tags["baton.size"]) == ("data-science", "small")
    assert not {"baton.image", "baton.image_digest"} & tags.keys()


def test_the_module_loads_no_more_of_mlflow_than_its_base_class() -> None:
    code = (
        "import sys; import mlflow; before = set(sys.modules); import baton_lab.capture.context; "
        "print([name for name in sys.modules.keys() - before if not name.startswith('baton_lab')])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlockingKernelClient]:
    """Start a real kernel as the platform does."""
    home = tmp_path_factory.mktemp("home")
    environment = {
        **os.environ,
        **PLATFORM,
        "HOME": str(home),
        "JPY_SESSION_NAME": str(home / "work" / "train.ipynb"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{home}/mlflow.sqlite",
    }
    manager, client = start_new_kernel(env=environment, cwd=str(home))
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def _execute(kernel: BlockingKernelClient, code: str, metadata: dict[str, Any]) -> Any:
    """Run the code in the kernel, as JupyterLab asks it to; return the JSON it prints."""
    content = {
        "code": code,
        "silent": False,
        "store_history": True,
        "user_expressions": {},
        "allow_stdin": False,
    }
    message = kernel.session.msg("execute_request", content, metadata=metadata)
    kernel.shell_channel.send(message)
    printed = ""
    while True:
        answer = kernel.get_iopub_msg(timeout=60)
        if answer["parent_header"].get("msg_id") != message["header"]["msg_id"]:
            continue
        assert answer["msg_type"] != "error", answer["content"]
        if answer["msg_type"] == "stream" and answer["content"]["name"] == "stdout":
            printed += answer["content"]["text"]
        if answer["msg_type"] == "status" and answer["content"]["execution_state"] == "idle":
            return json.loads(printed.splitlines()[-1])


def test_a_kernel_starts_without_mlflow_and_with_little_of_baton(
    kernel: BlockingKernelClient,
) -> None:
    code = "import json, sys; print(json.dumps([n for n in sys.modules if n[:6] in said]))"
    found = _execute(kernel, "said = 'mlflow', 'baton_'; " + code, {})
    assert "baton_lab.capture.cells" in found
    assert not [name for name in found if name.startswith("mlflow")]
    heavy = "context", "start", "mask", "snapshot", "collector", "findings"
    assert not {f"baton_lab.capture.{name}" for name in heavy} & set(found)


TAGS = """
import json, threading
from mlflow.tracking.context.registry import resolve_tags

found = []
thread = threading.Thread(target=lambda: found.append(resolve_tags()))
thread.start()
thread.join()
print(json.dumps([resolve_tags(), *found]))
"""


def test_mlflow_finds_the_provider_and_tags_with_notebook_and_cell(
    kernel: BlockingKernelClient,
) -> None:
    for cell in ("c-1", "c-2"):
        tags, in_a_thread = _execute(kernel, TAGS, {"cellId": cell})
        assert tags["baton.notebook.path"] == "work/train.ipynb"
        assert tags["baton.cell"] == cell
        assert tags["baton.profile"] == "data-science"
        assert tags["baton.size"] == "small"
        assert tags["baton.image_digest"] == PLATFORM["BATON_IMAGE_DIGEST"]
        assert in_a_thread["baton.cell"] == cell


def test_a_client_that_names_no_cell_gets_no_cell_tag(kernel: BlockingKernelClient) -> None:
    tags, _ = _execute(kernel, TAGS, {})
    assert "baton.cell" not in tags
    assert Path(tags["baton.notebook.path"]).name == "train.ipynb"
