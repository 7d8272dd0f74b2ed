"""How much waits on this machine to be sent, for the panel and for `baton sync`."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from baton_lab.offline.entries import Entry
from baton_lab.offline.journal import Journal
from baton_lab.offline.lanes import Lane, load_entries, load_lanes, since


def describe(journal: Journal) -> dict[str, Any]:
    """Return ``{"runs", "entries", "bytes", "oldest"}`` of what waits.

    A run is one with calls of its own that wait. ``bytes`` counts calls and the files
    that go with them. ``oldest`` is when the first of it was kept, ISO 8601; None when
    nothing waits.
    """
    lanes = load_lanes(journal.folder)
    counts = [_measure(journal, lane) for lane in lanes]
    return {
        "runs": len(
            {lane.owner for lane, (is_run, _, _) in zip(lanes, counts, strict=True) if is_run}
        ),
        "entries": sum(entries for _, entries, _ in counts),
        "bytes": sum(size for _, _, size in counts),
        "oldest": min(filter(None, map(since, lanes)), default=None),
    }


def _measure(journal: Journal, lane: Lane) -> tuple[bool, int, int]:
    """Return whether a lane is a run's own, its entries, and its bytes."""
    entries, size, start = 0, 0, lane.position()
    is_run = lane.is_calls
    with suppress(OSError):
        size = lane.path.stat().st_size - start
        for entry, _ in load_entries(lane.path, start):
            if entry is None or entry["kind"] == "since":
                continue
            entries += _count(entry)
            is_run = is_run and entry["kind"] not in {"experiment", "model"}
            if entry["kind"] == "artifact" or entry["kind"] == "file":
                with suppress(OSError):
                    size += journal.content(entry["sha256"]).stat().st_size
    return is_run and bool(entries) and not lane.owner.startswith("m-"), entries, size


def _count(entry: Entry) -> int:
    """Return how many items an entry is for MLflow, as the sender counts them."""
    if entry["kind"] == "metrics":
        return len(entry["metrics"])
    if entry["kind"] == "params":
        return len(entry["params"])
    return len(entry["tags"]) if entry["kind"] == "tags" else 1
