"""Whether a server still fits within quotas and budgets. Pure: no I/O, no Hub."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from math import floor
from typing import Literal

from baton_contract import ForbiddenError
from baton_hub.account import Account
from baton_hub.amount import Amount, render_amount
from baton_hub.booking import Booking
from baton_hub.catalog.quotas import Limits, Quotas
from baton_hub.hours import Hours, Period
from baton_hub.policy import ServerSpec

DUST = 1e-6
"""What sums of tenths may be off by."""


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
    period: Period | Literal[""] = ""
    """``day``, ``week`` or ``month`` for a budget; empty for what is held at once."""
    holders: tuple[tuple[str, float], ...] = ()
    """Who of the person's own group holds or used how much, most first."""

    @property
    def left(self) -> float:
        """What may still be taken, never below nothing."""
        return max(self.limit - self.used, 0)

    def takes(self, wanted: Amount) -> float:
        """Return what a server takes of it; of a budget, what it takes in an hour."""
        if self.period:
            return wanted.cpu if self.resource == "cpu_hours" else wanted.gpu
        return wanted.of(self.resource)

    def stops(self, wanted: Amount) -> bool:
        """Tell whether the limit would be broken; what takes nothing of a resource can't.

        A budget stops a server when it is used up: how long the server will run is not known.
        """
        amount = self.takes(wanted)
        if amount <= 0:
            return False
        if self.period:
            return self.used >= self.limit
        return self.used + amount > self.limit + DUST

    def room(self, wanted: Amount) -> float:
        """Return how often what is wanted still fits; of a budget, for how many hours."""
        amount = self.takes(wanted)
        return self.left / amount if amount > 0 else float("inf")

    @property
    def code(self) -> str:
        """The refusal's stable code: ``quota_gpu`` for every kind of GPU, ``budget_cpu`` …"""
        if self.period:
            return f"budget_{self.resource.removesuffix('_hours')}"
        return f"quota_{'gpu' if '/' in self.resource else self.resource}"


@dataclass(frozen=True)
class Decision:
    """Whether a server may start. ``exceeded`` holds every limit that it would break.

    The strictest stands first: the one that leaves the least room for what is wanted.
    Of those that leave the same, the person's own comes before a group's, groups come
    by name, and the total last.
    """

    spec: ServerSpec
    exceeded: tuple[Bound, ...] = ()

    @property
    def allowed(self) -> bool:
        """Tell whether no limit stands against it."""
        return not self.exceeded

    def refusal(self) -> ForbiddenError:
        """Return the refusal as the person reads it: which limit, how much is used, what to do."""
        bound = self.exceeded[0]
        return ForbiddenError(
            bound.code,
            f"{self.spec.title} ({self.spec.size}) does not fit: {render_bound(bound)}."
            f" {_advice(bound, self.spec.user)}",
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
    without: Booking | None = None,
) -> tuple[Bound, ...]:
    """Return every limit that applies to a person, with what is used of it at ``now``.

    ``without`` is a server of the person's own whose amount does not count, because it
    would be replaced; the hours that it used do.
    """
    found = [*_of_user(quotas, user, account, now, without)]
    for group in sorted(groups & quotas.groups.keys()):
        found += group_bounds(quotas, group, account, now, without=without)
    found += total_bounds(quotas, account, now, without=without)
    return tuple(found)


def group_bounds(
    quotas: Quotas, group: str, account: Account, now: datetime, *, without: Booking | None = None
) -> tuple[Bound, ...]:
    """Return the limits of a group that has any in ``quotas``, with what its members use."""
    found = _of_group(quotas, group, account, now, without)
    return tuple(_with_holders(bound, account, now, without) for bound in found)


def total_bounds(
    quotas: Quotas, account: Account, now: datetime, *, without: Booking | None = None
) -> tuple[Bound, ...]:
    """Return the limits for everybody together, with what is used of them."""
    used = account.total - (without.amount if without else Amount())
    budget = quotas.total.budget
    spent = account.spent_in_total(budget.period, now) if budget else Hours()
    return tuple(_limits("total", "", quotas.total, used, spent))


def admit(
    spec: ServerSpec,
    account: Account,
    quotas: Quotas,
    now: datetime,
    *,
    without: Booking | None = None,
) -> Decision:
    """Decide whether a server may start beside what runs already; the strictest limit holds.

    ``without``: see `bounds`.
    """
    found = [*_of_user(quotas, spec.user, account, now, without)]
    for group in sorted(spec.groups & quotas.groups.keys()):
        found += _of_group(quotas, group, account, now, without)
    found += total_bounds(quotas, account, now, without=without)
    exceeded = [bound for bound in found if bound.stops(spec.amount)]
    # The sort is stable: what leaves the same room stays in the order of the scopes.
    exceeded.sort(key=lambda bound: bound.room(spec.amount))
    return Decision(spec, tuple(_with_holders(bound, account, now, without) for bound in exceeded))


def concerning(found: Iterable[Bound], kinds: Collection[str]) -> tuple[Bound, ...]:
    """Return the limits that matter to somebody who can use these kinds of GPU, and no other."""
    usable = {*kinds, "gpu_hours"} if kinds else set()
    about_gpus = ("quota_gpu", "budget_gpu")
    return tuple(b for b in found if b.resource in usable or b.code not in about_gpus)


