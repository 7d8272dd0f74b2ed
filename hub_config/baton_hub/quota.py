"""Whether a server still fits within the limits. Pure: no I/O, no Hub."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from baton_contract import ForbiddenError
from baton_hub.catalog.model import Limits, Quotas
from baton_hub.policy import ServerSpec
from baton_hub.units import render_cpu, render_memory


@dataclass(frozen=True)
class Amount:
    """What one server, or several together, take. ``memory`` in bytes."""

    servers: int = 0
    cpu: float = 0.0
    memory: int = 0
    gpu: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.servers + other.servers,
            self.cpu + other.cpu,
            self.memory + other.memory,
            self.gpu + other.gpu,
        )


@dataclass(frozen=True)
class Use:
    """What one running server takes, and for whom. Groups are its owner's when it started."""

    user: str
    groups: frozenset[str]
    amount: Amount


@dataclass(frozen=True)
class Bound:
    """One limit that applies to a person, and how much of it is used."""

    scope: str
    """``user``, ``group`` or ``total``."""
    name: str
    """The person's or the group's name; empty for the total."""
    resource: str
    """``servers``, ``cpu``, ``memory`` or ``gpu``."""
    limit: float
    used: float

    @property
    def left(self) -> float:
        """What may still be taken, never below nothing."""
        return max(self.limit - self.used, 0)

    def stops(self, wanted: Amount) -> bool:
        """Tell whether the limit would be broken; what takes nothing of a resource can't."""
        amount: float = getattr(wanted, self.resource)
        return amount > 0 and self.used + amount > self.limit


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
        return ForbiddenError(
            f"quota_{bound.resource}",
            f"{self.spec.title} ({self.spec.size}) does not fit: {render_bound(bound)}."
            " Stop a server that you do not need, or choose a smaller size.",
            scope=bound.scope,
            limit=bound.limit,
            used=bound.used,
        )


RESOURCES = ("servers", "cpu", "memory", "gpu")


def amount_of(spec: ServerSpec) -> Amount:
    """Return what a server takes."""
    return Amount(1, spec.cpu, spec.memory, spec.gpu)


def bounds(
    quotas: Quotas, user: str, groups: frozenset[str], usage: Iterable[Use]
) -> tuple[Bound, ...]:
    """Return every limit that applies to a person, with what is used of it now."""
    uses = tuple(usage)
    own = [use for use in uses if use.user == user]
    found = list(_bounds("user", user, quotas.for_user(user), own))
    for group in sorted(groups & quotas.groups.keys()):
        members = [use for use in uses if group in use.groups]
        found += _bounds("group", group, quotas.groups[group], members)
    found += _bounds("total", "", quotas.total, uses)
    return tuple(found)


def admit(spec: ServerSpec, usage: Iterable[Use], limits: Quotas) -> Decision:
    """Decide whether a server may start beside what runs already; the strictest limit holds."""
    wanted = amount_of(spec)
    found = bounds(limits, spec.user, spec.groups, usage)
    return Decision(spec, tuple(bound for bound in found if bound.stops(wanted)))


def _bounds(scope: str, name: str, limits: Limits, uses: Iterable[Use]) -> Iterator[Bound]:
    total = sum((use.amount for use in uses), Amount())
    for resource in RESOURCES:
        limit = getattr(limits, resource)
        if limit is not None:
            yield Bound(scope, name, resource, limit, getattr(total, resource))


def render_amount(resource: str, amount: float) -> str:
    """Return an amount of a resource with its unit, as people read it."""
    if resource == "memory":
        return f"{render_memory(int(amount))} memory"
    if resource == "cpu":
        return render_cpu(amount)
    noun = {"servers": "server", "gpu": "GPU"}[resource]
    return f"{amount:g} {noun}" if amount == 1 else f"{amount:g} {noun}s"


def render_bound(bound: Bound) -> str:
    """Return in words what a limit is and how much of it is used."""
    whose = {
        "user": "you may use",
        "group": f"the group {bound.name} may use",
        "total": "everybody together may use",
    }
    text = f"{whose[bound.scope]} {render_amount(bound.resource, bound.limit)} at once"
    return (
        f"{text}, and {render_amount(bound.resource, bound.used)} in use already"
        if bound.used
        else text
    )
