"""What the spawn page offers: a card a profile, and which of them is proposed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from baton_contract import PublicError
from baton_hub.amount import render_resources
from baton_hub.catalog import Catalog, Option, Profile, Size
from baton_hub.catalog.connections import Connection
from baton_hub.catalog.evidence import Finding
from baton_hub.choice import Choice, parse_choice
from baton_hub.offer import connections_for, deprecation, obstacle, replacement, startable
from baton_hub.quota import Bound, render_bound

NOTHING = Choice("")
"""The choice of somebody who has not chosen yet."""


@dataclass(frozen=True)
class OfferedSize:
    """One line of a card. ``obstacle`` says why it can't be started now, empty when it can."""

    name: str
    title: str
    resources: tuple[str, ...]
    obstacle: str
    is_checked: bool


@dataclass(frozen=True)
class OfferedOption:
    """One more question of a card, with the answer that is proposed."""

    name: str
    option: Option
    answer: str


@dataclass(frozen=True)
class OfferedConnection:
    """A place with data. ``obstacle`` says why it can't be attached now, empty when it can."""

    name: str
    connection: Connection
    obstacle: str
    is_checked: bool


@dataclass(frozen=True)
class Card:
    """A profile as the page offers it."""

    profile: Profile
    sizes: tuple[OfferedSize, ...]
    options: tuple[OfferedOption, ...]
    connections: tuple[OfferedConnection, ...]
    finding: Finding
    deprecated: str
    successor: Profile | None
    """Where to move from a profile that is being retired, if there is such a one."""
    is_checked: bool

    @property
    def obstacle(self) -> str:
        """Why no size of it can be started now; empty when one can."""
        return "" if any(not size.obstacle for size in self.sizes) else self.sizes[0].obstacle

    @property
    def least(self) -> OfferedSize:
        """Its smallest size, by CPUs and then by memory."""
        by_name = self.profile.sizes
        return min(self.sizes, key=lambda size: (by_name[size.name].cpu, by_name[size.name].memory))


@dataclass(frozen=True)
class Lost:
    """The profile of last time, which can't be started any more."""

    why: str
    successor: Profile | None


def chosen_before(given: Any) -> Choice:
    """Return the choice of last time, untrusted, as far as it has the form of one."""
    try:
        return parse_choice(given)
    except PublicError:
        return NOTHING


def lost(catalog: Catalog, groups: frozenset[str], last: Choice, today: date) -> Lost | None:
    """Return what became of the profile of last time; None when it can still be started."""
    profile = catalog.profiles.get(last.profile)
    if profile is None or not profile.access.allows(groups):
        # Who never chose, and who chose what they never had, learn nothing here.
        return None
    why = obstacle(catalog, profile, today, groups)
    return Lost(why, replacement(catalog, profile, today, groups)) if why else None


def deal(
    catalog: Catalog,
    groups: frozenset[str],
    limits: Sequence[Bound],
    last: Choice,
    today: date,
    unavailable: Mapping[str, str],
) -> list[Card]:
    """Return the cards: the proposed one first, what does not fit now last.

    Proposed is what was chosen ``last``, or what replaced it, else the first that fits.
    ``unavailable`` says of connections why they can't be attached on this Hub now.
    """
    profiles = startable(catalog, groups, today)
    fitting = [p for p in profiles if _fitting(p, limits)]
    gone = lost(catalog, groups, last, today)
    wanted = gone.successor.name if gone and gone.successor else last.profile
    proposed = next((p for p in fitting if p.name == wanted), next(iter(fitting), None))
    in_order = sorted(profiles, key=lambda p: (p is not proposed, p not in fitting))
    return [
        _card(
            catalog,
            groups,
            profile,
            limits,
            last,
            today,
            unavailable,
            is_checked=profile is proposed,
        )
        for profile in in_order
    ]


def _card(
    catalog: Catalog,
    groups: frozenset[str],
    profile: Profile,
    limits: Sequence[Bound],
    last: Choice,
    today: date,
    unavailable: Mapping[str, str],
    *,
    is_checked: bool,
) -> Card:
    retiring = deprecation(catalog, profile, today, groups)
    names = connections_for(catalog, groups, profile)
    # What was chosen for another profile may mean something else in this one.
    own = last if last.profile == profile.name else NOTHING
    fitting = _fitting(profile, limits)
    size = last.size if last.size in fitting else next(iter(fitting), None)
    return Card(
        profile=profile,
        sizes=tuple(
            OfferedSize(
                name,
                offered.title or name,
                tuple(render_resources(offered.amount)),
                _stopping(offered, limits),
                name == size,
            )
            for name, offered in profile.sizes.items()
        ),
        options=tuple(
            OfferedOption(name, option, _answer(option, own.options.get(name)))
            for name, option in profile.options.items()
        ),
        connections=tuple(
            OfferedConnection(
                name,
                catalog.connections[name],
                unavailable.get(name, ""),
                name in own.connections and name not in unavailable,
            )
            for name in names
        ),
        finding=catalog.finding(profile.name),
        deprecated=retiring,
        successor=replacement(catalog, profile, today, groups) if retiring else None,
        is_checked=is_checked,
    )


def _answer(option: Option, before: str | None) -> str:
    if before is not None and option.takes(before):
        return before
    return option.default or ""


def _fitting(profile: Profile, limits: Sequence[Bound]) -> list[str]:
    """Return the sizes that fit, the profile's default first."""
    names = sorted(profile.sizes, key=lambda name: name != profile.first_size)
    return [name for name in names if not _stopping(profile.sizes[name], limits)]


def _stopping(size: Size, limits: Sequence[Bound]) -> str:
    wanted = size.amount
    stopping = [bound for bound in limits if bound.stops(wanted)]
    if not stopping:
        return ""
    text = render_bound(min(stopping, key=lambda bound: bound.room(wanted)))
    return f"{text[:1].upper()}{text[1:]}."
