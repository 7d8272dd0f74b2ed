"""The commit that lies below a folder, read from the repository's files: no process is started."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from baton_client.tracing.tags import without_credentials

LARGEST_REFS = 1024 * 1024
"""Bytes of packed refs that are read while a run waits; git itself reads more, later."""


@dataclass(frozen=True, kw_only=True)
class Commit:
    """Where a repository stands: ``branch`` is None with a detached HEAD."""

    folder: str
    commit: str
    branch: str | None
    remote: str | None


def find_commit(folder: Path) -> Commit | None:
    """Return the commit checked out where ``folder`` lies; None without git or a commit.

    GitPython is MLflow's own; MLflow has it loaded by the time a run starts. A
    repository that it can't read is left to git itself, later and in another process.
    """
    with suppress(Exception):  # Also its import fails where there is no git.
        return _read(folder)
    return None


def _read(folder: Path) -> Commit | None:
    from git import Repo

    with Repo(folder, search_parent_directories=True, expand_vars=False) as repo:
        packed = Path(repo.common_dir) / "packed-refs"
        if packed.exists() and packed.stat().st_size > LARGEST_REFS:
            return None
        head = repo.head
        urls = {remote.name: remote.url for remote in repo.remotes}
        remote = urls.get("origin") or next(iter(urls.values()), None)
        return Commit(
            folder=str(repo.working_dir),
            commit=head.commit.hexsha,
            branch=None if head.is_detached else head.ref.name,
            remote=without_credentials(remote) if remote else None,
        )
