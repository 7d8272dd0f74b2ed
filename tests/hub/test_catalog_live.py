"""An edit takes effect on the next spawn, and a broken one never does."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from baton_hub.catalog import Catalog, LiveCatalog
from baton_hub.catalog import live as live_module

PROFILES = Path(__file__).parents[2] / "profiles"
SOON = 2.0
"""Seconds within which every edit has to be in effect."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "profiles"
    folder.mkdir()
    shutil.copy(PROFILES / "python.yaml", folder)
    (folder / "evidence.yaml").write_text("required: []\n")
    return folder


def retitle(folder: Path, title: str) -> None:
    text = (PROFILES / "python.yaml").read_text()
    (folder / "python.yaml").write_text(text.replace("Plain Python", title))


def seen(live: LiveCatalog, wanted: Callable[[Catalog], bool]) -> float:
    """Return after how many seconds the current catalogue is as wanted; fail when it is late."""
    begun = time.monotonic()
    while not wanted(live.current()):
        assert time.monotonic() - begun < SOON, live.faults
        time.sleep(0.01)
    return time.monotonic() - begun


def has_title(title: str) -> Callable[[Catalog], bool]:
    return lambda catalog: catalog.profiles["python"].title == title


def test_the_first_catalogue_is_there_at_once(folder: Path) -> None:
    live = LiveCatalog(folder)
    assert live.current().profiles.keys() == {"python"}
    assert live.loaded_at is not None


