"""Where a model comes from: its notebook, commit, cell and datasets, read from its run."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from baton_client.tracing import tags as trace_tags
from baton_client.tracing.tags import without_credentials
from baton_contract.errors import PublicError
from baton_contract.types import PacketDataset, PacketGit, PacketSource
from baton_lab.artifacts import Json
from baton_lab.capture.mask import load_mask
from baton_lab.capture.snapshot import masked_notebook
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
    when the run began, else the file as it is now, without secrets. One that can't be read,
    or is not what its tag says, is passed over.
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
    found = await _read(tracking, run, tags, path, read_file) if path else None
    if path is None or found is None:
        return Origin(source=source, notebook=None)
    text, in_order = found
    snapshot = f"notebook/{PurePosixPath(path).name}"
    source["notebook"] = {
        "path": path,
        "sha256": hashlib.sha256(text).hexdigest(),
        "snapshot": snapshot,
        "executed_in_order": in_order,
    }
    return Origin(source=source, notebook=(snapshot, text))


async def _read(
    tracking: Tracking, run: Json, tags: dict[str, str], path: str, read_file: ReadFile
) -> tuple[bytes, bool | None] | None:
    """Return the notebook, and whether its cells ran in order."""
    if logged := tags.get(trace_tags.LOGGED):
        with suppress(PublicError):
            text = await tracking.read(run["info"]["artifact_uri"], logged, limit=LARGEST)
            return text, executed_in_order(text)
    captured = await _captured(tracking, tags)
    if captured is not None:
        return captured, _seen(tags, captured)
    with suppress(PublicError):
        text = masked_notebook(await read_file(path), load_mask(os.environ))
        return text, executed_in_order(text)
    return None


async def _captured(tracking: Tracking, tags: dict[str, str]) -> bytes | None:
    folder, _, name = tags.get(trace_tags.SNAPSHOT, "").rpartition("/")
    if not folder:
        return None
    try:
        text = await tracking.read(folder, name, limit=LARGEST)
    except PublicError:
        return None
    return text if hashlib.sha256(text).hexdigest() == tags.get(trace_tags.SHA256) else None


def _seen(tags: dict[str, str], notebook: bytes) -> bool | None:
    """Return what was seen while the cells ran; where nobody saw it, what their counts say."""
    seen = {"true": True, "false": False}.get(tags.get(trace_tags.IN_ORDER, ""))
    return executed_in_order(notebook) if seen is None else seen


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
