"""JSON that other tools wrote: read for the few fields that count here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, TypeVar
from urllib.parse import unquote

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import from_json

from baton_hub.catalog.evidence.files import EvidenceError

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Report(BaseModel):
    """A part of somebody else's document: fields in camel case, and many more than we name."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)


R = TypeVar("R", bound=Report)
E = TypeVar("E")


def _or_empty(value: Any) -> Any:
    return [] if value is None else value


Many = Annotated[tuple[E, ...], BeforeValidator(_or_empty)]
"""A list, which Go programs write as null when it is empty."""


def parse_json(content: bytes) -> dict[str, Any]:
    """Return the object in a JSON file, or raise `EvidenceError` (evidence_unreadable)."""
    try:
        value = from_json(content)
    except ValueError as error:
        raise EvidenceError(
            "evidence_unreadable", f"The file is not JSON: {error}. Write the report anew."
        ) from None
    if not isinstance(value, dict):
        raise EvidenceError(
            "evidence_unreadable", "The file is no JSON object. Name the tool's own report."
        )
    return value


def read_report(model: type[R], value: dict[str, Any], name: str) -> R:
    """Return an object as the tool's report, or raise `EvidenceError` (evidence_unreadable)."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise EvidenceError(
            "evidence_unreadable",
            f"This is no {name} that we can read, at {place}: {first['msg']}."
            " Write the report anew.",
        ) from None


def digests_in(texts: Iterable[str | None]) -> frozenset[str]:
    """Return the digests that stand in these texts, also where an address has them quoted."""
    return frozenset(
        digest for text in texts if text is not None for digest in _DIGEST.findall(unquote(text))
    )
