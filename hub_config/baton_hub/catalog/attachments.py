"""What a profile's servers find in their environment: connections and variables."""

from __future__ import annotations

from collections.abc import Iterator

from baton_hub.catalog.draft import Draft
from baton_hub.catalog.fault import Fault, Place
from baton_hub.catalog.model import Profile
from baton_hub.catalog.shape import meant
from baton_hub.catalog.source import Source
from baton_hub.catalog.words import listed


def check_connections(draft: Draft) -> Iterator[Fault]:
    """Yield connections that profiles name and that don't exist, or that few can use."""
    known = draft.connections.connections
    for source, profile in draft.profiles if draft.is_known("connections") else ():
        for position, name in enumerate(profile.connections):
            place = ("connections", position)
            if name not in known:
                message = f"There is no connection {name!r} in connections.yaml."
                yield source.fault(
                    place, f"{message}{meant(name, known)}", code="unknown_connection"
                )
            elif name in profile.connections[:position]:
                message = f"{name!r} stands here twice. Remove one."
                yield source.fault(place, message, code="duplicate_key")
            elif not _meets(profile, known[name].access.groups, known[name].access.everybody):
                message = (
                    f"{name} is offered to none of the profile's groups, so only who is also in"
                    f" {listed(known[name].access.groups)} can attach it."
                )
                yield source.fault(place, message, code="connection_not_offered", is_warning=True)


def _meets(profile: Profile, groups: tuple[str, ...], everybody: bool) -> bool:
    return everybody or profile.access.everybody or bool(set(groups) & set(profile.access.groups))


def check_variables(draft: Draft) -> Iterator[Fault]:
    """Yield variables that one server would get from two places."""
    for name, connection in draft.connections.connections.items():
        for variable in connection.secrets.keys() & connection.environment.keys():
            message = f"{variable} stands in environment, too. Remove one of the two."
            place = ("connections", name, "secrets", variable)
            yield draft.fault_in("connections", place, message, code="variable_clash")
    for source, profile in draft.profiles:
        yield from _clashing(draft, source, profile)


def _clashing(draft: Draft, source: Source, profile: Profile) -> Iterator[Fault]:
    owners: dict[str, str] = dict.fromkeys(profile.environment, "the profile's environment")
    for variable, owner, place in _given(draft, profile):
        other = owners.setdefault(variable, owner)
        if other != owner:
            message = f"{owner} sets {variable}, as {other} does. Choose another variable."
            yield source.fault(place, f"{message[:1].upper()}{message[1:]}", code="variable_clash")


def _given(draft: Draft, profile: Profile) -> Iterator[tuple[str, str, Place]]:
    """Yield what options and connections set: variable, who, and where the profile says so."""
    for name, option in profile.options.items():
        yield option.variable, f"the option {name}", ("options", name, "variable")
    for position, name in enumerate(profile.connections):
        connection = draft.connections.connections.get(name)
        for variable in (*connection.environment, *connection.secrets) if connection else ():
            yield variable, f"the connection {name}", ("connections", position)
