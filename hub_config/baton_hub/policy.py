"""What somebody gets when they ask for a server. Pure: no I/O, no Hub."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from baton_contract import BadRequestError, ForbiddenError
from baton_hub.catalog.model import Catalog, Profile

CHOICE_KEYS = ("profile", "size")
"""Every key that a choice may have."""


@dataclass(frozen=True)
class ServerSpec:
    """A server as policy resolved it: all of it from the catalogue, nothing from the request."""

    user: str
    groups: frozenset[str]
    profile: str
    title: str
    size: str
    image: str
    """Repository and digest."""
    digest: str
    cpu: float
    memory: int
    """Bytes."""
    gpu: int
    revision: str
    """The catalogue's."""
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    owner: str = ""


def resolve(
    catalog: Catalog,
    user: str,
    groups: Iterable[str],
    choice: Mapping[str, Any],
    *,
    today: date | None = None,
) -> ServerSpec:
    """Return the server that this choice stands for, for this person.

    ``choice`` is untrusted: ``{"profile": NAME, "size": NAME}``, where the size
    may be left out. Anything that is not offered to the person is refused;
    nothing is ever filled in from elsewhere. ``today`` is the day in UTC.

    Raises `BadRequestError` (bad_choice, unknown_option, no_profile, unknown_size)
    and `ForbiddenError` (profile_not_offered, profile_blocked).
    """
    _check_form(choice)
    members = frozenset(groups)
    profile = _profile(catalog, members, choice)
    _check_lifecycle(profile, today or datetime.now(UTC).date())
    name = choice.get("size") or profile.first_size
    size = profile.sizes.get(name)
    if size is None:
        known = ", ".join(profile.sizes)
        raise BadRequestError(
            "unknown_size",
            f"{profile.title} has no size {_shown(name)}. Choose one of: {known}.",
            sizes=list(profile.sizes),
        )
    return ServerSpec(
        user=user,
        groups=members,
        profile=profile.name,
        title=profile.title,
        size=name,
        image=profile.image.pinned,
        digest=profile.image.digest,
        cpu=size.cpu,
        memory=size.memory,
        gpu=size.gpu,
        revision=catalog.revision,
        environment=MappingProxyType(dict(profile.environment)),
        owner=profile.owner,
    )


def _check_form(choice: Mapping[str, Any]) -> None:
    if not isinstance(choice, Mapping):
        raise BadRequestError("bad_choice", "The options must be an object with profile and size.")
    for key, value in choice.items():
        if key not in CHOICE_KEYS:
            raise BadRequestError(
                "unknown_option",
                f"There is no option {_shown(key)}. Options are: profile, size.{_meant(key)}",
            )
        if not isinstance(value, str):
            raise BadRequestError("bad_choice", f"The {key} must be a name, written as text.")


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
    )


def _meant(key: Any) -> str:
    close = get_close_matches(key[:80], CHOICE_KEYS, n=1) if isinstance(key, str) else []
    return f" Did you mean {close[0]}?" if close else ""


def _shown(text: Any, limit: int = 60) -> str:
    """Return what somebody sent, fit to be quoted in a sentence: short, one line, printable."""
    shown = ascii(text)
    return shown if len(shown) <= limit else f"{shown[:limit]}…"
