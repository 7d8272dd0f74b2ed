"""Reservations: limits hold however many ask at once; nothing leaks; a new Hub knows the old's."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from tests.hub.accounts import NOON, booking

from baton_contract import PublicError
from baton_hub.booking import Booking
from baton_hub.catalog import Catalog, Limits, Quotas
from baton_hub.catalog.quotas import Budget
from baton_hub.policy import ServerSpec, resolve
from baton_hub.reservations import Reservations

HOUR = timedelta(hours=1)
DATA_SCIENCE = frozenset({"data-science"})


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def spec(catalog: Catalog, user: str = "ada", size: str = "medium") -> ServerSpec:
    choice = {"profile": "scikit-learn", "size": size}
    return resolve(catalog, user, ["data-science"], choice, today=NOON.date())


def reserve(
    reservations: Reservations, wanted: ServerSpec, quotas: Quotas, server: str = ""
) -> Booking:
    return reservations.reserve(server, wanted, quotas, 0)


def test_of_a_hundred_starts_at_once_against_a_limit_of_seven_seven_are_admitted(
    catalog: Catalog,
) -> None:
    reservations, quotas = Reservations(), Quotas(total=Limits(servers=7))

    def start(number: int) -> str:
        try:
            reserve(reservations, spec(catalog, f"user-{number}"), quotas)
        except PublicError as error:
            return error.code
        return "ok"

    with ThreadPoolExecutor(16) as pool:
        assert Counter(pool.map(start, range(100))) == {"ok": 7, "quota_servers": 93}
    assert len(reservations.bookings()) == 7


def test_a_booking_is_taken_back_once_however_often_it_is_released(catalog: Catalog) -> None:
    reservations, quotas = Reservations(), Quotas(total=Limits(servers=1))
    reserve(reservations, spec(catalog), quotas)
    reserve(reservations, spec(catalog, size="small"), quotas)  # the same server again
    with pytest.raises(PublicError):
        reserve(reservations, spec(catalog), quotas, "second")
    assert reservations.release(("ada", "")) is not None
    assert reservations.release(("ada", "")) is None
    reserve(reservations, spec(catalog), quotas, "second")


def test_who_releases_late_does_not_take_back_what_came_after(catalog: Catalog) -> None:
    reservations = Reservations()
    first = reserve(reservations, spec(catalog), Quotas())
    second = reserve(reservations, spec(catalog), Quotas())
    assert reservations.release(first.key, only=first.id) is None
    assert reservations.get(("ada", "")) == second
    assert reservations.release(second.key, only=second.id) == second


def test_a_refused_start_leaves_what_was_there_untouched(catalog: Catalog) -> None:
    reservations = Reservations()
    kept = reserve(reservations, spec(catalog, size="small"), Quotas())
    with pytest.raises(PublicError):
        reserve(reservations, spec(catalog, size="large"), Quotas(each_user=Limits(cpu=1)))
    assert reservations.bookings() == (kept,)


def test_what_ran_before_a_restart_counts_and_is_not_asked(catalog: Catalog) -> None:
    reservations, quotas = Reservations(), Quotas(each_user=Limits(servers=1))
    for server in ("a", "b"):
        reservations.restore(booking(server=server))
    with pytest.raises(PublicError, match="1 server at once, and 2 servers in use"):
        reserve(reservations, spec(catalog), quotas, "second")


def test_hours_count_from_the_start_and_outlive_the_server(catalog: Catalog) -> None:
    clock = Clock()
    reservations = Reservations(clock)
    quotas = Quotas(each_user=Limits(budget=Budget(period="day", cpu_hours=3)))
    reserve(reservations, spec(catalog), quotas)  # 2 CPUs
    clock.now += HOUR  # Waiting for it costs nothing.
    reservations.start(("ada", ""))
    clock.now += HOUR
    assert [b.used for b in reservations.bounds(quotas, "ada", DATA_SCIENCE)] == [2]
    reservations.release(("ada", ""))
    clock.now += HOUR
    assert [b.used for b in reservations.bounds(quotas, "ada", DATA_SCIENCE)] == [2]
    reserve(reservations, spec(catalog, size="small"), quotas)
    reservations.start(("ada", ""))
    clock.now += HOUR
    with pytest.raises(PublicError, match="3 CPU hours are used") as caught:
        reserve(reservations, spec(catalog, size="small"), quotas, "second")
    assert caught.value.code == "budget_cpu"
