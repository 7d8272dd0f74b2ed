"""SQLite stays fast and whole: statistics, the way it is opened, and what it survives."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.tracking import Tracking, start_tracking

from baton_hub.tracking.maintenance import Maintenance

pytest_plugins = ("tests.tracking",)

RUNS, METRICS = 12_000, 10

SEARCH = """
import sys, time
from mlflow.entities import ViewType
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

store = SqlAlchemyStore(sys.argv[1], "mlflow-artifacts:/")
start = time.perf_counter()
found = store.search_runs(["0"], "", ViewType.ACTIVE_ONLY, 50, ["metrics.m3 DESC"])
print(len(found), [run.data.metrics["m3"] for run in found[:2]], time.perf_counter() - start)
"""


@pytest.fixture(scope="module")
def many_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of MLflow's with more runs than a sort can do without statistics."""
    path = tmp_path_factory.mktemp("many") / "mlflow.sqlite"
    prepare = f"from baton_hub.tracking.database import prepare; prepare('sqlite:///{path}')"
    subprocess.run([sys.executable, "-W", "ignore", "-c", prepare], check=True, capture_output=True)
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "INSERT INTO experiments (experiment_id, name, lifecycle_stage, workspace)"
            " VALUES (0, 'Default', 'active', 'default')"
        )
        ids = [f"{number:032x}" for number in range(RUNS)]
        database.executemany(
            "INSERT INTO runs (run_uuid, name, user_id, status, source_type, start_time,"
            " lifecycle_stage, experiment_id)"
            " VALUES (?, 'r', 'ada', 'FINISHED', 'UNKNOWN', ?, 'active', 0)",
            ((run, number) for number, run in enumerate(ids)),
        )
        for metric in range(METRICS):
            database.executemany(
                "INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid)"
                " VALUES (?, ?, 1, 0, 0, ?)",
                ((f"m{metric}", float(number), run) for number, run in enumerate(ids)),
            )
    return path


def _sort_by_metric(path: Path) -> float:
    command = [sys.executable, "-W", "ignore", "-c", SEARCH, f"sqlite:///{path}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    count, rest = done.stdout.split(" ", 1)
    first, seconds = rest.rsplit(" ", 1)
    assert (int(count), json.loads(first)) == (50, [RUNS - 1.0, RUNS - 2.0])
    return float(seconds)


def test_a_sort_by_metric_of_many_runs_uses_the_statistics(many_runs: Path) -> None:
    before = _sort_by_metric(many_runs)
    spent = Maintenance(f"sqlite:///{many_runs}").refresh()
    after = _sort_by_metric(many_runs)
    print(f"sorted {RUNS} runs in {before:.2f} s, with statistics {after:.2f} s, made in {spent}")
    assert spent is not None
    assert after < before / 3


def test_a_refresh_hardly_delays_who_writes(many_runs: Path) -> None:
    """While statistics are made again and again, no write waits long, and none fails."""
    maintenance, done = Maintenance(f"sqlite:///{many_runs}"), threading.Event()

    def refresh() -> None:
        while not done.is_set():
            maintenance.refresh()

    thread = threading.Thread(target=refresh)
    longest = 0.0
    with contextlib.closing(sqlite3.connect(many_runs, timeout=20)) as database:
        thread.start()
        for number in range(100):
            began = time.perf_counter()
            with database:
                database.execute(
                    "UPDATE runs SET end_time = ? WHERE start_time = ?", (number, number)
                )
            longest = max(longest, time.perf_counter() - began)
    done.set()
    thread.join()
    # Without pause between refreshes; in the service there are minutes.
    assert longest < 2


def test_statistics_are_refreshed_on_a_schedule(tmp_path: Path) -> None:
    path = tmp_path / "small.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (k)")
        database.execute("CREATE INDEX i ON t (k)")
        maintenance = Maintenance(f"sqlite:///{path}", period=0.05)
        maintenance.begin()
        try:
            database.executemany("INSERT INTO t VALUES (?)", ((n,) for n in range(100)))
            database.commit()
            deadline = time.monotonic() + 30
            while not database.execute("SELECT * FROM sqlite_stat1 WHERE tbl = 't'").fetchall():
                assert time.monotonic() < deadline
                time.sleep(0.01)
        finally:
            maintenance.end()


def test_a_database_that_is_in_use_or_gone_only_misses_a_refresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("baton_hub.tracking.maintenance.BUSY_SECONDS", 0.01)
    path = tmp_path / "busy.sqlite"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("CREATE TABLE t (k PRIMARY KEY)")
        database.execute("BEGIN IMMEDIATE")
        assert Maintenance(f"sqlite:///{path}").refresh() is None
        database.execute("COMMIT")
        assert Maintenance(f"sqlite:///{path}").refresh() is not None
    assert Maintenance(f"sqlite:///{tmp_path}/none/none.sqlite").refresh() is None


def test_postgresql_keeps_its_own_statistics() -> None:
    before = threading.active_count()
    Maintenance("postgresql://nobody@127.0.0.1:1/none").begin()
    assert threading.active_count() == before


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Tracking]:
    """MLflow that may be killed."""
    with start_tracking(tmp_path) as started:
        yield started


def test_what_was_acknowledged_outlives_a_kill(own: Tracking) -> None:
    run = own.run("ada", "killed")["run_id"]
    acknowledged: list[int] = []

    def write() -> None:
        with own.client("ada") as client, contextlib.suppress(httpx.TransportError):
            for step in range(100_000):
                metric = {"run_id": run, "key": "m", "value": step, "timestamp": 1, "step": step}
                if not client.post("/api/2.0/mlflow/runs/log-metric", json=metric).is_success:
                    return
                acknowledged.append(step)

    thread = threading.Thread(target=write)
    thread.start()
    while len(acknowledged) < 50:
        time.sleep(0.01)
        assert thread.is_alive()
    os.kill(own.mlflow_pid, signal.SIGKILL)
    thread.join()
    with contextlib.closing(sqlite3.connect(own.folder / "mlflow.sqlite")) as database:
        kept = {step for (step,) in database.execute("SELECT step FROM metrics")}
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert set(acknowledged) <= kept


LISTENER = """
import os, sys

def hear(event, details):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        asked = details[1] if event != "socket.getaddrinfo" else details[0]
        host = asked[0] if isinstance(asked, tuple) else asked
        with open(os.environ["TEST_HEARD"], "a") as heard:
            heard.write(f"{host}\\n")

sys.addaudithook(hear)
"""


def test_nothing_is_asked_of_the_outside(tmp_path: Path) -> None:
    """From the start to a search and a model: no name is looked up, nobody is connected to."""
    (tmp_path / "sitecustomize.py").write_text(LISTENER)
    heard = tmp_path / "heard"
    settings = {"PYTHONPATH": str(tmp_path), "TEST_HEARD": str(heard), "CI": ""}
    with start_tracking(tmp_path, **settings) as own:
        run = own.run("ada", "quiet")
        own.call("ada", "runs/search", {"experiment_ids": [run["experiment_id"]]})
        own.call("ada", "registered-models/create", {"name": "quiet"})
        with own.client("ada") as client:
            assert client.get("/").is_success
    hosts = set(heard.read_text().split())
    assert hosts == {"127.0.0.1"}
