"""`baton predict`: the pulled model answers its own example, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CODE = """
import sys
import mlflow
from mlflow.models import infer_signature
import numpy as np

class Double(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input * 2

example = np.array([1.5, 2.0])
mlflow.pyfunc.save_model(
    sys.argv[1],
    python_model=Double(),
    signature=infer_signature(example, example),
    pip_requirements=["mlflow"],
)
"""


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a real MLflow model that doubles what it gets."""
    folder = tmp_path_factory.mktemp("saved") / "model"
    subprocess.run([sys.executable, "-c", CODE, str(folder)], check=True, capture_output=True)
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {f"model/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in paths}


@pytest.fixture
def pulled(model: dict[str, bytes], desk: Any, baton: Any, handoff: str, tmp_path: Path) -> Path:
    desk.carry(model)
    assert baton("pull", handoff, "--to", tmp_path / "model").exit_code == 0
    return tmp_path / "model"


def test_the_example_is_answered_and_agrees(baton: Any, pulled: Path) -> None:
    result = baton("predict", pulled)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == [3.0, 4.0]
    assert result.stderr == "Agrees with the packet's example.\n"


def test_another_answer_than_the_packets_is_exit_code_1(
    model: dict[str, bytes], desk: Any, baton: Any, handoff: str, tmp_path: Path
) -> None:
    desk.carry(model)
    desk.packet["examples"][0]["expected"] = [3.0, 5.0]
    baton("pull", handoff, "--to", tmp_path / "model")
    result = baton("predict", tmp_path / "model")
    assert result.exit_code == 1
    assert "answer[1] is 4.0 where 5.0 was expected" in result.stderr


def test_another_request_is_answered_without_comparison(
    baton: Any, pulled: Path, tmp_path: Path
) -> None:
    request = tmp_path / "request.json"
    request.write_text('{"inputs": [10]}')
    result = baton("predict", pulled, "--input", request)
    assert json.loads(result.stdout) == [20.0]
    assert result.stderr == ""


def test_a_python_without_mlflow_says_what_to_install(
    baton: Any, pulled: Path, tmp_path: Path
) -> None:
    """The chosen Python needs the model's requirements and not Baton itself."""
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    result = baton("predict", pulled, "--python", bare / "bin" / "python")
    assert result.exit_code == 1
    assert f"install -r {pulled}/model/requirements.txt" in result.stderr


def test_a_python_may_be_named_relative_to_where_one_stands(
    baton: Any, pulled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").symlink_to(sys.prefix)
    monkeypatch.chdir(tmp_path)
    python = Path("run") / Path(sys.executable).relative_to(sys.prefix)
    result = baton("predict", pulled, "--python", python)
    assert result.exit_code == 0, result.output


def test_a_file_changed_after_the_pull_is_refused_before_it_is_loaded(
    baton: Any, pulled: Path
) -> None:
    (pulled / "model/MLmodel").write_text("flavors: {python_function: {loader_module: os}}")
    result = baton("predict", pulled)
    assert result.exit_code == 1
    assert "model/MLmodel is missing or was changed" in result.stderr


def test_a_packet_changed_after_the_pull_is_refused(baton: Any, pulled: Path) -> None:
    packet = json.loads((pulled / "packet.json").read_text())
    packet["examples"][0]["expected"] = []
    (pulled / "packet.json").write_text(json.dumps(packet))
    assert "not the one" in baton("predict", pulled).stderr


def test_a_folder_without_a_packet_is_one_line(baton: Any, tmp_path: Path) -> None:
    assert "holds no packet" in baton("predict", tmp_path).stderr


def test_a_python_that_is_none_is_one_line(baton: Any, pulled: Path) -> None:
    result = baton("predict", pulled, "--python", "/nowhere/python")
    assert result.exit_code == 1
    assert "can't be started" in result.stderr


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_an_input_that_is_no_request_is_one_line(
    baton: Any, pulled: Path, tmp_path: Path, text: str
) -> None:
    request = tmp_path / "request.json"
    request.write_text(text)
    result = baton("predict", pulled, "--input", request)
    assert result.exit_code == 1
    assert str(request) in result.stderr
