"""What profiles say of one another: their names and titles, and what replaces what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from baton_hub.catalog.draft import Draft
from baton_hub.catalog.fault import Fault
from baton_hub.catalog.model import Profile
from baton_hub.catalog.shape import meant
from baton_hub.catalog.source import Source
from baton_hub.catalog.words import listed, shown

_REPLACED_BY = ("lifecycle", "replaced_by")


def check_names(draft: Draft) -> Iterator[Fault]:
    """Yield names and titles that two profiles have."""
    seen: dict[tuple[str, str], Source] = {}
    for source, profile in draft.profiles:
        for key, value in (("name", profile.name), ("title", profile.title.casefold())):
            other = seen.setdefault((key, value), source)
            if other is not source:
                message = (
                    f"The {key} {shown(getattr(profile, key))} is taken by {other.file.name}."
                    " Choose another."
                )
                yield source.fault((key,), message, code="name_clash")


def check_replacements(draft: Draft) -> Iterator[Fault]:
    """Yield replacements that are no way out for the people who are sent there."""
    known, profiles = draft.names, {profile.name: profile for _, profile in draft.profiles}
    in_circles: set[str] = set()
    for source, profile in draft.profiles:
        life = profile.lifecycle
        if life.replaced_by is None:
            if life.deprecated and not life.message:
                message = "Nobody is told where to move. Add replaced_by, or a message."
                yield source.fault(
                    ("lifecycle",), message, code="no_replacement", is_warning=True, key=True
                )
        elif life.replaced_by == profile.name or life.replaced_by not in known:
            message = (
                f"replaced_by names {life.replaced_by!r}, which is no other profile."
                f"{meant(life.replaced_by, known - {profile.name})}"
            )
            yield source.fault(_REPLACED_BY, message, code="bad_replacement")
        elif life.replaced_by in profiles and profile.name not in in_circles:
            circle = _circle(profile, profiles)
            in_circles |= set(circle)
            yield from _dead_ends(draft, source, profile, profiles[life.replaced_by], circle)


def _dead_ends(
    draft: Draft, source: Source, profile: Profile, other: Profile, circle: list[str]
) -> Iterator[Fault]:
    if circle:
        message = f"These replace one another: {', '.join(circle)}. Let one of them stay."
        yield source.fault(_REPLACED_BY, message, code="circular_replacement")
        return
    needed = max(draft.today, profile.lifecycle.blocked or draft.today)
    if other.lifecycle.blocked and other.lifecycle.blocked <= needed:
        message = (
            f"{other.name} can't be started itself from {other.lifecycle.blocked} on."
            " Name a profile that stays."
        )
        yield source.fault(_REPLACED_BY, message, code="replacement_blocked", is_warning=True)
    lost = [] if other.access.everybody else set(profile.access.groups) - set(other.access.groups)
    if lost or (profile.access.everybody and not other.access.everybody):
        who = listed(lost) or "some"
        message = f"{other.name} is not offered to all who use this one ({who}). Offer it to them."
        yield source.fault(_REPLACED_BY, message, code="replacement_not_offered", is_warning=True)


def _circle(profile: Profile, profiles: Mapping[str, Profile]) -> list[str]:
    """Return the names that lead back to a profile, itself first; none when they end."""
    path = [profile.name]
    while (following := profiles[path[-1]].lifecycle.replaced_by) in profiles:
        if following == profile.name:
            return path
        if following in path:  # A circle further on, which is reported there.
            return []
        path.append(str(following))
    return []
