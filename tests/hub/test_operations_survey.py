"""What operations see at one moment."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import pytest

from baton_hub.amount import Amount
from baton_hub.audit import Audit
from baton_hub.audit.replay import Served
from baton_hub.booking import Booking
from baton_hub.catalog import Catalog, Lifecycle
from baton_hub.operations.history import History, Past
from baton_hub.operations.survey import DAYS, charts, state_of, survey
from baton_hub.quota import Bound

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
GIB = 1024**3


def booking(catalog: Catalog, user: str = "ada", **changes: object) -> Booking:
    image = catalog.profiles["scikit-learn"].image
    made = Booking(
        id=user,
        user=user,
        server="",
        groups=frozenset({"data-science"}),
        profile="scikit-learn",
        size="small",
        image=image.pinned,
        digest=image.digest,
        revision=catalog.revision,
        amount=Amount(1, 2, 4 * GIB),
        since=NOW - timedelta(hours=3),
        started=NOW - timedelta(hours=2),
        idle_limit=5400,
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def test_who_runs_what_and_whether_it_is_still_what_the_catalogue_says(catalog: Catalog) -> None:
    running = [
        booking(catalog, "bob", profile="gone", digest="sha256:" + "0" * 64),
        booking(catalog, "ada", started=None),
    ]
    view = survey(catalog, (), running, (), Past(), NOW)
    ada, bob = view.servers
    assert (ada.title, ada.resources, ada.idle) == (
        "Scikit-learn",
        ("2 CPUs", "4 GB"),
        "1 h 30 min",
    )
    assert (ada.state.word, ada.is_current) == ("active", True)
    assert (bob.title, bob.state.word, bob.is_current) == ("gone", "gone", False)
    assert dict(view.figures)["Servers"] == "2"
    assert dict(view.figures)["CPUs"] == "4"
    counts = {row.profile.name: row.running for row in view.profiles}
    assert (counts["scikit-learn"], counts["python"]) == (1, 0)


@pytest.mark.parametrize(
    ("lifecycle", "word"),
    [
        (Lifecycle(), "active"),
        (Lifecycle(deprecated=date(2026, 7, 1)), "deprecated"),
        (Lifecycle(deprecated=date(2026, 7, 2)), "active"),
        (Lifecycle(blocked=date(2026, 7, 1)), "blocked"),
    ],
)
def test_a_profiles_state_is_that_of_the_day(
    catalog: Catalog, lifecycle: Lifecycle, word: str
) -> None:
    profile = catalog.profiles["python"].model_copy(update={"lifecycle": lifecycle})
    changed = dataclasses.replace(
        catalog, profiles=MappingProxyType({**catalog.profiles, "python": profile})
    )
    found = state_of(changed, profile, NOW.date())
    assert found.word == word
    assert bool(found.why) == (word != "active")


def test_hours_fall_on_the_days_on_which_they_were_used(catalog: Catalog) -> None:
    start = datetime(2026, 6, 29, 22, tzinfo=UTC)
    ended = Served(booking(catalog, started=start), start, start + timedelta(hours=5))
    running = Served(booking(catalog, "bob"), NOW - timedelta(hours=2))
    (cpu,) = charts([ended, running], NOW)
    days = {day: sum(values) for day, values in cpu.rows}
    assert days[date(2026, 6, 29)] == 4
    assert days[date(2026, 6, 30)] == 6
    assert days[date(2026, 7, 1)] == 4
    assert cpu.total == 14
    assert len(days) == DAYS


def test_what_ran_before_the_first_day_counts_from_that_day_on(catalog: Catalog) -> None:
    start = NOW - timedelta(days=60)
    (cpu,) = charts([Served(booking(catalog), start)], NOW)
    assert cpu.total == 2 * ((DAYS - 1) * 24 + 12)


def test_gpu_hours_have_a_chart_where_any_were_used(catalog: Catalog) -> None:
    gpu = booking(catalog, amount=Amount(1, 4, 8 * GIB, {"nvidia.com/gpu": 2}))
    found = charts([Served(gpu, NOW - timedelta(hours=3), NOW)], NOW)
    assert [(chart.unit, chart.total) for chart in found] == [("CPU hours", 12), ("GPU hours", 6)]


def test_a_shared_limit_says_how_much_of_it_is_used(catalog: Catalog) -> None:
    limits = [
        Bound("group", "deep-learning", "nvidia.com/gpu", 4, 3),
        Bound("group", "deep-learning", "gpu_hours", 100, 12.5, "week"),
        Bound("total", "", "servers", 0, 0),
    ]
    gpus, hours, servers = survey(catalog, (), (), limits, Past(), NOW).limits
    assert (gpus.whose, gpus.used, gpus.limit, gpus.percent) == (
        "deep-learning",
        "3 GPUs",
        "4 GPUs",
        75,
    )
    assert (hours.used, hours.limit, hours.period) == ("12.5", "100 GPU hours", "week")
    assert (servers.whose, servers.percent) == ("everybody together", 0)


def test_history_reads_what_was_added_and_forgets_what_is_old(
    catalog: Catalog, tmp_path: Path
) -> None:
    now = NOW - timedelta(days=40)
    path = tmp_path / "audit.jsonl"
    audit = Audit(path, clock=lambda: now)
    refusal = {
        "user": "ada",
        "server": "",
        "groups": [],
        "decision": "refused",
        "code": "no_profile",
        "reason": "No profile was chosen.",
        "revision": "",
    }
    audit.record("spawn", **refusal)
    history = History(path)
    assert len(history.since(NOW - timedelta(days=DAYS)).refused) == 0
    now = NOW
    audit.record("spawn", **refusal)
    audit.record("catalog", decision="refused", revision="", profiles=0, faults=1)
    audit.record("stop", code="stopped", **booking(catalog).state())
    past = history.since(NOW - timedelta(days=DAYS))
    assert [event["code"] for event in past.refused] == ["no_profile"]
    assert [(one.booking.user, one.ended) for one in past.served] == [("ada", NOW)]
    assert history.since(NOW - timedelta(days=DAYS)) == past
    (row,) = survey(catalog, (), (), (), past, NOW).refusals
    assert (row.user, row.wanted, row.code) == ("ada", "nothing named", "no_profile")
    assert survey(catalog, (), (), (), past, NOW).codes == (("no_profile", 1),)


def test_an_audit_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    assert "no audit" in History(tmp_path / "none.jsonl").since(NOW).fault
    assert History(None).since(NOW).fault
