"""The part of the spawn page where the person chooses, as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader

from baton_hub.catalog import Catalog, Fault
from baton_hub.quota import Bound, concerning, left, render_used
from baton_hub.spawner.cards import chosen_before, deal, lost


@dataclass(frozen=True)
class Row:
    """One limit, as the page shows it."""

    whose: str
    limit: str
    used: str
    left: str
    percent: int
    """How much of it is used, up to 100."""
    holders: tuple[tuple[str, str], ...]


def render_page(
    catalog: Catalog,
    limits: Sequence[Bound],
    *,
    chosen: Any,
    user: str,
    groups: Sequence[str],
    contact: str,
    notice: str = "",
    home: str = "/hub/home",
    faults: Sequence[Fault] = (),
    unavailable: Mapping[str, str] | None = None,
    was_refused: bool = False,
    today: date | None = None,
) -> str:
    """Return the form's HTML: what is left, a card a profile, and what to do when there is none.

    ``chosen`` are the options of last time, untrusted; they are proposed again when
    they are still offered. ``was_refused``: the page already says what is wrong with
    them. ``faults`` of the catalogue are for operations only. ``unavailable`` says why a
    connection can't be attached, by its name; ``home`` is where servers are stopped.
    """
    day = today or datetime.now(UTC).date()
    members = frozenset(groups)
    last = chosen_before(chosen)
    cards = deal(catalog, members, limits, last, day, unavailable or {})
    gone = None if was_refused else lost(catalog, members, last, day)
    shown = concerning(limits, frozenset().union(*(card.profile.gpus for card in cards)))
    template = _templates().get_template("options.html")
    return template.render(
        cards=cards,
        lost=gone,
        left=[_left(bound) for bound in left(shown).values()],
        rows=[_row(bound) for bound in shown],
        stuck="" if any(not card.obstacle for card in cards) else cards and cards[0].obstacle,
        user=user,
        groups=groups,
        contact=contact,
        notice=notice,
        home=home,
        faults=faults,
        is_broken=not catalog.profiles,
    )


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("baton_hub"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )


def _left(bound: Bound) -> str:
    when = f" this {bound.period}" if bound.period else ""
    return f"{render_used(bound, bound.left)}{when}"


def _row(bound: Bound) -> Row:
    whose = {"user": "You", "group": f"Group {bound.name}", "total": "Everybody"}[bound.scope]
    when = f" a {bound.period}" if bound.period else ""
    return Row(
        whose=whose,
        limit=f"{render_used(bound, bound.limit)}{when}",
        used=render_used(bound, bound.used) if bound.used else "nothing",
        left=_left(bound),
        percent=min(round(100 * bound.used / bound.limit), 100) if bound.limit else 100,
        holders=tuple((who, render_used(bound, amount)) for who, amount in bound.holders),
    )
