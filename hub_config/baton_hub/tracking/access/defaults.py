"""What operations decide about access: defaults of new things, and who operations are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from baton_contract.access import READ, WRITE, Groups, render_groups
from baton_hub.tracking.access.rules import Caller
from baton_hub.tracking.settings import SettingsError

LONGEST = 5000
"""Characters that a registered model's tag has on PostgreSQL; more groups than that are none."""
_CHOICES = ("everybody", "groups", "owner")


@dataclass(frozen=True)
class Defaults:
    """Who may read and write what somebody makes, until they or operations say otherwise."""

    read: str = "everybody"
    write: str = "groups"
    operations: str | None = None
    """The Hub group whose members are let through every wall, as Hub admins are."""

    def tags(self, caller: Caller) -> dict[str, str]:
        """Return the access tags of what the caller makes now, in their groups of now."""
        return {READ: _tag(self.read, caller), WRITE: _tag(self.write, caller)}


def _tag(choice: str, caller: Caller) -> str:
    text = render_groups(_groups(choice, caller))
    return text if len(text) <= LONGEST else render_groups(frozenset())


def _groups(choice: str, caller: Caller) -> Groups:
    if choice == "everybody":
        return None
    return caller.groups if choice == "groups" else frozenset()


def parse_defaults(environ: Mapping[str, str]) -> Defaults:
    """Read BATON_MLFLOW_READ, BATON_MLFLOW_WRITE and BATON_MLFLOW_OPERATIONS.

    Raises SettingsError for a value that is none of the choices.
    """
    return Defaults(
        read=_choice(environ, "BATON_MLFLOW_READ", "everybody"),
        write=_choice(environ, "BATON_MLFLOW_WRITE", "groups"),
        operations=environ.get("BATON_MLFLOW_OPERATIONS", "").strip() or None,
    )


def _choice(environ: Mapping[str, str], name: str, default: str) -> str:
    value = environ.get(name, "").strip() or default
    if value not in _CHOICES:
        raise SettingsError(f"{name} must be one of {', '.join(_CHOICES)}, and is {value!r}.")
    return value
