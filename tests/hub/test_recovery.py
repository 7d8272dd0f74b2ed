"""A Hub that starts knows what was used before, and ends what the last one lost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.hub.accounts import booking
from tests.hub.past import Past

from baton_hub.amount import Amount
from baton_hub.audit import Audit
from baton_hub.audit.events import stopped
from baton_hub.audit.replay import load_account, read_events, served
from baton_hub.booking import Booking
from baton_hub.catalog import Limits, Quotas
from baton_hub.catalog.quotas import Budget
from baton_hub.recovery import Recovery
from baton_hub.reservations import Reservations
from baton_hub.spawner.environment import SERVER_ID
from baton_hub.spawner.orphans import end_processes

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Cluster:
    """Where servers run; fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.ended: list[frozenset[str]] = []

    async def end_lost(self, ids: frozenset[str]) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("no answer")
        self.ended.append(ids)


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Past]:
    made = Past(tmp_path / "audit.jsonl")
    yield made
    made.close()


def new_hub(past: Past) -> tuple[Recovery, Reservations, Audit]:
    past.close()
    audit, reservations = Audit(past.path, lambda: NOW), Reservations(lambda: NOW)
    return Recovery(audit, reservations, lambda: NOW, pause=0), reservations, audit


def ran(past: Past, one: Booking, until: datetime) -> None:
    past.start(one)
    past.stop(one, until)


def used(reservations: Reservations) -> float:
    quotas = Quotas(each_user=Limits(budget=Budget(period="day", cpu_hours=9)))
    return reservations.bounds(quotas, "ada", frozenset())[0].used


async def test_hours_of_the_period_that_were_used_before_a_restart_count(past: Past) -> None:
    midnight = NOW.replace(hour=0)
    ran(past, booking(server="a", started=midnight - HOUR), midnight + HOUR)
    ran(past, booking(server="b", started=NOW - 3 * HOUR), NOW - HOUR)
    recovery, reservations, _ = new_hub(past)
    recovery.begin(Cluster().end_lost)
    await recovery.ready()
    assert used(reservations) == 3
    assert not reservations.bookings()


async def test_what_the_hub_restored_is_left_alone_and_counts_once(past: Past) -> None:
    kept = booking(started=NOW - 2 * HOUR)
    past.start(kept)
    recovery, reservations, _ = new_hub(past)
    cluster = Cluster()
    recovery.begin(cluster.end_lost)
    reservations.restore(kept)  # In the same go, as JupyterHub does it.
    await recovery.finished()
    assert not cluster.ended
    assert reservations.bookings() == (kept,)
    assert used(reservations) == 2


async def test_what_nobody_knows_of_is_ended_and_recorded_as_lost(past: Past) -> None:
    ran, starting = booking(started=NOW - HOUR), booking("bob")
    past.start(ran)
    past.spawn(starting, NOW - HOUR)
    recovery, reservations, audit = new_hub(past)
    cluster = Cluster()
    recovery.begin(cluster.end_lost)
    await recovery.finished()
    assert cluster.ended == [{ran.id, starting.id}]
    assert not reservations.bookings()
    assert used(reservations) == 1
    audit.close()
    stops = [event for event in read_events(past.path) if event["event"] == "stop"]
    assert {(stop["id"], stop["code"]) for stop in stops} == {
        (ran.id, "lost"),
        (starting.id, "lost"),
    }
    assert not len(load_account(read_events(past.path), NOW))
    [stretch] = served(read_events(past.path))
    assert (stretch.ended, stretch.code) == (NOW, "lost")


async def test_what_was_lost_counts_until_it_is_really_ended(past: Past) -> None:
    past.start(booking(started=NOW - HOUR))
    recovery, reservations, _ = new_hub(past)
    seen: list[int] = []

    async def end_lost(_: frozenset[str]) -> None:
        seen.append(len(reservations.bookings()))

    recovery.begin(end_lost)
    await recovery.finished()
    assert seen == [1]
    assert not reservations.bookings()


