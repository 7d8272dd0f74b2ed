"""The catalogue: what is read, and that every fault is found at its place."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from baton_hub.catalog import Catalog, CatalogError, LiveCatalog, load_catalog
from baton_hub.commands.lint import command

PROFILES = Path(__file__).parents[2] / "profiles"
BAD = sorted((Path(__file__).parent / "bad_profiles").glob("*.yaml"))


def test_the_example_catalogue_is_in_order(catalog: Catalog) -> None:
    assert len(catalog.profiles) >= 3
    for profile in catalog.profiles.values():
        assert re.fullmatch(r"[a-z0-9./-]+@sha256:[0-9a-f]{64}", profile.image.pinned)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_one_fault_is_reported_once_at_its_line(path: Path, tmp_path: Path) -> None:
    """Each file of the corpus has one fault, where its comment ``# fault:`` stands."""
    shutil.copy(path, tmp_path)
    lines = path.read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "# fault: " in text)
    wanted = lines[line - 1].split("# fault: ")[1]
    with pytest.raises(CatalogError) as caught:
        load_catalog(tmp_path)
    faults = caught.value.faults
    assert [fault.line for fault in faults] == [line], str(caught.value)
    assert wanted in faults[0].message
    assert faults[0].column >= 1


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    for path in BAD:
        shutil.copy(path, tmp_path)
    with pytest.raises(CatalogError) as caught:
        load_catalog(tmp_path)
    assert {fault.file.name for fault in caught.value.faults} >= {path.name for path in BAD}


def test_names_and_titles_must_not_clash(tmp_path: Path) -> None:
    shutil.copy(PROFILES / "python.yaml", tmp_path / "a.yaml")
    shutil.copy(PROFILES / "python.yaml", tmp_path / "b.yaml")
    with pytest.raises(CatalogError) as caught:
        load_catalog(tmp_path)
    messages = [fault.message for fault in caught.value.faults]
    assert len(messages) == 2
    assert all("is taken by a.yaml" in message for message in messages)


def test_a_fault_in_the_quotas_is_found(tmp_path: Path) -> None:
    shutil.copy(PROFILES / "python.yaml", tmp_path)
    (tmp_path / "quotas.yaml").write_text("each_user:\n  memory: 4Gi\n")
    with pytest.raises(CatalogError) as caught:
        load_catalog(tmp_path)
    assert (caught.value.faults[0].line, caught.value.faults[0].file.name) == (2, "quotas.yaml")


@pytest.mark.parametrize("folder", ["nowhere", "empty"])
def test_a_folder_without_profiles_is_a_fault(folder: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CatalogError):
        load_catalog(tmp_path / folder)


def test_a_broken_edit_leaves_the_last_good_catalogue_in_effect(tmp_path: Path) -> None:
    path = Path(shutil.copy(PROFILES / "python.yaml", tmp_path))
    live = LiveCatalog(tmp_path)
    first = live.current()
    path.write_text(path.read_text().replace("title:", "titel:"))
    assert live.current() is first
    assert live.faults
    path.write_text((PROFILES / "python.yaml").read_text().replace("Plain Python", "Python"))
    assert live.current().profiles["python"].title == "Python"
    assert not live.faults


def test_the_log_says_what_a_fault_means_for_people(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is told that an older catalogue serves when there is none."""
    path = tmp_path / "python.yaml"
    path.write_text("name: python\n")
    live = LiveCatalog(tmp_path)
    live.current()
    assert "nobody can start a server" in caplog.text
    shutil.copy(PROFILES / "python.yaml", path)
    live.current()
    caplog.clear()
    path.write_text("name: python\n")
    live.current()
    assert "the last good one stays in effect" in caplog.text


def test_a_catalogue_never_changes(catalog: Catalog) -> None:
    with pytest.raises(TypeError):
        catalog.profiles["x"] = catalog.profiles["python"]  # type: ignore[index]
    with pytest.raises(ValueError, match="frozen"):
        catalog.profiles["python"].title = "x"  # type: ignore[misc]


def test_lint_prints_every_fault_and_exits_with_1(tmp_path: Path) -> None:
    shutil.copy(BAD[0], tmp_path)
    result = CliRunner().invoke(command, ["lint", str(tmp_path)])
    assert result.exit_code == 1
    assert re.search(rf"{BAD[0].name}:\d+:\d+: ", result.stderr)
    assert "1 fault." in result.stderr


def test_lint_of_a_good_catalogue_exits_with_0() -> None:
    result = CliRunner().invoke(command, ["lint", str(PROFILES)])
    assert result.exit_code == 0, result.output
