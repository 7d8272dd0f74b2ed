"""Who may see and change an experiment or registered model, as the tags on it say.

MLflow's guard obeys them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from baton_contract.access import (
    EVERYBODY,
    OWNER,
    READ,
    WRITE,
    Groups,
    believed_groups,
    render_groups,
)
from baton_contract.errors import BadRequestError
from baton_lab.artifacts import Json, named

if TYPE_CHECKING:
    from baton_lab.tracking import Tracking

MOST_GROUPS = 100


class Kind(NamedTuple):
    """How MLflow's API gets a kind of thing and tags it; ``key`` is the field that names one."""

    key: str
    get: str
    answer: str
    tag: str


EXPERIMENT = Kind(
    "experiment_id", "experiments/get", "experiment", "experiments/set-experiment-tag"
)
MODEL = Kind("name", "registered-models/get", "registered_model", "registered-models/set-tag")


def access_of(thing: Json) -> Json:
    """Return ``owner``, ``read`` and ``write`` of a thing of MLflow's, as the panel shows them.

    Readers and writers are "everybody", or the Hub groups beside the owner. None where the
    thing says nothing: made before Baton kept access, it is everybody's.
    """
    tags = named(thing.get("tags", []))
    return {
        "owner": tags.get(OWNER) or None,
        "read": _shown(tags.get(READ)),
        "write": _shown(tags.get(WRITE)),
    }


def _shown(value: str | None) -> str | list[str] | None:
    if value is None:
        return None
    groups = believed_groups(value)
    return EVERYBODY if groups is None else sorted(groups)


async def load_access(tracking: Tracking, kind: Kind, key: str) -> Json:
    """Return who may see and change a thing."""
    return access_of(await tracking.thing(kind, key))


async def change_access(tracking: Tracking, kind: Kind, key: str, body: dict[str, Any]) -> Json:
    """Set who may see and change a thing, and return it as it is then.

    ``body`` has ``read`` and ``write``, as `parse_access` takes them. Whether the caller
    may is for MLflow's guard to say; its refusal is raised as it is.
    """
    read, write = parse_access(body)
    await tracking.tag(kind, key, WRITE, render_groups(write))
    await tracking.tag(kind, key, READ, render_groups(read))
    return await load_access(tracking, kind, key)


def parse_access(body: dict[str, Any]) -> tuple[Groups, Groups]:
    """Return who reads and who writes, as a request says it: "everybody", or groups.

    Raises `BadRequestError` with the field in ``details["path"]``, also where everybody
    writes and not everybody reads: who writes also reads.
    """
    if unknown := sorted(body.keys() - {"read", "write"}):
        raise BadRequestError("schema", f"Unknown fields: {', '.join(unknown)}.", path=unknown[0])
    read, write = _parse_groups("read", body.get("read")), _parse_groups("write", body.get("write"))
    if write is None and read is not None:
        raise BadRequestError(
            "schema", "Where everybody may change it, everybody has to see it.", path="write"
        )
    return read, write


def _parse_groups(field: str, value: Any) -> Groups:
    if value == EVERYBODY:
        return None
    is_list = isinstance(value, list) and len(value) <= MOST_GROUPS
    if not is_list or not all(isinstance(name, str) and 0 < len(name) < 256 for name in value):
        raise BadRequestError(
            "schema",
            f'The field {field!r} must be "{EVERYBODY}" or a list of groups.',
            path=field,
        )
    return frozenset(value)
