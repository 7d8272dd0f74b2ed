"""`baton usage`: hours from the audit alone, within a window, and what people read of them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from baton_contract import PublicError
from baton_hub.amount import Amount
from baton_hub.audit import Audit
from baton_hub.audit.events import started, stopped
from baton_hub.audit.replay import Served, read_events, served
from baton_hub.audit.usage import Window, usage
from baton_hub.booking import Booking
from baton_hub.commands.usage import command

NOON = datetime(2020, 7, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def booking(user: str, *groups: str, cpu: float = 1, gpus: int = 0, number: int = 0) -> Booking:
    return Booking(
        id=f"{number:032x}",
        user=user,
        server=f"s{number}",
        groups=frozenset(groups),
        profile="pytorch-gpu" if gpus else "python",
        size="small",
        image=f"quay.io/x@sha256:{'0' * 64}",
        digest=f"sha256:{'0' * 64}",
        revision="0" * 64,
        amount=Amount(1, cpu, 2**30, {"nvidia.com/gpu": gpus} if gpus else {}),
        since=NOON,
    )


def ran(one: Booking, start: float, end: float | None, code: str = "stopped") -> Served:
    """Return a stretch in hours from noon."""
    ended = None if end is None else NOON + HOUR * end
    return Served(one, NOON + HOUR * start, ended, code)


def test_hours_are_those_of_servers_cpus_and_gpus() -> None:
    found = usage(
        [ran(booking("ada", cpu=4, gpus=2), 0, 3), ran(booking("ada", cpu=0.5), 1, 2)],
        "user",
        Window(NOON, NOON + 10 * HOUR),
    )
    (row,) = found.rows
    assert (row.name, row.servers, row.people) == ("ada", 2, 1)
    assert (row.server_hours, row.cpu_hours, row.gpu_hours) == (4, 12.5, 6)


def test_only_what_lies_within_the_window_counts() -> None:
    window = Window(NOON, NOON + 2 * HOUR)
    stretches = [(-5, -1), (-1, 1), (1, 5), (-1, 5), (2, 3), (0, 2)]
    hours = [
        usage([ran(booking("ada"), start, end)], "user", window).total.server_hours
        for start, end in stretches
    ]
    assert hours == [0, 1, 1, 2, 0, 2]


def test_what_still_runs_counts_up_to_the_windows_end() -> None:
    found = usage([ran(booking("ada"), 0, None)], "user", Window(NOON, NOON + 3 * HOUR))
    assert (found.total.server_hours, found.running) == (3, 1)


def test_somebody_in_two_groups_counts_once_in_each_and_once_in_the_total() -> None:
    stretches = [
        ran(booking("ada", "red", "blue"), 0, 2),
        ran(booking("bob", "red", number=1), 0, 1),
        ran(booking("eve", number=2), 0, 1),
    ]
    found = usage(stretches, "group", Window(NOON, NOON + 9 * HOUR))
    assert {row.name: (row.people, row.server_hours) for row in found.rows} == {
        "red": (2, 3),
        "blue": (1, 2),
        "": (1, 1),
    }
    assert (found.total.people, found.total.server_hours) == (3, 4)


class Log:
    """An audit with a clock that the test turns."""

    def __init__(self, path: Path) -> None:
        self.now = NOON
        self.path = path
        self.audit = Audit(path, clock=lambda: self.now, rotate_at=1500)

    def start(self, one: Booking) -> Booking:
        one = Booking(**{**vars(one), "started": self.now})
        self.audit.record("start", **started(one))
        return one

    def stop(self, one: Booking, code: str = "stopped") -> None:
        self.audit.record("stop", **stopped(one, code))


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    made = Log(tmp_path / "audit.jsonl")
    yield made
    made.audit.close()


def test_waiting_for_a_server_does_not_count(log: Log) -> None:
    one = booking("ada")
    log.audit.record(
        "spawn", **one.facts(), decision="allowed", code="ok", connections=[], idle_limit=0
    )
    log.now += HOUR
    log.stop(one, "failed")
    assert served(read_events(log.path)) == []


def test_a_stop_alone_tells_the_hours_of_a_server_that_began_in_a_file_that_is_gone(
    log: Log,
) -> None:
    one = log.start(booking("ada"))
    for number in range(5):
        log.stop(log.start(booking("bob", number=number + 1)))
    log.now += HOUR
    log.stop(one)
    for file in log.path.parent.glob("audit.jsonl-*"):
        file.unlink()
    found = [one for one in served(read_events(log.path)) if one.booking.user == "ada"]
    assert [(one.started, one.ended) for one in found] == [(NOON, NOON + HOUR)]


def run(log: Log, *options: str) -> Result:
    return CliRunner().invoke(command, ["--audit", str(log.path), *options])


@pytest.fixture
def week(log: Log) -> Log:
    """One day of two people in three groups, one of whom has a GPU."""
    first = log.start(booking("ada", "deep-learning", "operations", cpu=4, gpus=1))
    second = log.start(booking("bob", "data-science", number=1))
    log.now += HOUR / 2
    log.stop(second)
    log.now += HOUR
    log.stop(first, "lost")
    return log


def test_the_table_is_aligned_and_carries_units(week: Log) -> None:
    result = run(week, "--to", "2020-07-01")
    assert result.stdout.splitlines() == [
        "2020-07-01 12:00 UTC to 2020-07-02 00:00 UTC",
        "",
        "user   servers  server-hours  CPU-hours  GPU-hours",
        "ada          1          1.50       6.00       1.50",
        "bob          1          0.50       0.50       0.00",
        "total        2          2.00       6.50       1.50",
    ]
    assert "1 of the servers ended while the Hub was down" in result.stderr


def test_groups_are_told_with_their_people_and_why_they_do_not_add_up(week: Log) -> None:
    result = run(week, "--by", "group")
    lines = [line.split() for line in result.stdout.splitlines()[2:]]
    assert lines[0] == ["group", "people", "servers", "server-hours", "CPU-hours", "GPU-hours"]
    assert lines[-1] == ["total", "2", "2", "2.00", "6.50", "1.50"]
    assert "Somebody in several groups counts in each" in result.stderr


def test_csv_and_json_hold_the_same_figures(week: Log) -> None:
    (first, second) = csv.DictReader(io.StringIO(run(week, "--by", "profile", "--csv").stdout))
    assert (first["profile"], first["cpu_hours"]) == ("pytorch-gpu", "6.000000")
    assert first["from"] == "2020-07-01T12:00:00.000Z"
    found: dict[str, Any] = json.loads(run(week, "--by", "profile", "--json").stdout)
    assert [row["profile"] for row in found["rows"]] == [first["profile"], second["profile"]]
    assert found["total"]["server_hours"] == 2
    assert (found["running"], found["lost"]) == (0, 1)


def test_days_are_utc_and_other_zones_have_to_be_named(week: Log) -> None:
    hours = json.loads(
        run(week, "--from", "2020-07-01T14:30+02:00", "--to", "2020-07-01T13:00Z", "--json").stdout
    )["total"]["server_hours"]
    assert hours == 0.5
    far = ("9999-12-31", "0001-01-01T00:00+12:00", "9999-12-31T23:00-12:00")
    for wrong in ("2020-07-01T14:30", "yesterday", "2020-13-01", *far):
        result = run(week, "--to", wrong)
        assert result.exit_code == 2
        assert "in UTC" in result.stderr
    result = run(week, "--from", "2020-07-02", "--to", "2020-07-01")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "Give an earlier --from" in result.stderr


def test_an_audit_of_which_older_files_were_moved_away_says_so(week: Log) -> None:
    week.stop(week.start(booking("eve", number=9)))
    week.stop(week.start(booking("eve", number=9)))
    oldest = sorted(week.path.parent.glob("audit.jsonl-*"))[0]
    oldest.unlink()
    assert "older files were moved away" in run(week).stderr


def test_no_use_and_no_audit_are_a_sentence(log: Log, tmp_path: Path) -> None:
    log.audit.open()
    assert "No server ran." in run(log).stdout
    missing = CliRunner().invoke(command, ["--audit", str(tmp_path / "none")])
    assert (missing.exit_code, "There is no audit at" in missing.stderr) == (1, True)


@pytest.mark.parametrize(
    "change",
    [
        {"time": "yesterday"},
        {"time": "2020-07-01T12:00:00.000"},
        {"seq": "1"},
        {"user": ["ada"]},
        {"user": None},
        {"groups": "data-science"},
        {"cpu": "4"},
        {"gpus": None},
        {"started": 12},
    ],
)
def test_a_line_that_somebody_edited_is_told_by_its_place(
    week: Log, change: dict[str, Any]
) -> None:
    *before, last = week.path.read_text("utf-8").splitlines()
    edited = json.dumps({**json.loads(last), **change})
    week.path.write_text("\n".join([*before, edited, ""]), "utf-8")
    result = CliRunner().invoke(command, ["--audit", str(week.path)])
    assert result.exit_code == 1
    assert isinstance(result.exception, PublicError)
    assert f"{week.path.name}:{len(before) + 1}: This line is not an event." in str(
        result.exception
    )


def test_a_name_steers_neither_a_terminal_nor_a_spreadsheet(log: Log) -> None:
    one = log.start(booking("=cmd|' /C calc'!A0\x1b[2J"))
    log.now += HOUR
    log.stop(one)
    assert "\x1b" not in run(log).stdout
    assert run(log, "--csv").stdout.splitlines()[1].startswith("'=cmd")
