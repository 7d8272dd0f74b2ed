"""The account: what is held and what was used, as it would be worked out from all that ran."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from tests.hub.accounts import GIB, NOON, Ledger, booking

from baton_hub.account import Account
from baton_hub.amount import Amount
from baton_hub.booking import Booking, load_booking
from baton_hub.hours import PERIODS, Hours, Period, hours_between, period_start

USERS = ("ada", "bob", "eve")
GROUPS = ("data-science", "deep-learning")
CPUS = (0.1, 0.3, 0.7, 2, 4)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("period", "now", "first"),
    [
        ("day", datetime(2026, 11, 18, 0, 0, tzinfo=UTC), datetime(2026, 11, 18, tzinfo=UTC)),
        ("day", datetime(2026, 11, 17, 23, 59, 59, tzinfo=UTC), datetime(2026, 11, 17, tzinfo=UTC)),
        ("week", datetime(2026, 11, 16, 0, 0, tzinfo=UTC), datetime(2026, 11, 16, tzinfo=UTC)),
        ("week", datetime(2026, 11, 15, 23, 59, tzinfo=UTC), datetime(2026, 11, 9, tzinfo=UTC)),
        ("week", datetime(2027, 1, 1, 9, tzinfo=UTC), datetime(2026, 12, 28, tzinfo=UTC)),
        ("month", datetime(2028, 2, 29, 23, tzinfo=UTC), datetime(2028, 2, 1, tzinfo=UTC)),
        ("month", datetime(2026, 12, 31, 23, 59, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)),
    ],
)
def test_periods_begin_at_midnight_in_utc(period: Period, now: datetime, first: datetime) -> None:
    assert period_start(period, now) == first


def test_a_period_is_that_of_utc_and_not_of_the_clocks_zone() -> None:
    late = datetime.fromisoformat("2026-12-01T01:00:00+02:00")
    assert period_start("month", late) == datetime(2026, 11, 1, tzinfo=UTC)
    assert period_start("day", late) == datetime(2026, 11, 30, tzinfo=UTC)


def act(random: Random, account: Account, ledger: Ledger, now: datetime) -> None:
    """Do one thing that a Hub does, to both."""
    key = (random.choice(USERS), random.choice(("", "second")))
    what = random.random()
    if what < 0.5:
        gpus = {"nvidia.com/gpu": 1} if random.random() < 0.3 else {}
        amount = Amount(1, random.choice(CPUS), random.randrange(1, 9) * GIB, gpus)
        groups = [group for group in GROUPS if random.random() < 0.6]
        made = booking(*key, groups=groups, amount=amount, since=now)
        account.release(key, now)
        end(ledger, key, now)
        account.book(made)
        ledger.running[key] = made
    elif what < 0.75:
        started = account.start(key, now)
        if started is not None:
            ledger.running[key] = started
    else:
        account.release(key, now)
        end(ledger, key, now)


def end(ledger: Ledger, key: tuple[str, str], now: datetime) -> None:
    known = ledger.running.pop(key, None)
    if known is not None:
        ledger.ended.append((known, now))


@pytest.mark.parametrize("seed", range(12))
def test_any_sequence_leaves_what_a_naive_sum_over_all_of_it_does(seed: int) -> None:
    random, account, ledger = Random(seed), Account(), Ledger()
    now = datetime(2026, 11, 26, 20, tzinfo=UTC)  # Over the end of a week, a month and a year.
    for _ in range(150):
        now += timedelta(minutes=random.choice((1, 7, 50, 600)))
        act(random, account, ledger, now)
        check(account, ledger, now)
    assert len(account) == len(ledger.running)


def check(account: Account, ledger: Ledger, now: datetime) -> None:
    assert account.total == ledger.held()
    for user in USERS:
        assert account.of_user(user) == ledger.held(user)
    for group in GROUPS:
        assert account.of_group(group) == ledger.held(group=group)
        shares = {user: ledger.held(user, group) for user in USERS}
        assert account.members(group) == {u: a for u, a in shares.items() if a.servers}
    for period in PERIODS:
        same(account.spent_in_total(period, now), ledger.spent(period, now))
        for user in USERS:
            same(account.spent_by_user(user, period, now), ledger.spent(period, now, user))
        for group in GROUPS:
            same(account.spent_by_group(group, period, now), ledger.spent(period, now, group=group))
            for user, hours in account.spent_by_members(group, period, now).items():
                same(hours, ledger.spent(period, now, user, group))


def same(found: Hours, wanted: Hours) -> None:
    assert (found.cpu, found.gpu) == pytest.approx((wanted.cpu, wanted.gpu), abs=1e-9)


def test_sums_of_tenths_come_back_to_nothing() -> None:
    account = Account()
    for number in range(30):
        account.book(booking(server=str(number), amount=Amount(1, 0.1, GIB)))
    assert account.total.cpu == 3
    for number in range(30):
        account.release(("ada", str(number)), NOON)
    assert account.total == account.of_user("ada") == account.of_group("data-science") == Amount()


def test_a_running_server_counts_from_the_beginning_of_the_period() -> None:
    midnight = NOON.replace(hour=0)
    account = Account([booking(amount=Amount(1, 2, GIB), started=midnight - 10 * HOUR)])
    assert account.spent_by_user("ada", "day", midnight + HOUR) == Hours(2, 0)
    assert account.spent_by_user("ada", "week", midnight + HOUR) == Hours(22, 0)
    assert account.spent_by_user("ada", "day", midnight) == Hours(0, 0)


def test_a_server_that_only_starts_holds_its_amount_and_uses_no_hours() -> None:
    account = Account([booking()])
    assert account.total.servers == 1
    assert account.spent_in_total("day", NOON + HOUR) == Hours()
    account.release(("ada", ""), NOON + HOUR)
    assert account.spent_in_total("day", NOON + HOUR) == Hours()


def test_gpus_of_every_kind_are_counted_apart_and_their_hours_together() -> None:
    amount = Amount(1, 1, GIB, {"nvidia.com/gpu": 2, "amd.com/gpu": 1})
    account = Account([booking(amount=amount, started=NOON)])
    assert account.total.of("nvidia.com/gpu") == 2
    assert account.total.of("amd.com/gpu") == 1
    assert account.spent_in_total("day", NOON + HOUR).gpu == 3


def test_clocks_that_go_back_take_no_hours_away() -> None:
    account = Account([booking(started=NOON)])
    assert account.spent_in_total("day", NOON - HOUR) == Hours()
    account.release(("ada", ""), NOON - HOUR)
    assert account.spent_in_total("day", NOON) == Hours()
    assert hours_between(Amount(1, 4), NOON, NOON - HOUR) == Hours()


def test_hours_of_another_account_are_added_as_far_as_their_periods_still_run() -> None:
    before, now = Account(), Account([booking("bob", started=NOON)])
    yesterday = booking(started=NOON - 20 * HOUR)
    before.spend(yesterday, NOON - 20 * HOUR, NOON - 19 * HOUR)
    now.spend_as(before)
    now.release(("bob", ""), NOON + HOUR)
    assert now.spent_by_group("data-science", "week", NOON + HOUR) == Hours(2, 0)
    assert now.spent_by_members("data-science", "week", NOON + HOUR) == {
        "ada": Hours(1, 0),
        "bob": Hours(1, 0),
    }
    assert now.spent_by_group("data-science", "day", NOON + HOUR) == Hours(1, 0)


def test_what_is_written_down_of_a_booking_makes_the_same_booking() -> None:
    amount = Amount(1, 0.5, GIB, {"nvidia.com/gpu": 1})
    made: Booking = booking(amount=amount, started=NOON)
    assert load_booking(made.state()) == made
