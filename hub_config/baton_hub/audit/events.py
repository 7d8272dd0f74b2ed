"""What each kind of event says, as the published schema has it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from baton_contract import PublicError
from baton_contract.timestamp import render_timestamp
from baton_hub.booking import Booking
from baton_hub.policy import ServerSpec

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

ASKED = 80
"""How many characters are kept of a profile's or size's name that nobody has checked."""


def allowed(booking: Booking, spec: ServerSpec) -> dict[str, Any]:
    """Return the facts of a ``spawn`` that may go on."""
    return {
        **booking.facts(),
        "decision": "allowed",
        "code": "ok",
        "reason": "",
        "connections": list(spec.connections),
        "idle_limit": booking.idle_limit,
    }


def refused(
    error: PublicError,
    *,
    user: str,
    server: str,
    groups: Iterable[str],
    revision: str,
    asked: Any,
    spec: ServerSpec | None = None,
) -> dict[str, Any]:
    """Return the facts of a ``spawn`` that may not.

    ``asked`` is untrusted; only the names of a profile and a size are taken from it.
    ``spec`` is what it was resolved to, where a limit stood against it.
    """
    named = asked if isinstance(asked, Mapping) else {}
    return {
        "id": "",
        "user": user,
        "server": server,
        "groups": sorted(groups),
        "profile": spec.profile if spec else _name(named.get("profile")),
        "size": spec.size if spec else _name(named.get("size")),
        "image": spec.image if spec else "",
        "digest": spec.digest if spec else "",
        "revision": revision,
        "cpu": spec.amount.cpu if spec else None,
        "memory": spec.amount.memory if spec else None,
        "gpus": dict(spec.amount.gpus) if spec else {},
        "decision": "refused",
        "code": error.code,
        "reason": error.message,
        "connections": list(spec.connections) if spec else [],
        "idle_limit": None,
    }


def started(booking: Booking) -> dict[str, Any]:
    """Return the facts of a ``start``."""
    return {**booking.facts(), "started": _moment(booking)}


def stopped(booking: Booking, code: str) -> dict[str, Any]:
    """Return the facts of a ``stop``; ``started`` is None when it never ran."""
    return {**booking.facts(), "started": _moment(booking), "code": code}


def load_schema() -> dict[str, Any]:
    """Return the published JSON Schema of a line; treat it as read-only."""
    text = (files("baton_hub.audit") / "event.v1.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def check_event(event: Mapping[str, Any]) -> None:
    """Check one line's event against the published schema; raises jsonschema's error."""
    _validator().validate(dict(event))


@cache
def _validator() -> Draft202012Validator:
    # Here, because beside jsonschema's optional parsers the import takes seconds.
    from jsonschema import Draft202012Validator, FormatChecker

    return Draft202012Validator(load_schema(), format_checker=FormatChecker())


def _moment(booking: Booking) -> str | None:
    return render_timestamp(booking.started) if booking.started else None


def _name(value: Any) -> str | None:
    return value[:ASKED] if isinstance(value, str) else None
