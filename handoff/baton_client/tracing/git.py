"""Whether the commit of a trace is in the git checkout that somebody stands in."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from baton_client.tracing.run import GIT_ID
from baton_client.tracing.tags import without_credentials
from baton_contract.types import Trace, TraceStep


def look_up_commit(trace: Trace, folder: Path) -> None:
    """Have the commit's step say whether ``folder``'s checkout of the same remote holds it.

    A git commit's id is the digest of all it names, so one that git has is verified.
    Nothing changes where there is no git, no checkout, or another remote.
    """
    for each in trace["steps"]:
        if each["kind"] == "commit" and each["state"] == "recorded" and _is_same(each, folder):
            _look_up(each, folder)


def _look_up(each: TraceStep, folder: Path) -> None:
    commit = str(each["digest"])
    if _git(folder, "cat-file", "-e", f"{commit}^{{commit}}") is None:
        said = "This checkout does not have it; fetch it."
    else:
        each["state"], said = "verified", "This checkout has it."
    each["note"] = " ".join(filter(None, (each["note"], said)))


def _is_same(each: TraceStep, folder: Path) -> bool:
    if not each["uri"] or not GIT_ID.fullmatch(each["digest"] or ""):
        return False
    remotes = _git(folder, "config", "--get-regexp", r"^remote\..*\.url$") or ""
    urls = {line.partition(" ")[2] for line in remotes.splitlines()}
    return _plain(each["uri"]) in {_plain(url) for url in urls}


def _plain(url: str) -> str:
    """Return what is the same in an address over ssh and over https."""
    url = without_credentials(url.strip()).removesuffix("/").removesuffix(".git")
    scheme, separator, rest = url.partition("://")
    if separator:
        return rest if scheme in {"http", "https", "ssh", "git"} else url
    host, colon, path = url.partition(":")
    return f"{host.rpartition('@')[2]}/{path}" if colon else url


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git says; None when it fails or is not there."""
    program = shutil.which("git")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "-C", str(folder), *arguments],
            capture_output=True,
            check=False,
            text=True,
            errors="replace",
            timeout=10,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
