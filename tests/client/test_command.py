"""The `baton` command and what joins it."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from typing import Any

import click
import pytest
from click.testing import CliRunner

from baton_client import cli
from baton_client.cli import main
from baton_contract import ConflictError

HEAVY = ("baton_hub", "baton_desk", "jupyterhub", "mlflow", "jsonschema", "sqlalchemy", "tornado")


def test_pull_imports_neither_hub_nor_desk_nor_anything_heavy() -> None:
    code = (
        "import sys\n"
        "from baton_client.cli import main\n"
        "main(['pull', '--help'], standalone_mode=False)\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("baton_hub.not_there:command", "pip install 'jupyter-baton[platform]'"),
        ("no_such_package:command", "can't be loaded"),
        ("json:dumps", "can't be loaded"),
    ],
)
def test_a_broken_plugin_says_so_and_breaks_nothing_else(
    monkeypatch: pytest.MonkeyPatch, value: str, said: str
) -> None:
    point = EntryPoint(name="broken", value=value, group="baton.commands")
    monkeypatch.setattr(cli, "_joined", lambda: {"broken": point})
    asked = CliRunner().invoke(main, ["broken", "--any", "thing"])
    assert asked.exit_code == 1
    assert said in asked.stderr
    listed = CliRunner().invoke(main, ["--help"])
    assert listed.exit_code == 0
    assert "pull" in listed.stdout
    assert "broken" in listed.stdout


def test_an_error_for_people_ends_a_joined_command_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @click.command()
    def refuse() -> None:
        raise ConflictError("busy", "The port is in use. Choose another one.")

    class Point:
        name = "refuse"

        def load(self) -> Any:
            return refuse

    monkeypatch.setattr(cli, "_joined", lambda: {"refuse": Point()})
    asked = CliRunner().invoke(main, ["refuse"])
    assert (asked.exit_code, asked.stderr) == (
        1,
        "Error: The port is in use. Choose another one.\n",
    )


def test_an_unknown_command_is_a_usage_error() -> None:
    assert CliRunner().invoke(main, ["fly"]).exit_code == 2
