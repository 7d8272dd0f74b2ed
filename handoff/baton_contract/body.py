"""JSON that comes from outside."""

from __future__ import annotations

import json
from typing import Any

from baton_contract.errors import BadRequestError

DEEPEST = 100
"""Levels of lists and objects within one another; nobody's data needs as many."""


def parse_json(body: bytes) -> Any:
    """Return the JSON value that ``body`` holds.

    Raises `BadRequestError`: ``not_json`` for anything but strict JSON in UTF-8 (NaN
    and halves of surrogate pairs can't be stored or sent on), ``too_deep`` beyond
    `DEEPEST` levels, which would exhaust whoever walks through the value later.
    """
    try:
        value = json.loads(body, parse_constant=_refuse_constant)
        if b"\\u" in body:
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise BadRequestError("not_json", "The request's body is not JSON in UTF-8.") from error
    if is_deeper(value, DEEPEST):
        raise _too_deep()
    return value


def is_deeper(value: Any, levels: int) -> bool:
    """Return whether lists and objects stand within one another more than ``levels`` deep."""
    open_ = _containers([value])
    for _ in range(levels):
        if not open_:
            return False
        open_ = _containers(
            part for one in open_ for part in (one.values() if isinstance(one, dict) else one)
        )
    return bool(open_)


def _containers(values: Any) -> list[Any]:
    return [value for value in values if isinstance(value, (dict, list))]


def _too_deep() -> BadRequestError:
    return BadRequestError(
        "too_deep", f"The request's JSON has more than {DEEPEST} levels. Send it flatter."
    )


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
