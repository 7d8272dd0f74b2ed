"""What somebody gets when they ask for a server. Pure: no I/O, no Hub."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from baton_contract import BadRequestError, ForbiddenError
from baton_hub.amount import Amount
from baton_hub.catalog.connections import SecretReference
from baton_hub.catalog.model import Catalog, Profile
from baton_hub.catalog.placement import Placement

CHOICE_KEYS = ("profile", "size", "options", "connections")
"""Every key that a choice may have."""


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
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """What was chosen, by the option's name, defaults included."""
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
    choice: Mapping[str, Any],
    *,
    today: date | None = None,
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
    _check_form(choice)
    members = frozenset(groups)
    day = today or datetime.now(UTC).date()
    profile = _profile(catalog, members, choice)
    _check_lifecycle(profile, day)
    _check_evidence(catalog, profile, day)
    name = choice.get("size") or profile.first_size
    size = profile.sizes.get(name)
    if size is None:
        known = ", ".join(profile.sizes)
        raise BadRequestError(
            "unknown_size",
            f"{profile.title} has no size {_shown(name)}. Choose one of: {known}.",
            sizes=list(profile.sizes),
        )
    answers = _answers(profile, choice.get("options", {}))
    attached = _attached(catalog, members, profile, choice.get("connections", ()))
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
        amount=Amount(1, size.cpu, size.memory, MappingProxyType(dict(size.gpus))),
        revision=catalog.revision,
        environment=MappingProxyType(environment),
        secrets=MappingProxyType(secrets),
        connections=attached,
        options=MappingProxyType(answers),
        group=_group(catalog, members, profile),
        placement=profile.kubernetes,
        stop_when_idle=profile.stop_when_idle,
        notice=deprecation(profile, day),
    )


def deprecation(profile: Profile, today: date) -> str:
    """Return what people are told of a profile that is being retired; empty when it is not."""
    life = profile.lifecycle
    if life.deprecated is None or today < life.deprecated:
        return ""
    until = f" It can be started until {life.blocked}." if life.blocked else ""
    instead = f" Please move to {life.replaced_by}." if life.replaced_by else ""
    said = f" {life.message}" if life.message else ""
    return f"This profile is being retired.{until}{instead}{said}"


def obstacle(catalog: Catalog, profile: Profile, today: date) -> str:
    """Return why nobody can start a profile on a day, in a sentence; empty when it can be."""
    try:
        _check_lifecycle(profile, today)
        _check_evidence(catalog, profile, today)
    except ForbiddenError as error:
        return error.message
    return ""


def _check_form(choice: Mapping[str, Any]) -> None:
    if not isinstance(choice, Mapping):
        raise BadRequestError("bad_choice", "The options must be an object with profile and size.")
    for key, value in choice.items():
        if key not in CHOICE_KEYS:
            raise BadRequestError(
                "unknown_option",
                f"There is no option {_shown(key)}. Options are: {', '.join(CHOICE_KEYS)}."
                f"{_meant(key)}",
            )
        if key in ("profile", "size") and not isinstance(value, str):
            raise BadRequestError("bad_choice", f"The {key} must be a name, written as text.")
    answers, attached = choice.get("options", {}), choice.get("connections", [])
    if not isinstance(answers, Mapping) or not all(isinstance(a, str) for a in answers.values()):
        raise BadRequestError("bad_choice", "The options must be an object of names and texts.")
    if not isinstance(attached, list) or not all(isinstance(name, str) for name in attached):
        raise BadRequestError("bad_choice", "The connections must be a list of names.")


def _profile(catalog: Catalog, groups: frozenset[str], choice: Mapping[str, Any]) -> Profile:
    name = choice.get("profile")
    if not name:
        raise BadRequestError(
            "no_profile", "No profile was chosen. Choose one of those offered to you."
        )
    profile = catalog.profiles.get(name)
    # The same answer for a profile that does not exist and for somebody else's,
    # so that asking tells nobody what the others have.
    if profile is None or not profile.access.allows(groups):
        offered = ", ".join(p.name for p in catalog.offered(groups)) or "none"
        raise ForbiddenError(
            "profile_not_offered",
            f"The profile {_shown(name)} is not offered to you. Offered are: {offered}.",
        )
    return profile


def _check_lifecycle(profile: Profile, today: date) -> None:
    life = profile.lifecycle
    if life.blocked is None or today < life.blocked:
        return
    instead = f" Use {life.replaced_by} instead." if life.replaced_by else ""
    said = f" {life.message}" if life.message else ""
    raise ForbiddenError(
        "profile_blocked",
        f"{profile.title} is no longer offered since {life.blocked}.{said}{instead}",
        replaced_by=life.replaced_by,
    )


def _check_evidence(catalog: Catalog, profile: Profile, today: date) -> None:
    finding = catalog.finding(profile.name)
    if finding.expires is not None and today > finding.expires:
        raise ForbiddenError(
            "evidence_expired",
            f"The {finding.expires_because} of {profile.title} ran out on {finding.expires}."
            f" {profile.owner} has to renew it before it can be started.",
        )


def _answers(profile: Profile, given: Mapping[str, str]) -> dict[str, str]:
    for key in given:
        if key not in profile.options:
            known = ", ".join(profile.options) or "none"
            raise BadRequestError(
                "unknown_option",
                f"{profile.title} has no option {_shown(key)}. Options are: {known}.",
            )
    answers: dict[str, str] = {}
    for key, option in profile.options.items():
        answer = given.get(key, option.default)
        if answer is None:
            raise BadRequestError(
                "option_missing", f"{profile.title} needs an answer: {option.title}."
            )
        if not option.takes(answer):
            wanted = ", ".join(option.choices) or f"text that matches {option.pattern}"
            raise BadRequestError(
                "bad_option", f"{option.title} can't be {_shown(answer)}. Expected is: {wanted}."
            )
        answers[key] = answer
    return answers


def _attached(
    catalog: Catalog, groups: frozenset[str], profile: Profile, wanted: Iterable[str]
) -> tuple[str, ...]:
    offered = [
        name for name in profile.connections if catalog.connections[name].access.allows(groups)
    ]
    for name in wanted:
        if name not in offered:
            raise ForbiddenError(
                "connection_not_offered",
                f"The connection {_shown(name)} is not offered to you with {profile.title}."
                f" Offered are: {', '.join(offered) or 'none'}.",
            )
    return tuple(name for name in offered if name in set(wanted))


def _group(catalog: Catalog, groups: frozenset[str], profile: Profile) -> str:
    """Return the group whose share of the cluster the server comes from.

    A pod can belong to one group only: the first one through which the profile is
    offered, else the first by name, of those that have a quota.
    """
    limited = groups & catalog.quotas.groups.keys()
    named = [group for group in profile.access.groups if group in limited]
    return next(iter(named or sorted(limited)), "")


def _meant(key: Any) -> str:
    close = get_close_matches(key[:80], CHOICE_KEYS, n=1) if isinstance(key, str) else []
    return f" Did you mean {close[0]}?" if close else ""


def _shown(text: Any, limit: int = 60) -> str:
    """Return what somebody sent, fit to be quoted in a sentence: short, one line, printable."""
    shown = ascii(text)
    return shown if len(shown) <= limit else f"{shown[:limit]}…"
