"""The Hub's figures for Prometheus: few series, no person's name, and a table that is true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from tests.hub.running import PROFILES

from baton_hub import metrics, process
from baton_hub.amount import Amount
from baton_hub.audit import Audit
from baton_hub.audit.catalog import RecordedCatalog
from baton_hub.booking import Booking
from baton_hub.catalog import LiveCatalog
from baton_hub.metrics import METRICS, HubCollector
from baton_hub.reservations import Reservations

PAGE = Path(__file__).parents[2] / "docs" / "operators" / "audit.md"
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def reservations(monkeypatch: pytest.MonkeyPatch) -> Reservations:
    made = Reservations()
    monkeypatch.setattr(process, "reservations", made)
    monkeypatch.setattr(metrics, "reservations", made)
    return made


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[CollectorRegistry]:
    audit = Audit(tmp_path / "audit.jsonl")
    collector = HubCollector()
    collector.serve(RecordedCatalog(LiveCatalog(PROFILES), audit), audit)
    made = CollectorRegistry()
    made.register(collector)
    yield made
    audit.close()


def booking(user: str, *groups: str) -> Booking:
    return Booking(
        id=user.ljust(32, "0"),
        user=user,
        server="",
        groups=frozenset(groups),
        profile="pytorch-gpu",
        size="one-gpu",
        image="quay.io/x",
        digest=f"sha256:{'0' * 64}",
        revision="0" * 64,
        amount=Amount(1, 4, 2**34, {"nvidia.com/gpu": 1}),
        since=NOON,
    )


def figures(registry: CollectorRegistry) -> dict[str, float]:
    lines = generate_latest(registry).decode().splitlines()
    return {
        name: float(value)
        for name, value in (line.rsplit(" ", 1) for line in lines if line[:1] != "#")
    }


def test_what_is_held_is_told_by_profile_and_group_at_each_scrape(
    registry: CollectorRegistry, reservations: Reservations
) -> None:
    reservations.restore(replace(booking("ada", "deep-learning"), started=NOON))
    reservations.restore(booking("bob", "deep-learning", "data-science"))
    found = figures(registry)
    assert found['baton_servers{profile="pytorch-gpu",state="running"}'] == 1
    assert found['baton_servers{profile="pytorch-gpu",state="starting"}'] == 1
    assert found['baton_gpus_in_use{kind="nvidia.com/gpu",profile="pytorch-gpu"}'] == 2
    assert found['baton_group_cpu_in_use{group="deep-learning"}'] == 8
    assert found['baton_group_servers{group="data-science"}'] == 1
    reservations.release(("ada", ""))
    assert figures(registry)['baton_group_cpu_in_use{group="deep-learning"}'] == 4


def test_neither_people_nor_groups_that_the_catalogue_does_not_name_make_a_series(
    registry: CollectorRegistry, reservations: Reservations
) -> None:
    before = len(figures(registry))
    for number in range(500):
        reservations.restore(booking(f"person-{number}", f"course-{number}", "deep-learning"))
    found = figures(registry)
    assert len(found) <= before + 10
    assert not [name for name in found if "person" in name or "course" in name]


def test_registering_reads_nothing_and_twice_is_once(registry: CollectorRegistry) -> None:
    assert {metric.name for metric in HubCollector().describe()} == METRICS.keys()
    assert list(HubCollector().collect()) == []


def test_the_documented_metrics_are_those_that_are_there(registry: CollectorRegistry) -> None:
    told = set(re.findall(r"^\| `(baton_\w+)", PAGE.read_text(), re.MULTILINE))
    assert told == METRICS.keys()
    families = {
        line.split()[2]
        for line in generate_latest(registry).decode().splitlines()
        if "# TYPE" in line
    }
    assert families == METRICS.keys()
