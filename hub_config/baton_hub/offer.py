"""What of a catalogue can be started on a day, and what people are told of the rest. Pure."""

from __future__ import annotations

from datetime import date

from baton_contract import ForbiddenError
from baton_hub.catalog.model import Catalog, Profile


def startable(catalog: Catalog, groups: frozenset[str], today: date) -> tuple[Profile, ...]:
    """Return the profiles that somebody in these groups may start on a day."""
    return tuple(p for p in catalog.offered(groups) if not obstacle(catalog, p, today))


def connections_for(catalog: Catalog, groups: frozenset[str], profile: Profile) -> tuple[str, ...]:
    """Return the connections that somebody in these groups may attach to a profile's servers."""
    return tuple(
        name
        for name in profile.connections
        if name in catalog.connections and catalog.connections[name].access.allows(groups)
    )


def check_startable(
    catalog: Catalog, profile: Profile, today: date, groups: frozenset[str] | None = None
) -> None:
    """Raise `ForbiddenError` (profile_blocked, evidence_expired) when nobody can start it."""
    _check_lifecycle(catalog, profile, today, groups)
    _check_evidence(catalog, profile, today, groups)


def obstacle(
    catalog: Catalog, profile: Profile, today: date, groups: frozenset[str] | None = None
) -> str:
    """Return why nobody can start a profile on a day, in a sentence; empty when it can be."""
    try:
        check_startable(catalog, profile, today, groups)
    except ForbiddenError as error:
        return error.message
    return ""


def deprecation(
    catalog: Catalog, profile: Profile, today: date, groups: frozenset[str] | None = None
) -> str:
    """Return what people are told of a profile that is being retired; empty when it is not."""
    life = profile.lifecycle
    if life.deprecated is None or today < life.deprecated:
        return ""
    end = f" It can't be started from {life.blocked} on." if life.blocked else ""
    successor = replacement(catalog, profile, today, groups)
    instead = f" Please move to {successor.title}." if successor else ""
    said = f" {life.message}" if life.message else ""
    return f"This profile is being retired.{end}{instead}{said}"


def replacement(
    catalog: Catalog, profile: Profile, today: date, groups: frozenset[str] | None = None
) -> Profile | None:
    """Return the profile to move to, the first in the line of ``replaced_by`` that can be started.

    ``groups`` are those of the person who is told, who learns only of what is offered to
    them; None for operations.
    """
    seen = {profile.name}
    following = catalog.profiles.get(profile.lifecycle.replaced_by or "")
    while following is not None and following.name not in seen:
        seen.add(following.name)
        offered = groups is None or following.access.allows(groups)
        if offered and not _blocked(following, today) and not _expired(catalog, following, today):
            return following
        following = catalog.profiles.get(following.lifecycle.replaced_by or "")
    return None


def _blocked(profile: Profile, today: date) -> bool:
    return profile.lifecycle.blocked is not None and today >= profile.lifecycle.blocked


def _expired(catalog: Catalog, profile: Profile, today: date) -> bool:
    expires = catalog.finding(profile.name).expires
    return expires is not None and today > expires


def _check_lifecycle(
    catalog: Catalog, profile: Profile, today: date, groups: frozenset[str] | None
) -> None:
    if not _blocked(profile, today):
        return
    life = profile.lifecycle
    said = f" {life.message}" if life.message else ""
    raise ForbiddenError(
        "profile_blocked",
        f"{profile.title} is no longer offered since {life.blocked}.{said}"
        f"{_instead(catalog, profile, today, groups)}",
    )


def _check_evidence(
    catalog: Catalog, profile: Profile, today: date, groups: frozenset[str] | None
) -> None:
    if _expired(catalog, profile, today):
        finding = catalog.finding(profile.name)
        raise ForbiddenError(
            "evidence_expired",
            f"The {finding.expires_because} of {profile.title} ran out on {finding.expires}."
            f" {profile.owner} has to renew it before it can be started."
            f"{_instead(catalog, profile, today, groups)}",
        )


def _instead(catalog: Catalog, profile: Profile, today: date, groups: frozenset[str] | None) -> str:
    successor = replacement(catalog, profile, today, groups)
    return f" Use {successor.title} instead." if successor else ""
