"""An entry at which MLflow itself fails again and again does not block the others for good."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from baton_lab.offline.batches import BYTES, steps
from baton_lab.offline.entries import Entry, parse_line, render_line
from baton_lab.offline.journal import Journal
from baton_lab.offline.lanes import load_lanes
from baton_lab.offline.mlflow_api import MlflowApi, SilentError
from baton_lab.offline.refusals import load_refusals
from baton_lab.offline.sender import FAILING_SECONDS, FAILURES, Outcome, Sender
from baton_lab.offline.tokens import HubToken


class FailingApi(MlflowApi):
    """MLflow that answers one parameter with an error of its own (500)."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9", HubToken({}))
        self.taken: list[Any] = []

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if any(param["key"] == "poison" for param in body.get("params", [])):
            raise SilentError("MLflow failed (HTTP 500).", is_failure=True)
        self.taken.append(body)
        return {}

    async def get(self, path: str, **params: str) -> dict[str, Any]:
        return {"run": {"info": {"lifecycle_stage": "active"}}}


def test_what_mlflow_fails_at_for_minutes_is_set_aside_and_the_rest_goes_on(
    tmp_path: Path,
) -> None:
    journal, api, now = Journal(tmp_path / "spool" / "one"), FailingApi(), 0.0
    run = "0" * 32
    journal.append(run, {"kind": "params", "params": {"good": "1"}}, in_order=True)
    journal.append(run, {"kind": "params", "params": {"poison": "1"}}, in_order=True)
    journal.append(run, {"kind": "tags", "tags": {"after": "1"}}, in_order=True)

    async def rounds() -> None:
        nonlocal now
        sender = Sender(journal, api, clock=lambda: now)
        for _ in range(FAILURES - 1):
            outcome = await sender.send()
            assert outcome.problem == "MLflow failed (HTTP 500)."
            assert not outcome.is_empty
            now += FAILING_SECONDS / 2
        outcome = await sender.send()
        while not outcome.is_empty:
            now += FAILING_SECONDS
            outcome = await sender.send()
        await sender.close()

    asyncio.run(rounds())
    (refusal,) = load_refusals(journal)
    assert refusal.entry == {"kind": "params", "params": {"poison": "1"}}
    sent = [item["key"] for body in api.taken for kind in ("params", "tags") for item in body[kind]]
    assert sorted(set(sent)) == ["after", "good"]


class LettingGo(Sender):
    """A sender that is slow to let go of the lock; another process writes and tries meanwhile."""

    other: Outcome | None = None

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[bool]:
        async with super()._alone() as is_mine:
            yield is_mine
            if self.other is None:
                self._journal.append("0" * 32, {"kind": "tags", "tags": {"late": "1"}})
                self.other = await Sender(self._journal, self._api).send()


def test_what_is_written_while_the_lock_is_let_go_is_sent_by_its_holder(tmp_path: Path) -> None:
    """As a collector does, which finds it taken and ends."""
    journal, api = Journal(tmp_path / "spool" / "one"), FailingApi()
    journal.append("0" * 32, {"kind": "tags", "tags": {"early": "1"}}, in_order=True)
    sender = LettingGo(journal, api)
    asyncio.run(asyncio.wait_for(sender.run(until_empty=True), 20))
    assert sender.other is not None
    assert sender.other.is_busy
    assert not load_lanes(journal.folder)
    assert [tag["key"] for body in api.taken for tag in body["tags"]] == ["early", "late"]


def test_requests_stay_within_what_mlflow_takes() -> None:
    metrics: list[Entry] = [
        {"kind": "metrics", "metrics": [{"key": "m", "value": 1.0, "timestamp": 1, "step": n}]}
        for n in range(2500)
    ]
    params: list[Entry] = [
        {"kind": "params", "params": {f"p{n}": "x" * 5000 for n in range(250)}},
        {"kind": "params", "params": {"p0": "another"}},
    ]
    entries = [(entry, end) for end, entry in enumerate([*metrics, *params], 1)]
    found = [*steps(entries, 0)]
    for step in found:
        kinds = [kind for kind, _ in step.items]
        assert kinds.count("metrics") <= 1000
        assert kinds.count("params") <= 100
        assert sum(len(str(item)) for item in step.items) < BYTES + 6000
        keys = [item["key"] for kind, item in step.items if kind == "params"]
        assert len(keys) == len(set(keys))
    items = [item for step in found for item in step.items]
    assert [i["step"] for kind, i in items if kind == "metrics"] == list(range(2500))
    assert len([kind for kind, _ in items if kind == "params"]) == 251
    assert [step.end for step in found] == sorted(step.end for step in found)
    assert found[-1].end == len(entries)


def test_a_line_says_whether_it_is_whole() -> None:
    entry: Entry = {"kind": "tags", "tags": {"k": "line\nbreak \ud800 ü"}}
    line = render_line(entry)
    assert line.count(b"\n") == 1
    assert parse_line(line) == entry
    for cut in range(len(line) - 1):
        assert parse_line(line[:cut]) is None
