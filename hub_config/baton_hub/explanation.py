"""Why somebody may start a server, or may not: what a start would be told. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from baton_contract import PublicError
from baton_hub.account import Account
from baton_hub.amount import Amount
from baton_hub.catalog.model import Catalog
from baton_hub.policy import resolve
from baton_hub.quota import Bound, admit, bounds


@dataclass(frozen=True)
class Verdict:
    """What would be decided on one choice."""

    profile: str
    size: str
    """Empty where the choice names none and was refused before one was found."""
    code: str
    """``ok``, or the refusal's."""
    reason: str = ""
    """The refusal's sentence."""
    image: str = ""
    amount: Amount | None = None
    """What it takes; None when the choice is nothing that could be started."""
    notice: str = ""
    """What people are told though they may start it."""
    exceeded: tuple[Bound, ...] = ()
    """Every limit that stands against it, the strictest first."""

    @property
    def allowed(self) -> bool:
        """Tell whether it would start."""
        return self.code == "ok"


@dataclass(frozen=True)
class Explanation:
    """What a person may start now, and the limits that apply to them."""

    user: str
    groups: frozenset[str]
    verdicts: tuple[Verdict, ...]
    limits: tuple[Bound, ...]

    @property
    def allowed(self) -> bool:
        """Tell whether anything that was asked for would start."""
        return any(verdict.allowed for verdict in self.verdicts)


def explain(
    catalog: Catalog,
    account: Account,
    user: str,
    groups: frozenset[str],
    choice: Mapping[str, Any],
    now: datetime,
) -> Explanation:
    """Return what would be decided on a choice, by the rules of every start.

    Without a profile in it, every size of every profile that is offered to the groups
    is decided on. The server that is asked for is one more: it replaces none.
    """
    choices = [choice] if "profile" in choice else _offered(catalog, groups, choice)
    verdicts = tuple(_decide(catalog, account, user, groups, one, now) for one in choices)
    return Explanation(user, groups, verdicts, bounds(catalog.quotas, user, groups, account, now))


def _offered(
    catalog: Catalog, groups: frozenset[str], choice: Mapping[str, Any]
) -> list[dict[str, Any]]:
    return [
        {**choice, "profile": profile.name, "size": size}
        for profile in catalog.offered(groups)
        for size in profile.sizes
        if choice.get("size", size) == size
    ]


def _decide(
    catalog: Catalog,
    account: Account,
    user: str,
    groups: frozenset[str],
    choice: Mapping[str, Any],
    now: datetime,
) -> Verdict:
    try:
        spec = resolve(catalog, user, groups, choice, today=now.date())
    except PublicError as error:
        return Verdict(
            str(choice["profile"]), str(choice.get("size", "")), error.code, error.message
        )
    decision = admit(spec, account, catalog.quotas, now)
    refusal = None if decision.allowed else decision.refusal()
    return Verdict(
        spec.profile,
        spec.size,
        refusal.code if refusal else "ok",
        refusal.message if refusal else "",
        spec.image,
        spec.amount,
        spec.notice,
        decision.exceeded,
    )
