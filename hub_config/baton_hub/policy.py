"""What somebody gets when they ask for a server. Pure: no I/O, no Hub."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any

from baton_contract import BadRequestError, ForbiddenError
from baton_hub.amount import Amount
from baton_hub.catalog.connections import SecretReference
from baton_hub.catalog.model import Catalog, Option, Profile, Size
from baton_hub.catalog.placement import Placement
from baton_hub.choice import parse_choice, shown
from baton_hub.offer import check_startable, connections_for, deprecation, startable


@dataclass(frozen=True)
class ServerSpec:
    """A server as policy resolved it: all of it from the catalogue, nothing from the request.

    The one exception are typed answers to an option with a pattern, which end as the
    value of the one environment variable that the catalogue names.
    """

    user: str
    groups: frozenset[str]
    profile: str
    title: str
    size: str
    image: str
    """Repository and digest."""
    digest: str
    amount: Amount
    revision: str
    """The catalogue's."""
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The profile's variables, its options' and its connections', without any secret."""
    secrets: Mapping[str, SecretReference] = field(default_factory=lambda: MappingProxyType({}))
    """Variables whose values the spawner takes from where secrets are kept."""
    connections: tuple[str, ...] = ()
    group: str = ""
    """The one of the person's groups that stands for them in the cluster; empty for none."""
    placement: Placement = field(default_factory=Placement)
    stop_when_idle: int | None = None
    """Seconds; None: the Hub's setting holds."""
    notice: str = ""
    """What the person should know, in a sentence: that the profile is being retired."""


def resolve(
    catalog: Catalog,
    user: str,
    groups: Iterable[str],
    choice: Any,
    *,
    today: date,
) -> ServerSpec:
    """Return the server that this choice stands for, for this person.

    ``choice`` is untrusted: ``{"profile": NAME, "size": NAME, "options": {NAME: ANSWER},
    "connections": [NAME]}``, where all but the profile may be left out. Anything that is
    not offered to the person is refused; nothing is ever filled in from elsewhere.
    ``today`` is the day in UTC.

    Raises `BadRequestError` (bad_choice, unknown_option, no_profile, unknown_size,
    option_missing, bad_option) and `ForbiddenError` (profile_not_offered, profile_blocked,
    evidence_expired, connection_not_offered).
    """
    asked = parse_choice(choice)
    members = frozenset(groups)
    profile = _profile(catalog, members, asked.profile, today)
    check_startable(catalog, profile, today, members)
    name, size = _size(profile, asked.size)
    answers = _answers(profile, asked.options)
    attached = _attached(catalog, members, profile, asked.connections)
    environment = dict(profile.environment)
    environment |= {profile.options[key].variable: answer for key, answer in answers.items()}
    secrets: dict[str, SecretReference] = {}
    for connection in attached:
        environment |= catalog.connections[connection].environment
        secrets |= catalog.connections[connection].secrets
    return ServerSpec(
        user=user,
        groups=members,
        profile=profile.name,
        title=profile.title,
        size=name,
        image=profile.image.pinned,
        digest=profile.image.digest,
        amount=size.amount,
        revision=catalog.revision,
        environment=MappingProxyType(environment),
        secrets=MappingProxyType(secrets),
        connections=attached,
        group=_group(catalog, members, profile),
        placement=profile.kubernetes,
        stop_when_idle=profile.stop_when_idle,
        notice=deprecation(catalog, profile, today, members),
    )


def _profile(catalog: Catalog, groups: frozenset[str], name: str, today: date) -> Profile:
    profile = catalog.profiles.get(name)
    # The same answer for a profile that does not exist and for somebody else's,
    # so that asking tells nobody what the others have.
    if profile is None or not profile.access.allows(groups):
        offered = _listed([p.name for p in startable(catalog, groups, today)])
        raise ForbiddenError(
            "profile_not_offered",
            f"The profile {shown(name)} is not offered to you. Offered are: {offered}.",
        )
    return profile


def _size(profile: Profile, name: str | None) -> tuple[str, Size]:
    name = profile.first_size if name is None else name
    if name not in profile.sizes:
        raise BadRequestError(
            "unknown_size",
            f"{profile.title} has no size {shown(name)}."
            f" Choose one of: {_listed(list(profile.sizes))}.",
            sizes=list(profile.sizes),
        )
    return name, profile.sizes[name]


def _answers(profile: Profile, given: Mapping[str, str]) -> dict[str, str]:
    for key in given:
        if key not in profile.options:
            raise BadRequestError(
                "unknown_option",
                f"{profile.title} has no option {shown(key)}."
                f" Options are: {_listed(list(profile.options))}.",
            )
    return {key: _answer(profile, key, option, given) for key, option in profile.options.items()}


def _answer(profile: Profile, key: str, option: Option, given: Mapping[str, str]) -> str:
    answer = given.get(key, option.default)
    if answer is None:
        raise BadRequestError("option_missing", f"{profile.title} needs an answer: {option.title}.")
    if not option.takes(answer):
        wanted = (
            _listed(list(option.choices))
            if option.choices
            else f"text that matches {option.pattern}"
        )
        raise BadRequestError(
            "bad_option", f"{option.title} can't be {shown(answer)}. Expected is: {wanted}."
        )
    # Whatever the pattern says: a variable holds no NUL, and what can't be seen misleads.
    if not option.choices and not answer.isprintable():
        raise BadRequestError(
            "bad_option",
            f"{option.title} can't be {shown(answer)}: it holds characters that can't be seen.",
        )
    return answer


def _attached(
    catalog: Catalog, groups: frozenset[str], profile: Profile, wanted: tuple[str, ...]
) -> tuple[str, ...]:
    offered = connections_for(catalog, groups, profile)
    for name in wanted:
        if name not in offered:
            raise ForbiddenError(
                "connection_not_offered",
                f"The connection {shown(name)} is not offered to you with {profile.title}."
                f" Offered are: {_listed(list(offered))}.",
            )
    return tuple(name for name in offered if name in wanted)


def _group(catalog: Catalog, groups: frozenset[str], profile: Profile) -> str:
    """Return the group whose share of the cluster the server comes from.

    A pod can belong to one group only: the first one through which the profile is
    offered, else the first by name, of those that have a quota.
    """
    limited = groups & catalog.quotas.groups.keys()
    named = [group for group in profile.access.groups if group in limited]
    return next(iter(named or sorted(limited)), "")


def _listed(names: list[str], most: int = 5) -> str:
    """Return names for a sentence, and not all of a long list."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return ", ".join(names) or "none"
