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

from baton_contract.errors import PublicError
from baton_contract.types import PacketDataset, PacketGit, PacketSource
from baton_lab.artifacts import Json
from baton_lab.runs import notebook_of, tags_of

if TYPE_CHECKING:
    from baton_lab.tracking import Tracking

ReadFile = Callable[[str], Awaitable[bytes]]
"""Returns a file of the person's home by its path; raises `PublicError` when it is not there."""
LOGGED = "baton.notebook.artifact"
"""The run's tag that names the notebook logged to it."""
PLACES = ("url", "uri", "path", "table_name", "delta_table_name")
"""The keys under which MLflow's dataset sources name their place."""
CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")
COMMIT = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The packet's source, and the notebook itself as (path in the packet, content)."""

    source: PacketSource
    notebook: tuple[str, bytes] | None


async def trace(tracking: Tracking, run: Json | None, read_file: ReadFile) -> Origin:
    """Return where a run's model comes from; everything is None for a model without a run.

    The notebook is the one that was logged to the run, or, where none was, the file as
    it is now. A notebook that can't be read any more is left out.
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
    logged = tags.get(LOGGED)
    try:
        if logged:
            uri = run["info"]["artifact_uri"]
            return await tracking.read(uri, logged, limit=100 * 1024 * 1024)
        return await read_file(path)
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
    inputs = (run or {}).get("inputs", {}).get("dataset_inputs", [])
    found: dict[tuple[str, str], PacketDataset] = {}
    for entry in inputs:
        dataset: dict[str, Any] = entry.get("dataset", {})
        name, digest = str(dataset.get("name", "")), str(dataset.get("digest", ""))
        found[name, digest] = {"name": name, "digest": digest, "source": _place_of(dataset)}
    return [found[key] for key in sorted(found)]


def _place_of(dataset: dict[str, Any]) -> str:
    """Return where a dataset was read from, in a few words.

    MLflow keeps the source as JSON whose keys depend on its type. For data that was
    made in code it is the run's own context, which says nothing of the data.
    """
    kind, text = str(dataset.get("source_type", "")), str(dataset.get("source", ""))
    try:
        source = json.loads(text)
    except ValueError:
        return without_credentials(text)
    named = (source.get(key) for key in PLACES) if isinstance(source, dict) else ()
    place = next((value for value in named if isinstance(value, str) and value), None)
    if place is None:
        return f"made in {kind}" if kind == "code" else kind
    return without_credentials(place)


def without_credentials(address: str) -> str:
    """Return ``address`` without the user and password that stand before its host."""
    return CREDENTIALS.sub("", address)