async def test_a_cluster_that_does_not_answer_holds_no_decision_up_and_is_asked_again(
    past: Past, caplog: pytest.LogCaptureFixture
) -> None:
    lost = booking(started=NOW - HOUR)
    past.start(lost)
    recovery, reservations, audit = new_hub(past)
    cluster = Cluster(failures=3)
    recovery.begin(cluster.end_lost)
    await recovery.ready()
    assert not cluster.ended
    recovery.settle(lost.key)  # Its owner starts the server anew.
    assert not reservations.bookings()
    await recovery.finished()
    assert cluster.ended == [{lost.id}]
    audit.close()
    assert [e["event"] for e in read_events(past.path)].count("stop") == 1
    assert "can't be ended yet" in caplog.text


async def test_a_server_that_could_not_be_stopped_counts_until_it_is_ended(past: Past) -> None:
    kept = booking(started=NOW - HOUR)
    past.start(kept)
    recovery, reservations, audit = new_hub(past)
    seen: list[int] = []
    cluster = Cluster(failures=2)

    async def end_lost(ids: frozenset[str]) -> None:
        seen.append(len(reservations.bookings()))
        await cluster.end_lost(ids)

    reservations.restore(kept)
    recovery.lose(kept, end_lost)
    assert [event["event"] for event in read_events(past.path)][-1] == "start"
    await recovery.finished()
    assert (seen, cluster.ended) == ([1, 1, 1], [{kept.id}])
    assert not reservations.bookings()
    audit.close()
    stops = [event for event in read_events(past.path) if event["event"] == "stop"]
    assert [(stop["id"], stop["code"]) for stop in stops] == [(kept.id, "lost")]


async def test_what_is_lost_while_others_are_ended_is_ended_too(past: Past) -> None:
    first, second = booking(server="a"), booking(server="b")
    recovery, reservations, _ = new_hub(past)
    ended: list[frozenset[str]] = []

    async def end_lost(ids: frozenset[str]) -> None:
        if not ended:
            recovery.lose(second, end_lost)
        ended.append(ids)

    for one in (first, second):
        reservations.restore(one)
    recovery.lose(first, end_lost)
    await recovery.finished()
    assert ended == [{first.id}, {second.id}]
    assert not reservations.bookings()


async def test_a_first_start_has_nothing_to_recover(tmp_path: Path) -> None:
    cluster = Cluster()
    recovery = Recovery(Audit(tmp_path / "audit.jsonl"), Reservations())
    recovery.begin(cluster.end_lost)
    await recovery.ready()
    await recovery.finished()
    unrecorded = Recovery(Audit(None), Reservations())
    unrecorded.begin(cluster.end_lost)
    await unrecorded.ready()
    assert not cluster.ended


async def test_an_audit_that_cannot_be_read_is_told_and_stops_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "audit.jsonl").write_text("nonsense\n{}\n")
    recovery = Recovery(Audit(tmp_path / "audit.jsonl"), Reservations())
    recovery.begin(Cluster().end_lost)
    await recovery.ready()
    assert "The audit can't be read back" in caplog.text


async def test_what_this_hub_records_while_it_recovers_counts_once(past: Past) -> None:
    """A restored server that turns out to be gone is released, and in the audit too."""
    gone = booking(amount=Amount(1, 2), started=NOW - HOUR)
    past.start(gone)
    recovery, reservations, audit = new_hub(past)
    recovery.begin(Cluster().end_lost)
    reservations.restore(gone)
    reservations.release(gone.key, only=gone.id)
    audit.note("stop", **stopped(gone, "lost"))
    await recovery.finished()
    assert used(reservations) == 2
    audit.close()
    assert [e["event"] for e in read_events(past.path)].count("stop") == 1


STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(99)
"""
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]).wait()"


def test_processes_of_a_lost_server_are_ended_with_all_that_they_started() -> None:
    """Also one that will not hear of it; those of other servers are not touched."""

    def start(code: str, identity: str) -> subprocess.Popen[str]:
        environment = {**os.environ, SERVER_ID: identity}
        return subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True
        )

    lost, other = start(PARENT, "lost-one"), start(STUBBORN, "other-one")
    try:
        for process in (lost, other):
            assert process.stdout is not None
            assert process.stdout.readline()
        assert end_processes({"lost-one", "gone-long-ago"}, patience=0.5) == 2
        assert lost.wait(5) is not None
        assert other.poll() is None
    finally:
        for process in (lost, other):
            process.kill()
            process.communicate()
