"""What MLflow refused for good: kept aside with the reason, never dropped, sent again if asked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from baton_lab.offline.entries import Entry
from baton_lab.offline.journal import Journal
from baton_lab.offline.lanes import locked


class Refusal(NamedTuple):
    """An entry of a run that MLflow refused, and why."""

    owner: str
    entry: Entry
    reason: str


def refuse(journal: Journal, owner: str, entries: Iterable[Entry], reason: str) -> None:
    """Keep entries aside."""
    lines = (json.dumps({"reason": reason, "entry": entry}) + "\n" for entry in entries)
    with locked(journal.folder / "refused" / owner) as fd, open(fd, "a", closefd=False) as out:
        out.writelines(lines)


def load_refusals(journal: Journal) -> Iterator[Refusal]:
    """Yield what is kept aside."""
    with suppress(OSError):
        for path in sorted((journal.folder / "refused").iterdir()):
            for line in path.read_text("utf-8").splitlines():
                with suppress(ValueError, KeyError):
                    found: dict[str, Any] = json.loads(line)
                    yield Refusal(path.name, found["entry"], found["reason"])


def take_back(journal: Journal) -> int:
    """Put what is kept aside behind what waits, to be sent again; return how many entries."""
    count = 0
    for refusal in [*load_refusals(journal)]:
        journal.append(refusal.owner, refusal.entry, in_order=True)
        count += 1
    with suppress(OSError):
        for path in (journal.folder / "refused").iterdir():
            path.unlink()
    return count
