"""Quotas and budgets: the strictest limit holds, and its refusal says why."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

import pytest
from tests.hub.accounts import GIB, NOON, Ledger, booking

from baton_hub.account import Account
from baton_hub.amount import Amount
from baton_hub.booking import Booking
from baton_hub.catalog import Catalog, Limits, Quotas
from baton_hub.catalog.quotas import Budget, GroupLimits
from baton_hub.policy import ServerSpec, resolve
from baton_hub.quota import Bound, admit, bounds, left

HOUR = timedelta(hours=1)
GPU = "nvidia.com/gpu"
TODAY = NOON.date()
DATA_SCIENCE = frozenset({"data-science"})


def spec(catalog: Catalog, user: str = "ada", size: str = "medium") -> ServerSpec:
    """Return a server of 2 CPUs and 4 GB."""
    choice = {"profile": "scikit-learn", "size": size}
    return resolve(catalog, user, ["data-science"], choice, today=TODAY)


def group(**limits: object) -> Quotas:
    return Quotas(groups={"data-science": GroupLimits.model_validate(limits)})


@pytest.mark.parametrize(
    ("quotas", "held", "code"),
    [
        (Quotas(), [booking(server=str(number)) for number in range(100)], None),
        (Quotas(each_user=Limits(servers=1)), [], None),
        (Quotas(each_user=Limits(servers=1)), [booking()], "quota_servers"),
        (Quotas(each_user=Limits(servers=1)), [booking("bob")], None),
        (Quotas(each_user=Limits(cpu=3)), [booking()], None),
        (Quotas(each_user=Limits(cpu=2.5)), [booking()], "quota_cpu"),
        (Quotas(each_user=Limits(memory=4 * GIB)), [booking()], "quota_memory"),
        (Quotas(each_user=Limits(gpus={GPU: 0})), [booking()], None),
        (group(servers=2), [booking("bob")], None),
        (group(servers=2), [booking("bob"), booking("eve")], "quota_servers"),
        (Quotas(groups={"other": GroupLimits(servers=0)}), [], None),
        (Quotas(total=Limits(servers=1)), [booking("bob", groups=())], "quota_servers"),
        (Quotas(each_user=Limits(servers=0), users={"ada": Limits(servers=1)}), [], None),
        (Quotas(each_user=Limits(cpu=1), users={"ada": Limits(servers=9)}), [], "quota_cpu"),
    ],
)
def test_a_limit_that_would_be_broken_decides(
    catalog: Catalog, quotas: Quotas, held: list[Booking], code: str | None
) -> None:
    decision = admit(spec(catalog), Account(held), quotas, NOON)
    assert decision.allowed == (code is None)
    assert code is None or decision.refusal().code == code


def test_tenths_of_cpus_fill_a_limit_to_the_brim(catalog: Catalog) -> None:
    """0.1 and 0.2 are more than 0.3 in floating point, and not as a quota."""
    held = [booking(server="a", amount=Amount(1, 0.1)), booking(server="b", amount=Amount(1, 0.2))]
    assert admit(spec(catalog), Account(held), Quotas(each_user=Limits(cpu=2.3)), NOON).allowed


def test_gpus_are_limited_by_kind(catalog: Catalog) -> None:
    choice = {"profile": "pytorch-gpu", "size": "one-gpu"}
    wanted = resolve(catalog, "ada", ["deep-learning"], choice, today=TODAY)
    held = Account([booking(amount=Amount(1, 1, GIB, {"amd.com/gpu": 4}))])
    assert admit(wanted, held, Quotas(total=Limits(gpus={GPU: 1})), NOON).allowed
    refused = admit(wanted, held, Quotas(total=Limits(gpus={GPU: 0, "amd.com/gpu": 0})), NOON)
    assert [bound.resource for bound in refused.exceeded] == [GPU]
    assert refused.refusal().code == "quota_gpu"


def test_the_limit_that_leaves_the_least_room_is_the_one_reported(catalog: Catalog) -> None:
    """Left are 1 of 2 CPUs of one's own, 1 of 4 GB of the group's, and no server in total."""
    quotas = Quotas(
        each_user=Limits(cpu=2),
        groups={"data-science": GroupLimits(memory=2 * GIB)},
        total=Limits(servers=9),
    )
    decision = admit(spec(catalog), Account([booking()]), quotas, NOON)
    assert [bound.scope for bound in decision.exceeded] == ["group", "user"]
    assert decision.refusal().code == "quota_memory"
    quotas = quotas.model_copy(update={"total": Limits(servers=1)})
    decision = admit(spec(catalog), Account([booking()]), quotas, NOON)
    assert [bound.scope for bound in decision.exceeded] == ["total", "group", "user"]


def test_of_limits_that_leave_the_same_ones_own_is_reported_then_groups_by_name(
    catalog: Catalog,
) -> None:
    choice = {"profile": "scikit-learn"}
    everywhere = resolve(catalog, "ada", ["z", "a", "data-science"], choice, today=TODAY)
    nothing = GroupLimits(servers=0)
    groups = {"z": nothing, "a": nothing}
    quotas = Quotas(each_user=Limits(servers=0), groups=groups, total=Limits(servers=0))
    decision = admit(everywhere, Account(), quotas, NOON)
    order = [(bound.scope, bound.name) for bound in decision.exceeded]
    assert order == [("user", "ada"), ("group", "a"), ("group", "z"), ("total", "")]


def test_a_refusal_says_which_limit_and_how_much_of_it_is_used(catalog: Catalog) -> None:
    held = Account([booking(amount=Amount(1, 1, 6 * GIB))])
    error = admit(spec(catalog), held, Quotas(each_user=Limits(memory=8 * GIB)), NOON).refusal()
    assert error.message == (
        "Scikit-learn (medium) does not fit: you may use 8 GB memory at once, and 6 GB memory in"
        " use already. Stop a server that you do not need, or choose a smaller size."
    )
    assert error.details == {"scope": "user", "limit": 8 * GIB, "used": 6 * GIB}


def test_no_smaller_size_is_advised_where_servers_are_counted(catalog: Catalog) -> None:
    held = Account([booking("bob")])
    mine = admit(spec(catalog), Account([booking()]), Quotas(each_user=Limits(servers=1)), NOON)
    assert mine.refusal().message.endswith("already. Stop a server that you do not need.")
    theirs = admit(spec(catalog), held, group(servers=1), NOON).refusal().message
    assert theirs.endswith("(bob 1 server). Ask them to stop a server that they do not need.")


def test_of_what_nobody_may_use_no_wait_and_no_stop_makes_room(catalog: Catalog) -> None:
    held = Account([booking()])
    none = admit(spec(catalog), held, Quotas(each_user=Limits(servers=0)), NOON).refusal()
    assert none.message.endswith("Ask for a larger limit.")
    spent = admit(spec(catalog), held, Quotas(each_user=budget("day", cpu_hours=0)), NOON).refusal()
    assert spent.message.endswith("Ask for a larger budget.")


def test_a_groups_refusal_names_who_uses_it_most_first(catalog: Catalog) -> None:
    held = [
        booking(user, amount=Amount(1, cpu)) for user, cpu in zip("bcde", (1, 3, 2, 1), strict=True)
    ]
    error = admit(spec(catalog), Account(held), group(cpu=8), NOON).refusal()
    assert (
        "the group data-science may use 8 CPUs at once, and 7 CPUs in use already"
        " (c 3 CPUs, d 2 CPUs, b 1 CPU, …). Choose a smaller size, or ask them"
    ) in error.message


def test_nobody_is_named_who_is_in_no_group_of_ones_own(catalog: Catalog) -> None:
    """Neither those of another group, nor anybody who counts against the total."""
    quotas = Quotas(
        groups={"data-science": GroupLimits(cpu=1), "secret": GroupLimits(cpu=1)},
        total=Limits(servers=1, budget=Budget(period="day", cpu_hours=0)),
    )
    held = Account([booking("mallory", groups=["secret"], started=NOON - HOUR)])
    decision = admit(spec(catalog), held, quotas, NOON)
    assert {bound.scope for bound in decision.exceeded} == {"group", "total"}
    assert not any(bound.holders for bound in decision.exceeded)
    assert not any(b.holders for b in bounds(quotas, "ada", DATA_SCIENCE, held, NOON))


def test_a_server_that_is_replaced_counts_only_where_it_was_counted(catalog: Catalog) -> None:
    """It was decided when its owner was not in the group yet: it leaves no room there."""
    old = booking(groups=())
    held = Account([old, booking("bob")])
    quotas = Quotas(each_user=Limits(servers=1), groups={"data-science": GroupLimits(servers=1)})
    assert [b.scope for b in admit(spec(catalog), held, quotas, NOON, without=old).exceeded] == [
        "group"
    ]
    in_group = booking()
    held = Account([in_group, booking("bob")])
    quotas = Quotas(each_user=Limits(servers=1), groups={"data-science": GroupLimits(servers=2)})
    assert admit(spec(catalog), held, quotas, NOON, without=in_group).allowed
    assert not admit(spec(catalog), held, quotas, NOON).allowed


def budget(period: str, **hours: float) -> Limits:
    return Limits.model_validate({"budget": {"period": period, **hours}})


@pytest.mark.parametrize(
    "quotas",
    [
        Quotas(each_user=budget("day", cpu_hours=4)),
        Quotas(each_user=budget("day", cpu_hours=99), users={"ada": budget("day", cpu_hours=4)}),
        Quotas(groups={"data-science": GroupLimits(budget=Budget(period="day", cpu_hours=4))}),
        Quotas(total=budget("day", cpu_hours=4)),
    ],
    ids=["each_user", "users", "groups", "total"],
)
def test_a_budget_of_every_scope_holds_from_the_moment_that_it_is_used_up(
    catalog: Catalog, quotas: Quotas
) -> None:
    started = NOON - HOUR
    held = Account([booking(amount=Amount(1, 2, GIB), started=started)])
    wanted = spec(catalog)
    assert admit(wanted, held, quotas, started + 2 * HOUR - timedelta(seconds=1)).allowed
    decision = admit(wanted, held, quotas, started + 2 * HOUR)
    assert decision.refusal().code == "budget_cpu"
    tomorrow = NOON.replace(hour=0) + timedelta(days=1)
    held.release(("ada", ""), started + 2 * HOUR)
    assert not admit(wanted, held, quotas, tomorrow - timedelta(seconds=1)).allowed
    assert admit(wanted, held, quotas, tomorrow).allowed


def test_a_used_up_gpu_budget_stops_only_what_takes_gpus(catalog: Catalog) -> None:
    quotas = Quotas(each_user=budget("month", gpu_hours=1))
    held = Account([booking(server="x", amount=Amount(1, 1, GIB, {GPU: 1}), started=NOON - HOUR)])
    assert admit(spec(catalog), held, quotas, NOON).allowed
    choice = {"profile": "pytorch-gpu"}
    wanted = resolve(catalog, "ada", ["deep-learning"], choice, today=TODAY)
    error = admit(wanted, held, quotas, NOON).refusal()
    assert error.code == "budget_gpu"
    assert "you may use 1 GPU hour a month, and 1 GPU hour is used" in error.message
    assert error.message.endswith("Ask for a larger budget, or wait for the next month.")


def test_a_groups_budget_names_who_used_it(catalog: Catalog) -> None:
    held = Account([booking("bob", started=NOON - 3 * HOUR), booking("eve", started=NOON - HOUR)])
    held.release(("bob", ""), NOON)
    quotas = group(budget={"period": "week", "cpu_hours": 4})
    error = admit(spec(catalog), held, quotas, NOON).refusal()
    assert "4 CPU hours are used (bob 3 CPU hours, eve 1 CPU hour)" in error.message


def test_what_is_left_is_that_of_the_strictest_limit_with_its_scope() -> None:
    quotas = Quotas(
        each_user=Limits(servers=3, cpu=4),
        groups={"data-science": GroupLimits(cpu=3, budget=Budget(period="day", cpu_hours=8))},
        total=Limits(servers=3, memory=8 * GIB),
    )
    held = Account([booking("bob", started=NOON - HOUR)])
    found = left(bounds(quotas, "ada", DATA_SCIENCE, held, NOON))
    assert {resource: (bound.scope, bound.left) for resource, bound in found.items()} == {
        "servers": ("total", 2),
        "cpu": ("group", 2),
        "memory": ("total", 7 * GIB),
        "cpu_hours": ("group", 7),
    }


def test_more_in_use_than_a_lowered_limit_leaves_nothing_and_not_less() -> None:
    assert Bound("user", "ada", "cpu", 2, 5).left == 0


def random_quotas(random: Random) -> Quotas:
    def limits() -> dict[str, object]:
        every: dict[str, object] = {
            "servers": random.randrange(6),
            "cpu": random.choice((0.3, 1, 2.5, 6)),
            "memory": random.randrange(1, 20) * GIB,
            "gpus": {GPU: random.randrange(3)},
            "budget": {
                "period": random.choice(("day", "week", "month")),
                "cpu_hours": random.choice((1, 8, 40)),
                "gpu_hours": random.choice((0, 2)),
            },
        }
        return {key: value for key, value in every.items() if random.random() < 0.4}

    return Quotas.model_validate(
        {
            "each_user": limits(),
            "users": {"ada": limits()},
            "groups": {"data-science": limits(), "deep-learning": limits()},
            "total": limits(),
        }
    )


def naive(wanted: ServerSpec, ledger: Ledger, quotas: Quotas, now: datetime) -> bool:
    """Decide by adding everything up, limit by limit."""
    scopes = [(quotas.for_user(wanted.user), {"user": wanted.user}), (quotas.total, {})]
    scopes += [(quotas.groups[g], {"group": g}) for g in wanted.groups & quotas.groups.keys()]
    amount = wanted.amount
    for limits, whose in scopes:
        held = ledger.held(**whose) + amount
        kinds = [kind for kind in limits.gpus if amount.of(kind)]
        tops = {"servers": limits.servers, "cpu": limits.cpu, "memory": limits.memory}
        tops |= {kind: limits.gpus[kind] for kind in kinds}
        if any(top is not None and held.of(name) > top + 1e-9 for name, top in tops.items()):
            return False
        if limits.budget is not None:
            used = ledger.spent(limits.budget.period, now, **whose)
            if limits.budget.cpu_hours is not None and used.cpu >= limits.budget.cpu_hours:
                return False
            top = limits.budget.gpu_hours
            if amount.gpus and top is not None and used.gpu >= top:
                return False
    return True


@pytest.mark.parametrize("seed", range(40))
def test_decisions_are_those_of_a_naive_sum_over_everything(catalog: Catalog, seed: int) -> None:
    random = Random(seed)
    quotas, account, ledger, now = random_quotas(random), Account(), Ledger(), NOON
    for _ in range(80):
        now += timedelta(minutes=random.choice((3, 31, 400)), seconds=random.random())
        user, server = random.choice(("ada", "bob")), random.choice("abc")
        if random.random() < 0.4:
            account.release((user, server), now)
            ended = ledger.running.pop((user, server), None)
            if ended is not None:
                ledger.ended.append((ended, now))
            continue
        groups = [g for g in ("data-science", "deep-learning") if random.random() < 0.7]
        gpus = {GPU: 1} if random.random() < 0.3 else {}
        amount = Amount(1, random.choice((0.1, 0.2, 1)), random.randrange(1, 5) * GIB, gpus)
        wanted = ServerSpec(user, frozenset(groups), "p", "P", "s", "", "", amount, "r")
        if (user, server) in ledger.running:
            continue
        allowed = admit(wanted, account, quotas, now).allowed
        assert allowed == naive(wanted, ledger, quotas, now)
        if allowed:
            one = booking(user, server, groups, amount, started=now, since=now)
            account.book(one)
            ledger.running[one.key] = one
