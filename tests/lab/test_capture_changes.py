"""The commit and what differs from it, as git tells; and every way in which it does not."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest

from baton_lab.capture.changes import Changes, find_changes
from baton_lab.capture.commit import find_commit
from baton_lab.capture.packages import render_lock

REMOTE = "https://ada:hunter2secret@git.example.org/team/models.git"


def git(folder: Path, *arguments: str) -> str:
    people = ("-c", "user.name=ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=no")
    done = subprocess.run(
        ["git", *people, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A repository with one commit, a remote, and a folder below."""
    folder = tmp_path / "modelle ü"
    (folder / "below").mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "remote", "add", "origin", REMOTE)
    (folder / "train.py").write_text("rate = 1\n")
    (folder / "below" / "book.ipynb").write_text("{}\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "First")
    return folder


@pytest.fixture
def head(work: Path) -> str:
    return git(work, "rev-parse", "HEAD")


def test_the_commit_is_found_from_any_folder_below(work: Path, head: str) -> None:
    found = find_commit(work / "below")
    assert found is not None
    assert (found.commit, found.branch) == (head, "main")
    assert found.remote == "https://git.example.org/team/models.git"


def test_a_branch_with_a_slash_and_packed_refs(work: Path, head: str) -> None:
    git(work, "checkout", "--quiet", "-b", "ada/größer")
    git(work, "pack-refs", "--all")
    found = find_commit(work)
    assert found is not None
    assert (found.commit, found.branch) == (head, "ada/größer")


def test_a_repository_with_very_many_refs_is_left_to_git(work: Path, head: str) -> None:
    """To read them would keep the run waiting."""
    lines = "".join(f"{head} refs/tags/t{number}\n" for number in range(30_000))
    (work / ".git" / "packed-refs").write_text(lines)
    assert find_commit(work) is None
    assert find_changes(work, None).commit == head


def test_a_detached_head_has_a_commit_and_no_branch(work: Path, head: str) -> None:
    git(work, "checkout", "--quiet", "--detach")
    found = find_commit(work)
    assert found is not None
    assert (found.commit, found.branch) == (head, None)
    assert find_changes(work, head).branch == "HEAD"


def test_a_worktree_has_its_own_commit(work: Path, head: str, tmp_path: Path) -> None:
    git(work, "worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    git(tmp_path / "side", "commit", "--quiet", "--allow-empty", "--message", "Aside")
    found = find_commit(tmp_path / "side")
    assert found is not None
    assert found.branch == "side"
    assert found.commit == git(tmp_path / "side", "rev-parse", "HEAD") != head


def test_a_clean_tree_is_not_dirty_and_has_no_diff(work: Path, head: str) -> None:
    found = find_changes(work, head)
    assert (found.dirty, found.diff, found.untracked, found.problem) == (False, None, 0, "")
    assert found.remote == REMOTE  # Masked where it is stored.


def test_staged_and_unstaged_changes_are_in_the_diff(work: Path, head: str) -> None:
    (work / "train.py").write_text("rate = 2\n")
    (work / "neu.py").write_text("new = True\n")
    git(work, "add", "neu.py")
    (work / "scratch.txt").write_text("not git's\n")
    found = find_changes(work / "below", head)
    assert found.dirty is True
    assert found.untracked == 1
    assert found.diff is not None
    assert b"+rate = 2" in found.diff
    assert b"+new = True" in found.diff
    applied = subprocess.run(
        ["git", "apply", "--check", "--reverse"], cwd=work, input=found.diff, check=False
    )
    assert applied.returncode == 0


def test_the_running_notebook_is_left_out_of_the_diff(work: Path, head: str) -> None:
    """There is a snapshot of it; its outputs would fill the diff."""
    (work / "below" / "book.ipynb").write_text('{"cells": []}\n')
    found = find_changes(work / "below", head, without=work / "below" / "book.ipynb")
    assert (found.dirty, found.diff) == (True, None)
    (work / "train.py").write_text("rate = 3\n")
    found = find_changes(work / "below", head, without=work / "below" / "book.ipynb")
    assert found.diff is not None
    assert b"rate = 3" in found.diff
    assert b"book.ipynb" not in found.diff


def test_the_diff_is_against_the_commit_that_the_run_started_from(work: Path, head: str) -> None:
    (work / "train.py").write_text("rate = 4\n")
    git(work, "commit", "--quiet", "--all", "--message", "Just after the run started")
    found = find_changes(work, head)
    assert found.dirty is True
    assert b"+rate = 4" in (found.diff or b"")


def test_a_diff_too_large_is_told_and_not_kept(work: Path, head: str) -> None:
    (work / "train.py").write_text("x = 1\n" * 300_000)
    found = find_changes(work, head)
    assert (found.dirty, found.diff) == (True, None)
    assert found.problem == "The diff has more than 1024 KiB and is not kept."


def test_no_repository_is_no_problem(tmp_path: Path) -> None:
    assert find_commit(tmp_path) is None
    assert find_changes(tmp_path, None) == Changes()


def test_a_repository_without_a_commit_says_so(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert find_commit(tmp_path) is None
    assert find_changes(tmp_path, None).problem.startswith("git says: fatal: ")


@pytest.mark.parametrize("content", ["ref: refs/heads/\n", "", "\x00\x01", "ref: " + "a" * 10_000])
def test_a_broken_repository_is_told_and_nothing_raised(work: Path, content: str) -> None:
    (work / ".git" / "HEAD").write_text(content)
    assert find_commit(work) is None
    found = find_changes(work, None)
    assert found.commit is None
    assert found.problem.startswith("git says: ")


def test_without_git_the_run_says_so(
    work: Path, head: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(work))
    found = find_changes(work, head)
    assert found.problem == "There is no git on this machine."


def test_a_git_that_does_not_answer_is_ended_in_time(
    work: Path, head: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nsleep 600 & wait\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}{os.pathsep}{os.environ['PATH']}")
    begun = time.monotonic()
    found = find_changes(work, head, seconds=0.5)
    assert found.problem == "git did not answer within 0.5 s."
    assert time.monotonic() - begun < 20
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


def test_what_is_configured_in_the_repository_does_not_run(work: Path, head: str) -> None:
    """Somebody else's repository must not act because a run was started in it."""
    (work / "train.py").write_text("rate = 5\n")
    git(work, "config", "core.fsmonitor", f"touch {work}/ran; false")
    git(work, "config", "diff.external", f"touch {work}/ran; false")
    git(work, "config", "diff.show.textconv", f"touch {work}/ran; cat")
    (work / ".git" / "info" / "attributes").write_text("*.py diff=show\n")
    found = find_changes(work, head)
    assert found.diff is not None
    assert not (work / "ran").exists()


def test_nothing_in_the_repository_is_changed(work: Path, head: str) -> None:
    (work / "train.py").write_text("rate = 6\n")
    os.utime(work / "below" / "book.ipynb")
    index = (work / ".git" / "index").read_bytes()
    (work / ".git" / "index.lock").touch()  # Another git is at work.
    assert find_changes(work, head).problem == ""
    assert (work / ".git" / "index").read_bytes() == index


def test_the_variables_of_git_do_not_lead_elsewhere(
    work: Path, head: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert find_changes(work, None).commit == head
    found = find_commit(work)
    assert found is not None
    assert found.commit == head


def test_the_lock_file_names_each_package_once_as_it_is_imported(tmp_path: Path) -> None:
    for place, name, version in (
        ("first", "Some.Package", "2.0"),
        ("second", "some_package", "1.0"),
        ("second", "other", "0.1"),
    ):
        info = tmp_path / place / f"{name}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (tmp_path / "second" / "broken-1.0.dist-info").mkdir()
    lines = render_lock([str(tmp_path / "first"), str(tmp_path / "second"), "/nowhere", ""])
    assert lines.splitlines()[2:] == ["other==0.1", "Some.Package==2.0"]
    assert lines.startswith(f"# Python {platform.python_version()} (CPython)\n# Linux")


def test_the_lock_file_of_this_environment_is_complete() -> None:
    lines = render_lock(sys.path).splitlines()
    names = [line.partition("==")[0].lower() for line in lines if not line.startswith("#")]
    assert {"mlflow", "jupyter-baton", "numpy"} <= set(names)
    assert len(names) == len(set(names))
