"""The schemas, and the check of what comes from outside against them."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from baton_contract.errors import BadRequestError

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

SCHEMAS = ("packet.v1", "handoff.v1", "event.v1", "error.v1", "trace.v1")
"""Every schema by the name that `load_schema` and `validate` take."""


@cache
def load_schema(name: str) -> dict[str, Any]:
    """Return the schema called ``name``, one of `SCHEMAS`; treat it as read-only."""
    text = (files("baton_contract") / "schemas" / f"{name}.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


@cache
def _validator(name: str) -> Draft202012Validator:
    # Imported at the first check: beside jsonschema's optional parsers this takes seconds.
    from jsonschema import Draft202012Validator, FormatChecker

    return Draft202012Validator(load_schema(name), format_checker=FormatChecker())


def validate(name: str, value: Any) -> None:
    """Check ``value`` against the schema called ``name``.

    Raises `BadRequestError` with code ``schema``, the place of the most telling
    fault in ``details["path"]`` (such as ``files[2].sha256``), and a sentence.
    """
    from jsonschema.exceptions import best_match

    fault = best_match(_validator(name).iter_errors(value))
    if fault is not None:
        path = _path(fault)
        raise BadRequestError(
            "schema",
            f"{path or 'The whole'} does not fit {name}: {_short(fault.message)}",
            path=path,
        )


def _path(fault: ValidationError) -> str:
    text = ""
    for part in fault.absolute_path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else str(part)
    return text


def _short(message: str, limit: int = 300) -> str:
    return message if len(message) <= limit else message[: limit - 1] + "…"
