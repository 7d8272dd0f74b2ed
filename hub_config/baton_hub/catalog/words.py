"""The small types that a catalogue's fields are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from baton_hub.units import parse_duration, parse_memory


def wrong(code: str, sentence: str) -> PydanticCustomError:
    """Return the error that a model's validator raises; it becomes a fault of this code.

    ``code`` is one of `baton_hub.catalog.codes.CODES`. The sentence begins small and
    ends without a full stop: the key's name is put before it.
    """
    # A template: what a file says in braces stays what it is.
    return PydanticCustomError(code, "{sentence}", {"sentence": sentence})


Slug = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=40),
]
Text = Annotated[
    str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=600)
]
Memory = Annotated[int, BeforeValidator(parse_memory)]
"""Bytes, written such as 4G."""
Duration = Annotated[int, BeforeValidator(parse_duration)]
"""Seconds, written such as 30m, 8h or 2d."""
Sha256 = Annotated[str, StringConstraints(strict=True, pattern=r"^sha256:[0-9a-f]{64}$")]
_PART = "[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?"
GpuResource = Annotated[
    str, StringConstraints(strict=True, pattern=rf"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?/{_PART}$")
]
"""The name that a cluster gives to a kind of GPU, such as nvidia.com/gpu."""


def _not_reserved(name: str) -> str:
    if name.startswith(("JUPYTERHUB_", "BATON_", "MLFLOW_TRACKING_")):
        raise ValueError("the platform sets this variable itself: choose another name")
    return name


Variable = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$"),
    AfterValidator(_not_reserved),
]
"""An environment variable's name."""
Value = Annotated[str, Field(strict=True)]


class Part(BaseModel):
    """What every part of a catalogue shares: it never changes, and knows all of its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")
