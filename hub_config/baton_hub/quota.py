"""Whether a server still fits within quotas and budgets. Pure: no I/O, no Hub."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from baton_contract import ForbiddenError
from baton_hub.account import Account
from baton_hub.amount import Amount, render_amount
from baton_hub.catalog.quotas import Budget, Limits, Quotas
from baton_hub.policy import ServerSpec


@dataclass(frozen=True)
class Bound:
    """One limit that applies to a person, and how much of it is used."""

    scope: str
    """``user``, ``group`` or ``total``."""
    name: str
    """The person's or the group's name; empty for the total."""
    resource: str
    """``servers``, ``cpu``, ``memory``, a kind of GPU, ``cpu_hours`` or ``gpu_hours``."""
    limit: float
    used: float
    period: str = ""
    """``day``, ``week`` or ``month`` for a budget; empty for what is held at once."""
    holders: tuple[tuple[str, float], ...] = ()
    """Who of the person's own group holds how much, most first."""

    @property
    def left(self) -> float:
        """What may still be taken, never below nothing."""
        return max(self.limit - self.used, 0)

    def stops(self, wanted: Amount) -> bool:
        """Tell whether the limit would be broken; what takes nothing of a resource can't.

        A budget stops a server when it is used up: how long the server will run is not known.
        """
        if self.period:
            amount = wanted.cpu if self.resource == "cpu_hours" else wanted.gpu
            return amount > 0 and self.used >= self.limit
        amount = wanted.of(self.resource)
        return amount > 0 and self.used + amount > self.limit

    @property
    def code(self) -> str:
        """The refusal's stable code: ``quota_gpu`` for every kind of GPU, ``budget_cpu`` …"""
        if self.period:
            return f"budget_{self.resource.removesuffix('_hours')}"
        return f"quota_{'gpu' if '/' in self.resource else self.resource}"


@dataclass(frozen=True)
class Decision:
    """Whether a server may start. ``exceeded`` holds every limit that it would break."""

    spec: ServerSpec
    exceeded: tuple[Bound, ...] = ()

    @property
    def allowed(self) -> bool:
        """Tell whether no limit stands against it."""
        return not self.exceeded

    def refusal(self) -> ForbiddenError:
        """Return the refusal as the person reads it: which limit, how much is used, what to do."""
        bound = self.exceeded[0]
        what_to_do = (
            "Ask for a larger budget, or wait for the next period."
            if bound.period
            else "Stop a server that you do not need, or choose a smaller size."
        )
        return ForbiddenError(
            bound.code,
            f"{self.spec.title} ({self.spec.size}) does not fit: {render_bound(bound)}."
            f" {what_to_do}",
            scope=bound.scope,
            limit=bound.limit,
            used=bound.used,
        )


def bounds(
    quotas: Quotas,
    user: str,
    groups: frozenset[str],
    account: Account,
    now: datetime,
    *,
    without: Amount | None = None,
) -> tuple[Bound, ...]:
    """Return every limit that applies to a person, with what is used of it at ``now``.

    ``without`` is the amount of a server of the person's own that does not count,
    because it would be replaced.
    """
    less = without or Amount()
    limits = quotas.for_user(user)
    found = list(_quotas("user", user, limits, account.of_user(user) - less))
    if limits.budget:
        found += _budgets("user", user, limits.budget, account, now)
    for group in sorted(groups & quotas.groups.keys()):
        found += group_bounds(quotas, group, account, now, without=less)
    found += total_bounds(quotas, account, without=less)
    return tuple(found)


def group_bounds(
    quotas: Quotas, group: str, account: Account, now: datetime, *, without: Amount | None = None
) -> tuple[Bound, ...]:
    """Return the limits of a group that has any in ``quotas``, with what its members use."""
    limits, held = quotas.groups[group], account.members(group)
    found = list(
        _quotas("group", group, limits, account.of_group(group) - (without or Amount()), held)
    )
    if limits.budget:
        found += _budgets("group", group, limits.budget, account, now)
    return tuple(found)


def total_bounds(
    quotas: Quotas, account: Account, *, without: Amount | None = None
) -> tuple[Bound, ...]:
    """Return the limits for everybody together, with what is used of them."""
    return tuple(_quotas("total", "", quotas.total, account.total - (without or Amount())))


def admit(
    spec: ServerSpec,
    account: Account,
    quotas: Quotas,
    now: datetime,
    *,
    without: Amount | None = None,
) -> Decision:
    """Decide whether a server may start beside what runs already; the strictest limit holds.

    ``without``: see `bounds`.
    """
    found = bounds(quotas, spec.user, spec.groups, account, now, without=without)
    return Decision(spec, tuple(bound for bound in found if bound.stops(spec.amount)))


def _quotas(
    scope: str, name: str, limits: Limits, used: Amount, held: dict[str, Amount] | None = None
) -> Iterator[Bound]:
    wanted: dict[str, float | None] = {
        "servers": limits.servers,
        "cpu": limits.cpu,
        "memory": limits.memory,
        **limits.gpus,
    }
    for resource, limit in wanted.items():
        if limit is not None:
            shares = [(who, amount.of(resource)) for who, amount in (held or {}).items()]
            holders = tuple(sorted((s for s in shares if s[1]), key=lambda s: (-s[1], s[0])))
            yield Bound(scope, name, resource, limit, used.of(resource), holders=holders)


def _budgets(
    scope: str, name: str, budget: Budget, account: Account, now: datetime
) -> Iterator[Bound]:
    spent = account.spent_by_user if scope == "user" else account.spent_by_group
    used = spent(name, budget.period, now)
    wanted = {"cpu_hours": (budget.cpu_hours, used.cpu), "gpu_hours": (budget.gpu_hours, used.gpu)}
    for resource, (limit, hours) in wanted.items():
        if limit is not None:
            yield Bound(scope, name, resource, limit, hours, budget.period)


def render_bound(bound: Bound) -> str:
    """Return in words what a limit is, how much of it is used, and by whom of one's own group."""
    whose = {
        "user": "you may use",
        "group": f"the group {bound.name} may use",
        "total": "everybody together may use",
    }[bound.scope]
    if bound.period:
        kind = "CPU" if bound.resource == "cpu_hours" else "GPU"
        used = f"{bound.used:.4g}" if bound.used else "none"
        return f"{whose} {bound.limit:g} {kind} hours a {bound.period}, and {used} are used"
    text = f"{whose} {render_amount(bound.resource, bound.limit)} at once"
    if not bound.used:
        return text
    text = f"{text}, and {render_amount(bound.resource, bound.used)} in use already"
    by = ", ".join(
        f"{who} {render_amount(bound.resource, amount)}" for who, amount in bound.holders[:3]
    )
    return f"{text} ({by}{', …' if len(bound.holders) > 3 else ''})" if by else text
