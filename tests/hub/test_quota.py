"""Quotas: the strictest limit holds, exactly, also when many ask at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from baton_hub.spawner.reservations import Reservations

from baton_contract import PublicError
from baton_hub.catalog import Catalog, Limits, Quotas
from baton_hub.policy import ServerSpec, resolve
from baton_hub.quota import Amount, Use, admit

GIB = 1024**3


def spec(catalog: Catalog, user: str = "ada", size: str = "medium") -> ServerSpec:
    return resolve(catalog, user, ["data-science"], {"profile": "scikit-learn", "size": size})


def use(user: str = "ada", cpu: float = 1, memory: int = GIB) -> Use:
    return Use(user, frozenset({"data-science"}), Amount(1, cpu, memory, 0))


@pytest.mark.parametrize(
    ("quotas", "usage", "code"),
    [
        (Quotas(), [use()] * 100, None),
        (Quotas(each_user=Limits(servers=1)), [], None),
        (Quotas(each_user=Limits(servers=1)), [use()], "quota_servers"),
        (Quotas(each_user=Limits(servers=1)), [use("bob")], None),
        (Quotas(each_user=Limits(cpu=3)), [use()], None),
        (Quotas(each_user=Limits(cpu=2.5)), [use()], "quota_cpu"),
        (Quotas(each_user=Limits(memory=4 * GIB)), [use()], "quota_memory"),
        (Quotas(each_user=Limits(gpu=0)), [use()], None),
        (Quotas(groups={"data-science": Limits(servers=2)}), [use("bob")], None),
        (Quotas(groups={"data-science": Limits(servers=2)}), [use("bob")] * 2, "quota_servers"),
        (Quotas(groups={"other": Limits(servers=0)}), [], None),
        (Quotas(total=Limits(servers=1)), [use("bob")], "quota_servers"),
        (Quotas(each_user=Limits(servers=0), users={"ada": Limits(servers=1)}), [], None),
        (Quotas(each_user=Limits(cpu=1), users={"ada": Limits(servers=9)}), [], "quota_cpu"),
    ],
)
def test_the_strictest_limit_decides(
    catalog: Catalog, quotas: Quotas, usage: list[Use], code: str | None
) -> None:
    decision = admit(spec(catalog), usage, quotas)
    assert decision.allowed == (code is None)
    assert code is None or decision.refusal().code == code


def test_a_refusal_says_which_limit_and_how_much_of_it_is_used(catalog: Catalog) -> None:
    decision = admit(spec(catalog), [use(memory=6 * GIB)], Quotas(each_user=Limits(memory=8 * GIB)))
    assert "8 GB memory at once, and 6 GB memory in use already" in decision.refusal().message


def test_a_hundred_starts_at_once_pass_no_limit(catalog: Catalog) -> None:
    """Of 100 people who start at the same time against a limit of 7, exactly 7 get a server."""
    reservations = Reservations()
    quotas = Quotas(total=Limits(servers=7))

    def start(number: int) -> bool:
        try:
            reservations.reserve("", spec(catalog, f"user-{number}"), quotas)
        except PublicError:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(start, range(100))) == 7
    assert len(reservations.uses()) == 7


def test_a_booking_is_taken_back_once_however_often_it_is_released(catalog: Catalog) -> None:
    reservations = Reservations()
    quotas = Quotas(total=Limits(servers=1))
    reservations.reserve("", spec(catalog), quotas)
    reservations.reserve("", spec(catalog, size="small"), quotas)  # the same server again
    with pytest.raises(PublicError):
        reservations.reserve("second", spec(catalog), quotas)
    reservations.release("ada", "")
    reservations.release("ada", "")
    reservations.reserve("second", spec(catalog), quotas)


def test_what_ran_before_a_restart_counts(catalog: Catalog) -> None:
    reservations = Reservations()
    reservations.restore("", use())
    with pytest.raises(PublicError, match="1 server at once"):
        reservations.reserve("second", spec(catalog), Quotas(each_user=Limits(servers=1)))
