"""Who may see and change an experiment, as the tags on it say; MLflow's guard obeys them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from baton_contract.errors import BadRequestError
from baton_lab.artifacts import Json
from baton_lab.runs import tags_of

if TYPE_CHECKING:
    from baton_lab.tracking import Tracking

OWNER, READ, WRITE = "mlflow.user", "baton.read", "baton.write"
EVERYBODY = "everybody"
MOST_GROUPS = 100
Readers = Literal["everybody"] | list[str] | None
"""Everybody, or the Hub groups beside the owner; None: the platform's default holds."""


def access_of(experiment: Json) -> Json:
    """Return ``owner``, ``read`` and ``write`` of an experiment, as the panel shows them.

    None where the experiment itself says nothing, so that the platform's default holds.
    """
    tags = tags_of({"data": experiment})
    read = tags.get(READ)
    return {
        "owner": tags.get(OWNER) or None,
        "read": EVERYBODY if read == EVERYBODY else _groups(read),
        "write": _groups(tags.get(WRITE)),
    }


def _groups(text: str | None) -> list[str] | None:
    """Return the groups that a tag names; what can't be read names nobody."""
    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return []
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


async def load_access(tracking: Tracking, experiment_id: str) -> Json:
    """Return who may see and change an experiment."""
    return access_of(await tracking.experiment(experiment_id))


async def change_access(tracking: Tracking, experiment_id: str, body: dict[str, Any]) -> Json:
    """Set who may see and change an experiment, and return it as it is then.

    ``body`` has ``read`` ("everybody" or groups) and ``write`` (groups). Whether the
    caller may is for MLflow's guard to say; its refusal is raised as it is.
    """
    read, write = parse_access(body)
    await tracking.tag_experiment(experiment_id, WRITE, json.dumps(write))
    text = read if isinstance(read, str) else json.dumps(read)
    await tracking.tag_experiment(experiment_id, READ, text)
    return await load_access(tracking, experiment_id)


def parse_access(body: dict[str, Any]) -> tuple[str | list[str], list[str]]:
    """Return who reads and who writes, as a request says it.

    Raises `BadRequestError` with the field in ``details["path"]``.
    """
    if unknown := sorted(body.keys() - {"read", "write"}):
        raise BadRequestError("schema", f"Unknown fields: {', '.join(unknown)}.", path=unknown[0])
    read = body.get("read")
    return (EVERYBODY if read == EVERYBODY else _parse_groups("read", read)), _parse_groups(
        "write", body.get("write")
    )


def _parse_groups(field: str, value: Any) -> list[str]:
    is_list = isinstance(value, list) and len(value) <= MOST_GROUPS
    if not is_list or not all(isinstance(name, str) and 0 < len(name) < 256 for name in value):
        raise BadRequestError(
            "schema", f"The field {field!r} must be a list of groups.", path=field
        )
    return sorted(set(value))
