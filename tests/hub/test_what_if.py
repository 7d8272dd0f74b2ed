"""``baton catalog what-if``: the past, decided once more under other limits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner, Result
from tests.hub.accounts import GIB, NOON, booking
from tests.hub.past import Past, spec_of
from tests.hub.running import PROFILES

from baton_contract import ForbiddenError, PublicError
from baton_hub.account import Account
from baton_hub.amount import Amount
from baton_hub.audit.replay import read_events
from baton_hub.booking import Booking
from baton_hub.catalog import Limits, Quotas
from baton_hub.catalog.quotas import Budget, GroupLimits
from baton_hub.commands.what_if import command
from baton_hub.quota import admit
from baton_hub.what_if import Outcome, median_runs, what_if

HOUR = timedelta(hours=1)
FULL = ForbiddenError("quota_servers", "Too many.")


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Past]:
    made = Past(tmp_path / "audit.jsonl")
    yield made
    made.close()


def ask(past: Past, quotas: Quotas, since: datetime = NOON) -> Outcome:
    past.close()
    events = list(read_events(past.path))
    return what_if(events, quotas, since, median_runs(events))


def at(hours: float, user: str = "ada", cpu: float = 1, server: str = "") -> Booking:
    """Return a server that runs since so many hours after noon."""
    moment = NOON + hours * HOUR
    return booking(user, server, amount=Amount(1, cpu, GIB), started=moment, since=moment)


def test_what_a_stricter_limit_refuses_takes_nothing_afterwards(past: Past) -> None:
    first, second, third = at(0), at(1, "bob"), at(3, "eve")
    past.start(first)
    past.start(second)
    past.stop(first, NOON + 2 * HOUR)
    past.start(third)
    past.stop(second, NOON + 4 * HOUR)
    outcome = ask(past, Quotas(total=Limits(servers=1)))
    assert outcome.allowed == 3
    [change] = outcome.changes
    assert (change.user, change.was, change.becomes) == ("bob", "ok", "quota_servers")
    assert change.bound is not None
    assert (change.bound.used, change.bound.limit) == (1, 1)


def test_what_a_wider_limit_admits_runs_for_the_median_of_its_profile(past: Past) -> None:
    """Servers ran one hour; the one that is admitted is in the way for just as long."""
    ran = [at(0, "eve"), at(0, "dan")]
    for one in ran:
        past.start(one)
    past.refuse(at(0.5), FULL, NOON + 0.5 * HOUR)
    for one in ran:
        past.stop(one, NOON + HOUR)
    past.refuse(at(1.2), FULL, NOON + 1.2 * HOUR)  # The same person, still running then.
    past.refuse(at(1.3, "bob"), FULL, NOON + 1.3 * HOUR)
    past.refuse(at(1.6, "bob"), FULL, NOON + 1.6 * HOUR)
    outcome = ask(past, Quotas(total=Limits(servers=3)))
    assert [(change.user, change.at) for change in outcome.admitted] == [
        ("ada", NOON + 0.5 * HOUR),
        ("bob", NOON + 1.3 * HOUR),
    ]
    assert (outcome.limited, outcome.moot) == (4, 2)
    narrow = ask(past, Quotas(groups={"data-science": GroupLimits(servers=2)}))
    assert [change.at for change in narrow.admitted] == [NOON + 1.2 * HOUR, NOON + 1.3 * HOUR]


def test_who_really_started_the_server_ends_the_one_that_was_imagined(past: Past) -> None:
    past.refuse(at(0, cpu=8), ForbiddenError("quota_cpu", "Too much."), NOON)
    smaller = at(0.1, cpu=4)
    past.start(smaller)
    past.stop(smaller, NOON + 9 * HOUR)
    outcome = ask(past, Quotas(each_user=Limits(cpu=8)))
    assert [change.becomes for change in outcome.changes] == ["ok"]


def test_refusals_for_other_reasons_stay(past: Past) -> None:
    past.refuse(at(0), ForbiddenError("profile_blocked", "Too old."), NOON)
    outcome = ask(past, Quotas())
    assert (outcome.other, outcome.limited, outcome.changes) == (1, 0, [])


def test_budgets_are_held_too_with_what_was_used_before_the_window(past: Past) -> None:
    past.start(at(-5, cpu=2))
    past.stop(at(-5, cpu=2), NOON - 3 * HOUR)
    past.start(at(-2, "bob"))  # Runs on.
    past.start(at(1, "eve"))
    group = GroupLimits(budget=Budget(period="day", cpu_hours=7))
    [change] = ask(past, Quotas(groups={"data-science": group})).changes
    assert (change.user, change.becomes) == ("eve", "budget_cpu")
    assert change.bound is not None
    assert change.bound.used == pytest.approx(7)
    more = GroupLimits(budget=Budget(period="day", cpu_hours=7.1))
    assert not ask(past, Quotas(groups={"data-science": more})).changes


@pytest.mark.parametrize("seed", range(8))
def test_under_the_limits_that_were_in_force_nothing_changes(past: Past, seed: int) -> None:
    """A Hub's decisions, in any order of starts and stops, are the replay's."""
    random, account, now = Random(seed), Account(), NOON
    budget = Budget(period="day", cpu_hours=random.choice((20, 60)))
    quotas = Quotas(
        each_user=Limits(servers=2, budget=budget),
        groups={"data-science": GroupLimits(cpu=5)},
        total=Limits(memory=6 * GIB),
    )
    for number in range(120):
        now += timedelta(minutes=random.choice((3, 20, 200)))
        running = list(account)
        if running and random.random() < 0.45:
            one = random.choice(running)
            past.stop(one, now)
            account.release(one.key, now)
            continue
        amount = Amount(1, random.choice((0.5, 1, 2)), random.choice((1, 2)) * GIB)
        one = booking(random.choice("abc"), str(number), amount=amount, since=now, started=now)
        decision = admit(spec_of(one), account, quotas, now)
        if decision.allowed:
            past.start(one)
            account.book(one)
        else:
            past.refuse(one, decision.refusal(), now)
    outcome = ask(past, quotas)
    assert outcome.limited
    assert not outcome.changes
    assert ask(past, Quotas()).admitted


def run(past: Past, quotas: str, *options: str) -> Result:
    past.close()
    file = past.path.with_name("new.yaml")
    file.write_text(quotas)
    given = [str(file), "--audit", str(past.path), "--profiles", str(PROFILES), *options]
    return CliRunner().invoke(command, given)


def recent(past: Past) -> None:
    """Let two servers run, and one be refused, in the last hours."""
    now = datetime.now(UTC)
    for user in ("ada", "bob"):
        past.start(booking(user, started=now - 5 * HOUR, since=now - 5 * HOUR))
    error: PublicError = FULL
    past.refuse(booking("eve"), error, now - HOUR)


def test_it_says_how_many_decisions_change_for_whom_and_by_which_limit(past: Past) -> None:
    recent(past)
    result = run(past, "total: {servers: 1}\n")
    assert result.exit_code == 0, result.output
    assert "2 starts were allowed and 1 refused for a limit" in result.output
    assert "1 would have been decided otherwise: 1 refused that were allowed" in result.output
    assert "total, servers: 1 server of 1 server" in result.output
    result = run(past, "total: {servers: 9}\n")
    assert "1 allowed that were refused" in result.output
    assert "median of its profile" in result.output
    result = run(past, "total: {servers: 2}\n")
    assert "every one would have been decided as it was" in result.output


def test_it_speaks_json(past: Past) -> None:
    recent(past)
    facts = json.loads(run(past, "each_user: {servers: 0}\n", "--json").stdout)
    assert (facts["allowed"], facts["refused_for_a_limit"]) == (2, 1)
    assert [change["user"] for change in facts["changes"]] == ["ada", "bob"]
    assert facts["changes"][0]["limit"] == {
        "scope": "user",
        "name": "ada",
        "resource": "servers",
        "period": None,
        "limit": 0,
        "used": 0,
    }


def test_what_is_older_than_the_days_asked_for_is_not_decided_again(past: Past) -> None:
    old = datetime.now(UTC) - timedelta(days=3)
    past.start(booking(started=old, since=old))
    assert (
        json.loads(run(past, "total: {servers: 0}", "--days", "2", "--json").stdout)["allowed"] == 0
    )


def test_a_file_with_errors_is_told_as_lint_does(past: Past) -> None:
    recent(past)
    result = run(past, "each_user:\n  servers: 2\n  memroy: 4G\n")
    assert result.exit_code == 1
    assert "new.yaml:3:3: error" in result.output
    assert "memory" in result.output


def test_limits_under_which_nobody_could_start_a_size_are_told(past: Past) -> None:
    recent(past)
    result = run(past, "each_user: {cpu: 0.5}\n")
    assert result.exit_code == 0
    assert "Nobody can start the size" in result.output


def test_what_cannot_be_read_is_no_result(past: Past) -> None:
    missing = CliRunner().invoke(command, [str(past.path.with_name("no.yaml"))])
    assert missing.exit_code == 2
    assert "can't be read" in missing.output