def test_a_start_waits_for_nothing_and_who_asks_meanwhile_gets_the_first_catalogue(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read once, whoever comes first."""
    readings: list[Path] = []
    read, has_started = live_module.read_catalog, threading.Event()

    def counted(path: Path) -> live_module.Reading:
        assert has_started.wait(10)
        readings.append(path)
        return read(path)

    monkeypatch.setattr(live_module, "read_catalog", counted)
    live = LiveCatalog(folder)
    live.start()
    assert readings == []
    has_started.set()
    assert live.current().profiles.keys() == {"python"}
    assert readings == [folder]


def test_an_edit_is_in_effect_within_two_seconds(folder: Path) -> None:
    live = LiveCatalog(folder)
    live.current()
    for number in range(3):
        retitle(folder, f"Python {number}")
        seen(live, has_title(f"Python {number}"))


def test_an_edit_that_keeps_size_and_time_is_seen(folder: Path) -> None:
    live = LiveCatalog(folder)
    live.current()
    entry = (folder / "python.yaml").stat()
    retitle(folder, "Plain Pythom")
    os.utime(folder / "python.yaml", ns=(entry.st_atime_ns, entry.st_mtime_ns))
    seen(live, has_title("Plain Pythom"))


def test_a_file_that_is_added_or_removed_is_seen(folder: Path) -> None:
    live = LiveCatalog(folder)
    live.current()
    other = (PROFILES / "python.yaml").read_text().replace("name: python", "name: other")
    (folder / "other.yaml").write_text(other.replace("Plain Python", "Other"))
    seen(live, lambda catalog: "other" in catalog.profiles)
    (folder / "other.yaml").unlink()
    seen(live, lambda catalog: "other" not in catalog.profiles)


def git(folder: Path, *arguments: str) -> None:
    names = ["-c", "user.name=operations", "-c", "user.email=operations@example.org"]
    command = ["git", "-C", str(folder), *names, *arguments]
    subprocess.run(command, check=True, capture_output=True)


def test_a_git_pull_of_several_files_is_in_effect_whole(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody sees the half of it: each catalogue that served is one of the two commits."""
    git(folder, "init", "--initial-branch", "main")
    git(folder, "add", ".")
    git(folder, "commit", "--message", "First")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", str(folder), str(clone))
    caplog.set_level(logging.INFO)
    live = LiveCatalog(clone)
    live.current()
    for number in range(20):
        text = (PROFILES / "python.yaml").read_text().replace("name: python", f"name: p{number}")
        (folder / f"p{number}.yaml").write_text(text.replace("Plain", f"{number}"))
    retitle(folder, "Pulled")
    git(folder, "add", ".")
    git(folder, "commit", "--message", "Second")
    git(clone, "pull")
    seen(live, has_title("Pulled"))
    assert len(live.current().profiles) == 21
    assert ["in effect, revision" in told for told in caplog.messages] == [True, True]


def mounted(volume: Path, name: str, files: dict[str, str]) -> None:
    """Lay files out as a kubelet does: a folder, and a link to it that is swapped at once."""
    (volume / name).mkdir()
    for file, text in files.items():
        (volume / name / file).write_text(text)
    (volume / "..data_tmp").symlink_to(name)
    (volume / "..data_tmp").replace(volume / "..data")
    for file in files:
        if not (volume / file).is_symlink():
            (volume / file).symlink_to(Path("..data") / file)


def test_a_config_map_that_is_swapped_is_in_effect(tmp_path: Path) -> None:
    text = (PROFILES / "python.yaml").read_text()
    rules = {"evidence.yaml": "required: []\n"}
    mounted(tmp_path, "..2026_11_23_10_00_00.1", {"python.yaml": text, **rules})
    live = LiveCatalog(tmp_path)
    assert live.current().profiles["python"].title == "Plain Python"
    changed = text.replace("Plain Python", "Swapped")
    mounted(tmp_path, "..2026_11_23_10_05_00.2", {"python.yaml": changed, **rules})
    shutil.rmtree(tmp_path / "..2026_11_23_10_00_00.1")
    seen(live, has_title("Swapped"))
    assert not live.faults


def test_a_broken_edit_leaves_the_last_good_catalogue_in_effect(folder: Path) -> None:
    live = LiveCatalog(folder)
    first = live.current()
    path = folder / "python.yaml"
    path.write_text(path.read_text().replace("title:", "titel:", 1))
    assert live.refresh() is first
    assert [fault.code for fault in live.faults] == ["unknown_key"]
    path.write_text("name: half")
    assert live.refresh() is first
    retitle(folder, "Mended")
    assert live.refresh().profiles["python"].title == "Mended"
    assert live.faults == ()


def test_a_folder_that_vanishes_leaves_the_last_good_catalogue_in_effect(folder: Path) -> None:
    live = LiveCatalog(folder)
    first = live.current()
    folder.rename(folder.with_name("away"))
    seen(live, lambda _: bool(live.faults))
    assert live.current() is first
    assert [fault.code for fault in live.faults] == ["unreadable"]
    folder.with_name("away").rename(folder)
    seen(live, lambda _: not live.faults)


def test_an_evidence_file_that_changes_is_seen(folder: Path) -> None:
    """Its digest is no longer the approved one, so the catalogue as it is now is refused."""
    text = (folder / "python.yaml").read_text()
    digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    sbom = f"  sbom: {{file: sbom.json, digest: {digest}}}\n"
    (folder / "python.yaml").write_text(text.replace("evidence:\n", f"evidence:\n{sbom}"))
    (folder / "sbom.json").write_bytes(b"")
    live = LiveCatalog(folder)
    live.current()
    assert "evidence_digest" not in {fault.code for fault in live.faults}
    (folder / "sbom.json").write_bytes(b"other")
    seen(live, lambda _: "evidence_digest" in {fault.code for fault in live.faults})


def test_a_file_that_is_being_written_is_waited_for(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What stands there for a moment only never decides, valid or not."""
    live = LiveCatalog(folder)
    live.current()
    caplog.set_level(logging.INFO)
    for part in range(4):
        retitle(folder, f"Part {part}")
        time.sleep(live_module.TICK / 4)
    retitle(folder, "Whole")
    seen(live, has_title("Whole"))
    assert len(caplog.messages) <= 2


def test_nobody_waits_while_files_are_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live = LiveCatalog(folder)
    live.current()
    begun, go_on, has_waited = threading.Event(), threading.Event(), list[bool]()
    read = live_module.read_catalog

    def slow(path: Path) -> live_module.Reading:
        begun.set()
        has_waited.append(go_on.wait(10))
        return read(path)

    monkeypatch.setattr(live_module, "read_catalog", slow)
    retitle(folder, "Slow")
    assert begun.wait(SOON)
    assert live.current().profiles["python"].title == "Plain Python"
    assert has_waited == []
    go_on.set()
    seen(live, has_title("Slow"))


def test_the_watch_outlives_whatever_goes_wrong(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    live = LiveCatalog(folder)
    live.current()
    with monkeypatch.context() as broken:

        def fail(path: Path) -> live_module.Reading:
            raise RecursionError("unforeseen")

        broken.setattr(live_module, "read_catalog", fail)
        retitle(folder, "Unforeseen")
        seen(live, lambda _: bool(live.faults))
    assert "RecursionError" in live.faults[0].message
    assert "unforeseen" in caplog.text
    retitle(folder, "Foreseen")
    seen(live, has_title("Foreseen"))


def test_the_log_tells_of_each_change_once(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    live = LiveCatalog(folder)
    live.refresh()
    read = live.loaded_at
    live.refresh()
    (folder / "python.yaml").write_text("name: broken\n")
    live.refresh()
    live.refresh()
    assert [record.levelname for record in caplog.records] == ["INFO", "ERROR"]
    assert live.loaded_at == read, "the same catalogue is in effect"


def test_the_log_says_what_a_fault_means_for_people(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is told that an older catalogue serves when there is none."""
    (folder / "python.yaml").write_text("name: python\n")
    live = LiveCatalog(folder)
    live.refresh()
    assert "nobody can start a server" in caplog.text
    retitle(folder, "Good")
    with caplog.at_level(logging.INFO):
        live.refresh()
    assert "is in effect, revision" in caplog.text
    caplog.clear()
    (folder / "python.yaml").write_text("name: python\n")
    live.refresh()
    assert "the last good one stays in effect" in caplog.text


def test_the_watch_ends_with_its_catalogue(folder: Path) -> None:
    live = LiveCatalog(folder)
    live.current()
    watcher = live._watcher
    assert watcher is not None
    del live
    gc.collect()
    watcher.join(SOON)
    assert not watcher.is_alive()
