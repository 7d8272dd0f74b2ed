"""Where a model comes from: its notebook, commit, cell and datasets, read from its run."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from baton_client import trace_tags
from baton_client.trace_tags import without_credentials
from baton_contract.errors import PublicError
from baton_contract.types import PacketDataset, PacketGit, PacketSource
from baton_lab.artifacts import Json
from baton_lab.runs import notebook_of, tags_of

if TYPE_CHECKING:
    from baton_lab.tracking import Tracking

ReadFile = Callable[[str], Awaitable[bytes]]
"""Returns a file of the person's home by its path; raises `PublicError` when it is not there."""
LARGEST = 100 * 1024 * 1024
COMMIT = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The packet's source, and the notebook itself as (path in the packet, content)."""

    source: PacketSource
    notebook: tuple[str, bytes] | None


async def trace(tracking: Tracking, run: Json | None, read_file: ReadFile) -> Origin:
    """Return where a run's model comes from; everything is None for a model without a run.

    The notebook is the one that a person logged to the run, else the one that was captured
    when the run began, else the file as it is now. One that can't be read is left out.
    """
    if run is None:
        return Origin(source={"notebook": None, "git": None, "cell": None}, notebook=None)
    tags = tags_of(run)
    source: PacketSource = {
        "notebook": None,
        "git": git_of(tags),
        "cell": tags.get("baton.cell") or None,
    }
    path = notebook_of(tags)
    text = await _read(tracking, run, tags, path, read_file) if path else None
    if path is None or text is None:
        return Origin(source=source, notebook=None)
    snapshot = f"notebook/{PurePosixPath(path).name}"
    source["notebook"] = {
        "path": path,
        "sha256": hashlib.sha256(text).hexdigest(),
        "snapshot": snapshot,
        "executed_in_order": executed_in_order(text),
    }
    return Origin(source=source, notebook=(snapshot, text))


async def _read(
    tracking: Tracking, run: Json, tags: dict[str, str], path: str, read_file: ReadFile
) -> bytes | None:
    logged, captured = tags.get(trace_tags.LOGGED), tags.get(trace_tags.SNAPSHOT, "")
    folder, _, name = captured.rpartition("/")
    try:
        if logged:
            return await tracking.read(run["info"]["artifact_uri"], logged, limit=LARGEST)
        return await (tracking.read(folder, name, limit=LARGEST) if name else read_file(path))
    except PublicError:
        return None


def executed_in_order(notebook: bytes) -> bool | None:
    """Return whether the code cells were run from top to bottom; None when not all were run."""
    try:
        cells = json.loads(notebook)["cells"]
        counts = [
            cell.get("execution_count")
            for cell in cells
            if cell["cell_type"] == "code" and "".join(cell["source"]).strip()
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if not counts or not all(isinstance(count, int) for count in counts):
        return None
    return all(first < second for first, second in itertools.pairwise(counts))


def git_of(tags: dict[str, str]) -> PacketGit | None:
    """Return the commit that the run was started from, its remote without credentials."""
    commit = tags.get("mlflow.source.git.commit", "")
    if not COMMIT.fullmatch(commit):
        return None
    remote = tags.get("mlflow.source.git.repoURL")
    dirty = tags.get("mlflow.source.git.dirty")
    return {
        "remote": without_credentials(remote) if remote else None,
        "commit": commit,
        "dirty": None if dirty is None else dirty.lower() == "true",
    }


def datasets_of(run: Json | None) -> list[PacketDataset]:
    """Return the datasets that MLflow knows the run to have read, each once."""
    found: list[Any] = trace_tags.datasets_of(run or {})
    return found