def left(found: Iterable[Bound]) -> dict[str, Bound]:
    """Return the bound that leaves the least of each resource, in the order of ``found``."""
    strictest: dict[str, Bound] = {}
    for bound in found:
        known = strictest.get(bound.resource)
        if known is None or bound.left < known.left:
            strictest[bound.resource] = bound
    return strictest


def _of_user(
    quotas: Quotas, user: str, account: Account, now: datetime, without: Booking | None
) -> Iterator[Bound]:
    limits = quotas.for_user(user)
    used = account.of_user(user) - (without.amount if without else Amount())
    spent = account.spent_by_user(user, limits.budget.period, now) if limits.budget else Hours()
    return _limits("user", user, limits, used, spent)


def _of_group(
    quotas: Quotas, group: str, account: Account, now: datetime, without: Booking | None
) -> Iterator[Bound]:
    limits = quotas.groups[group]
    used = account.of_group(group) - _part(without, group)
    spent = account.spent_by_group(group, limits.budget.period, now) if limits.budget else Hours()
    return _limits("group", group, limits, used, spent)


def _part(without: Booking | None, group: str) -> Amount:
    """Return what a server takes of a group's share: nothing when it was decided before."""
    return without.amount if without and group in without.groups else Amount()


def _limits(scope: str, name: str, limits: Limits, used: Amount, spent: Hours) -> Iterator[Bound]:
    for resource in ("servers", "cpu", "memory"):
        limit = getattr(limits, resource)
        if limit is not None:
            yield Bound(scope, name, resource, limit, used.of(resource))
    for kind, number in limits.gpus.items():
        yield Bound(scope, name, kind, number, used.of(kind))
    budget = limits.budget
    if budget and budget.cpu_hours is not None:
        yield Bound(scope, name, "cpu_hours", budget.cpu_hours, spent.cpu, budget.period)
    if budget and budget.gpu_hours is not None:
        yield Bound(scope, name, "gpu_hours", budget.gpu_hours, spent.gpu, budget.period)


def _with_holders(bound: Bound, account: Account, now: datetime, without: Booking | None) -> Bound:
    """Return a group's bound with the names of who uses it; any other as it is."""
    if bound.scope != "group":
        return bound
    if bound.period:
        spent = account.spent_by_members(bound.name, bound.period, now)
        shares = {who: hours.of(bound.resource) for who, hours in spent.items()}
    else:
        shares = {who: a.of(bound.resource) for who, a in account.members(bound.name).items()}
        if without and without.user in shares:
            shares[without.user] -= _part(without, bound.name).of(bound.resource)
    most = sorted(shares.items(), key=lambda share: (-share[1], share[0]))
    return replace(bound, holders=tuple(share for share in most if share[1] > DUST))


def render_bound(bound: Bound) -> str:
    """Return in words what a limit is, how much of it is used, and by whom of one's own group."""
    whose = {
        "user": "you may use",
        "group": f"the group {bound.name} may use",
        "total": "everybody together may use",
    }[bound.scope]
    if bound.period:
        limit = f"{render_used(bound, bound.limit)} a {bound.period}"
        verb = "is" if bound.used == 1 else "are"
        text = f"{whose} {limit}, and {render_used(bound, bound.used)} {verb} used"
    else:
        text = f"{whose} {render_used(bound, bound.limit)} at once"
        if bound.used > DUST:
            text += f", and {render_used(bound, bound.used)} in use already"
    by = ", ".join(f"{who} {render_used(bound, amount)}" for who, amount in bound.holders[:3])
    return f"{text} ({by}{', …' if len(bound.holders) > 3 else ''})" if by else text


def render_used(bound: Bound, amount: float) -> str:
    """Return an amount of what a limit limits, with its unit: ``2 CPUs``, ``3.5 GPU hours``."""
    if not bound.period:
        return render_amount(bound.resource, amount)
    kind = "CPU" if bound.resource == "cpu_hours" else "GPU"
    # Hours that are used up must not read as if some were left, nor the other way round.
    return f"{floor(amount * 100 + DUST) / 100:g} {kind} {'hour' if amount == 1 else 'hours'}"


def _advice(bound: Bound, user: str) -> str:
    if not bound.limit:
        # No server that stops and no new month would make room.
        return f"Ask for a larger {'budget' if bound.period else 'limit'}."
    if bound.period:
        return f"Ask for a larger budget, or wait for the next {bound.period}."
    if not bound.used:
        return "Choose a smaller size."
    if bound.scope == "total":
        # Who holds it is nobody else's business, and may be no server of this person's.
        return "Stop a server of yours that you do not need, or try again when others have."
    own = bound.scope == "user" or any(who == user for who, _ in bound.holders)
    if bound.resource == "servers":
        # Every size is one server.
        stop = "Stop a server that you" if own else "Ask them to stop a server that they"
        return f"{stop} do not need."
    if own:
        return "Stop a server that you do not need, or choose a smaller size."
    return "Choose a smaller size, or ask them to stop a server that they do not need."
