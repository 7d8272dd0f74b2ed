"""The spawn page's form: what is offered, and what came back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader

from baton_hub.amount import Amount, render_amount, render_resources
from baton_hub.catalog import Catalog, Fault, Profile, Size
from baton_hub.policy import deprecation, obstacle
from baton_hub.quota import Bound, render_bound


def parse_form(fields: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Return the options that a form or an address holds, as a choice for `resolve`.

    The page sends ``choice=PROFILE/SIZE``; ``profile`` and ``size`` are understood too,
    also with JupyterHub's prefix ``opt-``. Every other key is kept, so that it is
    refused rather than overlooked.
    """
    options: dict[str, Any] = {}
    for name, values in fields.items():
        key = name.removeprefix("opt-")
        if key == "_xsrf":  # The Hub's own, in the address that the page posts to.
            continue
        value = values[0] if len(values) == 1 else list(values)
        if key == "choice" and isinstance(value, str):
            profile, _, size = value.partition("/")
            options |= {"profile": profile, "size": size} if size else {"profile": profile}
        else:
            options[key] = value if isinstance(value, str | list) else str(value)[:80]
    return options


@dataclass(frozen=True)
class OfferedSize:
    """One line of a card. ``obstacle`` says why it can't be started now, empty when it can."""

    value: str
    title: str
    resources: tuple[str, ...]
    obstacle: str
    checked: bool


@dataclass(frozen=True)
class OfferedProfile:
    """One card."""

    profile: Profile
    sizes: tuple[OfferedSize, ...]
    deprecated: str


def render_form(
    catalog: Catalog,
    limits: Sequence[Bound],
    *,
    chosen: Mapping[str, Any],
    user: str,
    groups: Sequence[str],
    contact: str,
    notice: str,
    faults: Sequence[Fault] = (),
    is_broken: bool = False,
    today: date | None = None,
) -> str:
    """Return the form's HTML: a card a profile, a line a size, and what is left of the quota.

    ``chosen`` are the options of last time, untrusted; they are proposed again when
    they are still offered. ``faults`` of the catalogue are for operations only;
    ``is_broken`` is for everybody: there is no catalogue at all, not even an older one.
    """
    day = today or datetime.now(UTC).date()
    offered = [p for p in catalog.offered(frozenset(groups)) if not obstacle(catalog, p, day)]
    proposed = _proposal(offered, limits, chosen)
    cards = [
        OfferedProfile(
            profile,
            tuple(
                _size(profile, name, size, limits, proposed) for name, size in profile.sizes.items()
            ),
            deprecation(profile, day),
        )
        for profile in offered
    ]
    template = _templates().get_template("options.html")
    return template.render(
        cards=cards,
        left=_left(offered, limits),
        user=user,
        groups=groups,
        contact=contact,
        notice=notice,
        faults=faults,
        is_broken=is_broken,
    )


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("baton_hub"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )


def _size(
    profile: Profile,
    name: str,
    size: Size,
    limits: Sequence[Bound],
    proposed: tuple[str, str] | None,
) -> OfferedSize:
    return OfferedSize(
        value=f"{profile.name}/{name}",
        title=size.title or name,
        resources=tuple(render_resources(_amount(size))),
        obstacle=_obstacle(size, limits),
        checked=proposed == (profile.name, name),
    )


def _amount(size: Size) -> Amount:
    return Amount(1, size.cpu, size.memory, size.gpus)


def _obstacle(size: Size, limits: Sequence[Bound]) -> str:
    wanted = _amount(size)
    obstacle = next((render_bound(bound) for bound in limits if bound.stops(wanted)), "")
    return obstacle and f"{obstacle[:1].upper()}{obstacle[1:]}."


def _proposal(
    profiles: Sequence[Profile], limits: Sequence[Bound], chosen: Mapping[str, Any]
) -> tuple[str, str] | None:
    """Return what to tick: last time's choice, else the first one that fits."""
    fitting = [
        (profile.name, name)
        for profile in profiles
        for name in sorted(profile.sizes, key=lambda name: name != profile.first_size)
        if not _obstacle(profile.sizes[name], limits)
    ]
    last = (chosen.get("profile"), chosen.get("size"))
    return next((pair for pair in fitting if pair == last), fitting[0] if fitting else None)


def _left(profiles: Sequence[Profile], limits: Sequence[Bound]) -> list[str]:
    """Return what the person may still start, by the strictest limit of each resource."""
    kinds = sorted({kind for p in profiles for size in p.sizes.values() for kind in size.gpus})
    found = []
    for resource in ("servers", "cpu", "memory", *kinds):
        rest = [bound.left for bound in limits if bound.resource == resource]
        if rest:
            found.append(render_amount(resource, min(rest)))
    return found
