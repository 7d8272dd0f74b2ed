"""Who may read and write one experiment or registered model, as its tags say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from baton_contract.access import OWNER, READ, WRITE, Groups, believed_groups

TAGS = frozenset({OWNER, READ, WRITE})


@dataclass(frozen=True)
class Caller:
    """A person or service that the Hub knows and that may use this service."""

    name: str
    groups: frozenset[str] = frozenset()
    operations: bool = False
    """Whether all walls are open: Hub admins, and the group that operations named."""


@dataclass(frozen=True)
class Access:
    """Who owns a thing, and which groups read and write it; without tags it is everybody's."""

    owner: str | None = None
    read: Groups = None
    write: Groups = None

    def owned_by(self, caller: Caller) -> bool:
        """Tell whether the caller may delete and rename it, and say who else may use it."""
        return caller.operations or self.owner == caller.name

    def writable_by(self, caller: Caller) -> bool:
        """Tell whether the caller may change what is in it."""
        return self.owned_by(caller) or _among(caller, self.write)

    def readable_by(self, caller: Caller) -> bool:
        """Tell whether the caller may know of it; whoever writes also reads."""
        return _among(caller, self.read) or self.writable_by(caller)


@dataclass(frozen=True)
class Owner:
    """What a row belongs to: ``experiments`` by number, ``registered_models`` by name.

    ``evaluation_datasets`` belong to themselves, ``operations`` to nobody else.
    """

    kind: str
    key: Any = None


OPERATIONS = Owner("operations")


def _among(caller: Caller, groups: Groups) -> bool:
    return groups is None or not groups.isdisjoint(caller.groups)


def parse_access(tags: Mapping[str, str]) -> Access:
    """Return the access that tags say; a tag that says nothing known opens nothing.

    Things made before Baton kept access have no such tags and are everybody's.
    """
    read, write = (believed_groups(tags[name]) if name in tags else None for name in (READ, WRITE))
    return Access(tags.get(OWNER), read, write)
