"""What of a journal goes into one request: as much as MLflow takes at once. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from baton_lab.offline.entries import Entry

Item = tuple[str, dict[str, Any]]
LIMITS = {"metrics": 1000, "params": 100, "tags": 100}
"""Items that one log-batch of MLflow's takes."""
BYTES = 900_000
"""Of the 1 MB that one takes."""


@dataclass
class Step:
    """One request: an entry of its own, or ``items`` for one log-batch.

    ``end`` is the byte up to which MLflow has the journal once it took this.
    """

    end: int
    entry: Entry | None = None
    items: list[Item] = field(default_factory=list)


def steps(entries: Iterable[tuple[Entry | None, int]], start: int) -> Iterator[Step]:
    """Yield the requests that send the entries, in their order.

    Metrics, parameters and tags that follow one another share requests. An entry that
    is spread over two requests counts as sent with the second.
    """
    batch, end = _Batch(), start
    for entry, after in entries:
        items = [*_items(entry)] if entry is not None else []
        if entry is not None and not items and entry["kind"] not in {"since", *LIMITS}:
            if batch.items:
                yield Step(end, items=batch.items)
                batch = _Batch()
            yield Step(after, entry=entry)
        for item in items:
            if not batch.takes(item):
                yield Step(end, items=batch.items)
                batch = _Batch()
            batch.add(item)
        end = after
    if batch.items or end > start:
        yield Step(end, items=batch.items)


def body(run_id: str, items: Iterable[Item]) -> dict[str, Any]:
    """Return the body of a log-batch."""
    found: dict[str, Any] = {"run_id": run_id, "metrics": [], "params": [], "tags": []}
    for kind, item in items:
        found[kind].append(item)
    return found


class _Batch:
    def __init__(self) -> None:
        self.items: list[Item] = []
        self._counts = dict.fromkeys(LIMITS, 0)
        self._keys: set[tuple[str, str]] = set()
        self._bytes = 0

    def takes(self, item: Item) -> bool:
        kind, value = item
        if not self.items:
            return True
        if kind != "metrics" and (kind, value["key"]) in self._keys:
            return False  # MLflow refuses a parameter twice, and a tag's last word counts.
        is_full = self._counts[kind] >= LIMITS[kind] or len(self.items) >= LIMITS["metrics"]
        return not is_full and self._bytes + _size(value) <= BYTES

    def add(self, item: Item) -> None:
        kind, value = item
        self.items.append(item)
        self._counts[kind] += 1
        self._bytes += _size(value)
        if kind != "metrics":
            self._keys.add((kind, value["key"]))


def _items(entry: Entry) -> Iterator[Item]:
    if entry["kind"] == "metrics":
        yield from (("metrics", metric) for metric in entry["metrics"])
    elif entry["kind"] == "params":
        for key, value in entry["params"].items():
            yield "params", {"key": key, "value": value}
    elif entry["kind"] == "tags":
        for key, value in entry["tags"].items():
            yield "tags", {"key": key, "value": value}


def _size(value: dict[str, Any]) -> int:
    return len(json.dumps(value)) + 2
