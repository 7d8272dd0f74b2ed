"""``baton catalog render`` as operations call it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.hub.running import PROFILES

from baton_hub.cluster.render import PATHS
from baton_hub.commands.render import command


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROFILES, tmp_path / "profiles"))


@pytest.fixture
def output(profiles: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "cluster"
    result = call("--profiles", profiles, "--namespace", "hub", "--output", folder)
    assert result.exit_code == 0, result.output
    return folder


def check(profiles: Path, output: Path) -> Result:
    return call("--profiles", profiles, "--namespace", "hub", "--output", output, "--check")


def test_it_writes_values_and_manifests(output: Path) -> None:
    found = {str(path.relative_to(output)) for path in output.rglob("*") if path.is_file()}
    assert found == set(PATHS)


def test_a_check_of_what_was_rendered_passes_and_changes_nothing(
    profiles: Path, output: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in output.rglob("*")}
    assert check(profiles, output).exit_code == 0
    assert before == {path: path.stat().st_mtime_ns for path in output.rglob("*")}


def test_a_check_after_an_edit_names_the_files_and_exits_with_1(
    profiles: Path, output: Path
) -> None:
    quotas = profiles / "quotas.yaml"
    quotas.write_text(quotas.read_text().replace("servers: 40", "servers: 41"))
    result = check(profiles, output)
    assert result.exit_code == 1
    assert "quotas.yaml is different" in result.output


def test_a_check_finds_what_is_missing_and_what_is_left_over(profiles: Path, output: Path) -> None:
    (output / "manifests" / "network.yaml").unlink()
    (profiles / "quotas.yaml").unlink()
    result = check(profiles, output)
    assert "network.yaml is missing" in result.output
    assert "quotas.yaml is left over" in result.output
    assert call("--profiles", profiles, "--namespace", "hub", "--output", output).exit_code == 0
    assert not (output / "manifests" / "quotas.yaml").exists()
    assert check(profiles, output).exit_code == 0


def test_a_check_of_a_file_that_is_no_text_says_that_it_differs(
    profiles: Path, output: Path
) -> None:
    (output / "values.yaml").write_bytes(b"\xff\x00")
    result = check(profiles, output)
    assert (result.exit_code, "values.yaml is different" in result.output) == (1, True)


def test_a_broken_catalogue_renders_nothing_and_says_why(profiles: Path, tmp_path: Path) -> None:
    (profiles / "broken.yaml").write_text("name: broken\n")
    result = call("--profiles", profiles, "--namespace", "hub", "--output", tmp_path / "out")
    assert result.exit_code == 1
    assert "broken.yaml" in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--namespace", "No Such"), "namespace"),
        (("--namespace", "hub", "--release", "No Such"), "release"),
        (("--namespace", "hub", "--helper-image", "alpine:3"), "digest"),
        (("--namespace", "hub", "--profiles", "/nowhere"), "/nowhere"),
    ],
)
def test_a_mistake_is_one_sentence(arguments: tuple[str, ...], word: str, tmp_path: Path) -> None:
    result = call(*arguments, "--output", tmp_path)
    assert result.exit_code == 1
    assert word in result.output
    assert "Traceback" not in result.output


def test_an_output_that_can_not_be_written_is_one_sentence(profiles: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = call("--profiles", profiles, "--namespace", "hub", "--output", tmp_path / "file" / "x")
    assert result.exit_code == 1
    assert "Traceback" not in result.output
