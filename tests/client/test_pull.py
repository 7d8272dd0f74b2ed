"""`baton pull`: whole and verified, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def refused(result: Any, code: int = 1) -> str:
    """Return the one line that a refusal prints."""
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    line: str = result.stderr.strip()
    assert line.startswith("Error: ")
    assert "\n" not in line
    return line


def names(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_files_arrive_with_packet_and_record(
    baton: Any, desk: Any, handoff: str, tmp_path: Path
) -> None:
    result = baton("pull", handoff, "--to", tmp_path / "new" / "model")
    assert result.exit_code == 0, result.output
    folder = tmp_path / "new" / "model"
    assert names(folder) == ["handoff.json", "model/MLmodel", "model/data/model.bin", "packet.json"]
    assert (folder / "model/data/model.bin").read_bytes() == b"\x00" * 5000
    assert "2 files, 5,012 B, all verified, 2 fetched now" in result.stdout
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["model"]


def test_pulling_again_fetches_only_what_is_missing_or_damaged(
    baton: Any, desk: Any, handoff: str, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    baton("pull", handoff, "--to", folder)
    (folder / "model/MLmodel").write_bytes(b"flavors: {?\n")
    desk.asked.clear()
    result = baton("pull", handoff, "--to", folder)
    assert "1 fetched now" in result.stdout
    assert (folder / "model/MLmodel").read_bytes() == b"flavors: {}\n"
    assert len([path for path in desk.asked if "/files/" in path]) == 1


def test_an_interrupted_pull_goes_on_where_it_stopped(
    baton: Any, desk: Any, handoff: str, tmp_path: Path
) -> None:
    """Nothing stands in the folder until everything is there."""
    [entry] = [e for e in desk.packet["files"] if e["path"].endswith(".bin")]
    kept = desk.files.pop(entry["sha256"])
    assert "No such file" in refused(baton("pull", handoff, "--to", tmp_path / "model"))
    assert not (tmp_path / "model").exists()
    desk.files[entry["sha256"]] = kept
    assert "1 fetched now" in baton("pull", handoff, "--to", tmp_path / "model").stdout
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("change", [lambda d: d[:-1], lambda d: d + b"x", lambda d: b"y" + d[1:]])
def test_a_tampered_file_is_not_kept(
    baton: Any, desk: Any, handoff: str, tmp_path: Path, change: Any
) -> None:
    [entry] = [e for e in desk.packet["files"] if e["path"].endswith(".bin")]
    desk.files[entry["sha256"]] = change(desk.files[entry["sha256"]])
    assert "did not arrive" in refused(baton("pull", handoff, "--to", tmp_path / "model"))
    assert not (tmp_path / "model").exists()
    assert not [name for name in names(tmp_path) if name.endswith(".bin")]


def test_a_packet_that_is_not_the_named_one_is_refused(
    baton: Any, desk: Any, handoff: str, tmp_path: Path
) -> None:
    desk.digest = "0" * 64
    assert "not the one" in refused(baton("pull", handoff, "--to", tmp_path / "model"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "path",
    [
        "../evil",
        "/etc/evil",
        "model/../../evil",
        "a\\b",
        "model/./x",
        "C:evil",
        "evil\n",
        "packet.json",
        "handoff.json",
        "Packet.json/x",
        ".arriving/0",
        "model/MLmodel/x",
        "MODEL/mlmodel",
    ],
)
def test_a_path_that_could_overwrite_something_is_refused(
    baton: Any, desk: Any, handoff: str, tmp_path: Path, path: str
) -> None:
    desk.packet["files"].append({**desk.packet["files"][0], "path": path})
    refused(baton("pull", handoff, "--to", tmp_path / "in" / "model"))
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_the_folder_does_not_lead_out_of_it(
    baton: Any, desk: Any, handoff: str, tmp_path: Path
) -> None:
    folder, outside = tmp_path / "model", tmp_path / "outside"
    baton("pull", handoff, "--to", folder)
    outside.mkdir()
    (folder / "model/data/model.bin").unlink()
    (folder / "model/data").rmdir()
    (folder / "model/data").symlink_to(outside)
    refused(baton("pull", handoff, "--to", folder))
    assert list(outside.iterdir()) == []


def test_a_folder_with_something_else_is_left_alone(
    baton: Any, handoff: str, tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert "already holds something else" in refused(baton("pull", handoff, "--to", tmp_path))
    assert names(tmp_path) == ["mine.txt"]


def test_an_unknown_handoff_is_the_desks_own_sentence(baton: Any, tmp_path: Path) -> None:
    line = refused(baton("pull", "f" * 32, "--to", tmp_path / "model"))
    assert line == "Error: There is no such handoff, or it is not for you."


def test_what_is_no_id_is_a_usage_error(baton: Any, tmp_path: Path) -> None:
    assert baton("pull", "../x", "--to", tmp_path / "model").exit_code == 2
    assert baton("pull").exit_code == 2


def test_without_a_token_one_line_says_where_it_comes_from(
    baton: Any, desk: Any, handoff: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BATON_TOKEN")
    assert "BATON_TOKEN" in refused(baton("pull", handoff, "--to", tmp_path / "model"))
    assert desk.asked == []
    file = tmp_path / "token"
    file.write_text("baton_right\n")
    result = baton("pull", handoff, "--to", tmp_path / "model", "--token-file", file)
    assert result.exit_code == 0, result.output


def test_a_wrong_token_is_refused_and_never_shown(
    baton: Any, handoff: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATON_TOKEN", "baton_wrong")
    result = baton("pull", handoff, "--to", tmp_path / "model")
    assert "not known here" in refused(result)
    assert "baton_wrong" not in result.output


def test_a_desk_that_is_away_is_one_line(baton: Any, handoff: str, tmp_path: Path) -> None:
    result = baton("pull", handoff, "--to", tmp_path / "m", "--desk", "http://127.0.0.1:9/x")
    assert "can't be reached" in refused(result)


def test_the_token_follows_no_redirect(baton: Any, desk: Any, handoff: str, tmp_path: Path) -> None:
    """A sign-in page or another host never sees it; the answer is a sentence."""
    desk.redirect = desk.url + "/elsewhere"
    refused(baton("pull", handoff, "--to", tmp_path / "model"))
    assert len(desk.asked) == 1


@pytest.mark.parametrize("url", ["ftp://desk", "desk", "https://me:secret@desk/x"])
def test_an_address_that_is_none_is_refused(
    baton: Any, handoff: str, tmp_path: Path, url: str
) -> None:
    line = refused(baton("pull", handoff, "--to", tmp_path / "model", "--desk", url))
    assert "secret" not in line


def test_a_report_carries_what_was_said(baton: Any, desk: Any, handoff: str) -> None:
    arguments = ["report", handoff, "--environment", "staging", "--status", "success"]
    result = baton(*arguments, "--url", "https://staging.example.org")
    assert result.stdout == "Reported success in staging.\n"
    url = {"url": "https://staging.example.org"}
    assert desk.reports == [{"environment": "staging", "status": "success", **url}]
    assert baton(*arguments[:-1], "fine").exit_code == 2


def test_the_record_beside_the_packet_names_the_digest(
    baton: Any, desk: Any, handoff: str, tmp_path: Path
) -> None:
    baton("pull", handoff, "--to", tmp_path / "model")
    record = json.loads((tmp_path / "model/handoff.json").read_text())
    assert record["id"] == handoff
