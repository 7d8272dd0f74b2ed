"""The small types that a catalogue's fields are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from baton_hub.units import parse_cpu, parse_duration, parse_memory


def wrong(code: str, sentence: str, key: str = "") -> PydanticCustomError:
    """Return the error that a model's validator raises; it becomes a fault of this code.

    ``code`` is one of `baton_hub.catalog.codes.CODES`. The sentence begins small and
    ends without a full stop: the place's name is put before it. ``key`` is the field
    of a model that it is about, where a whole model was looked at.
    """
    # A template: what a file says in braces stays what it is.
    return PydanticCustomError(code, "{sentence}", {"sentence": sentence, "key": key})


def shown(value: Any, limit: int = 60) -> str:
    """Return a value of a file, fit to be quoted in a sentence: short and on one line."""
    text = value.isoformat() if isinstance(value, date) else repr(value)
    return text if len(text) <= limit else f"{text[:limit]}…"


def listed(names: Iterable[str], limit: int = 5) -> str:
    """Return names that a file chose freely, fit to stand in a sentence; the first ones only."""
    every = sorted(names)
    texts = [shown(name).strip("'") for name in every[:limit]]
    return ", ".join([*texts, "…"] if len(every) > limit else texts)


def _in_unit(parse: Callable[[Any], float]) -> BeforeValidator:
    def validate(given: Any) -> float:
        try:
            return parse(given)
        except ValueError as error:
            raise wrong("wrong_unit", str(error)) from None

    return BeforeValidator(validate)


def _day(given: Any) -> date:
    # Not every number of seconds that pydantic would take for a date.
    day = given
    if isinstance(given, str) and len(given) == len("2027-01-31"):
        with suppress(ValueError):
            day = date.fromisoformat(given)
    # Centuries are left on both sides for who adds days to it.
    if isinstance(day, date) and not isinstance(day, datetime) and 1970 <= day.year < 3000:
        return day
    raise wrong("wrong_value", f"{shown(given)} is not a day: write it such as 2027-01-31")


SLUG = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
Slug = Annotated[
    str,
    StringConstraints(strict=True, pattern=SLUG, max_length=40),
    Field(title="name"),
]
Text = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=600),
    Field(title="text"),
]
Cpu = Annotated[
    float,
    _in_unit(parse_cpu),
    Field(gt=0, le=1024),
    WithJsonSchema(
        {"title": "number of CPUs", "type": "number", "exclusiveMinimum": 0, "maximum": 1024}
    ),
]
"""A number of CPUs, such as 0.5."""
CpuLimit = Annotated[
    float,
    _in_unit(parse_cpu),
    Field(ge=0),
    WithJsonSchema({"title": "number of CPUs", "type": "number", "minimum": 0}),
]
"""As many CPUs as may be used together; 0 for none."""
Memory = Annotated[
    int,
    _in_unit(parse_memory),
    WithJsonSchema(
        {
            "title": "memory",
            "anyOf": [
                {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?[KMGT]$"},
                {"type": "integer", "minimum": 1},
            ],
        }
    ),
]
"""Bytes, written such as 4G."""
Duration = Annotated[
    int,
    _in_unit(parse_duration),
    WithJsonSchema(
        {"title": "length of time", "type": "string", "pattern": "^0*[1-9][0-9]*[mhd]$"}
    ),
]
"""Seconds, written such as 30m, 8h or 2d."""
Day = Annotated[
    date,
    BeforeValidator(_day),
    WithJsonSchema({"title": "day", "type": "string", "format": "date"}),
]
"""A day in UTC, written such as 2027-01-31."""
Sha256 = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^sha256:[0-9a-f]{64}$"),
    Field(title="digest"),
]
_PART = "[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?"
GpuResource = Annotated[
    str,
    StringConstraints(strict=True, pattern=rf"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?/{_PART}$"),
    Field(title="kind of GPU"),
]
"""The name that a cluster gives to a kind of GPU, such as nvidia.com/gpu."""
RESERVED = ("JUPYTERHUB_", "BATON_", "MLFLOW_TRACKING_")
"""How the names of variables begin that the platform sets itself."""


def _not_reserved(name: str) -> str:
    if name.startswith(RESERVED):
        raise wrong("bad_name", "the platform sets this variable itself: choose another name")
    return name


Variable = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$"),
    AfterValidator(_not_reserved),
    Field(title="variable"),
]
"""An environment variable's name."""
Value = Annotated[str, Field(strict=True, title="text")]


class Part(BaseModel):
    """What every part of a catalogue shares: it never changes, and knows all of its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")
