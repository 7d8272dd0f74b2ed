"""The catalogue's files as JSON Schemas, for editors and for whoever checks them elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from baton_hub.catalog.connections import Connections
from baton_hub.catalog.evidence.model import EvidenceRules
from baton_hub.catalog.model import Profile
from baton_hub.catalog.quotas import Quotas
from baton_hub.catalog.words import RESERVED, Part

MODELS: Mapping[str, type[Part]] = MappingProxyType(
    {
        "profile": Profile,
        "quotas": Quotas,
        "connections": Connections,
        "evidence": EvidenceRules,
    }
)
"""What each file is, by the schema's name."""


class _Plain(GenerateJsonSchema):
    """Titles only where we wrote one: pydantic's own repeat the key."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False


def render_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a file: ``profile``, ``quotas``, ``connections``, ``evidence``.

    Whatever the catalogue accepts fits it, with YAML's dates as text. Not all that fits is
    accepted: what files say of one another, and of the day, is for lint.
    """
    schema = _tidy(MODELS[name].model_json_schema(schema_generator=_Plain))
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:baton:{name}:1",
        "title": "A profile of the catalogue" if name == "profile" else f"{name}.yaml",
    }
    return {**head, **schema}


def _tidy(node: Any) -> Any:
    if isinstance(node, list):
        return [_tidy(each) for each in node]
    if not isinstance(node, dict):
        return node
    tidied = {key: _tidy(value) for key, value in node.items()}
    if "properties" in tidied:
        tidied.pop("title", None)
    if isinstance(tidied.get("default"), list):
        # A set of words has no order of its own, and the published file needs one.
        tidied["default"].sort()
    by_pattern = tidied.pop("patternProperties", None)
    if by_pattern:
        # pydantic lets keys through that do not match.
        [(pattern, value)] = by_pattern.items()
        tidied |= {"propertyNames": _names(pattern), "additionalProperties": value}
    return tidied


def _names(pattern: str) -> dict[str, Any]:
    """Return what keys of a mapping have to be."""
    if "/" in pattern:
        return {"title": "kind of GPU", "pattern": pattern}
    if "A-Z" in pattern:
        reserved = f"^({'|'.join(RESERVED)})"
        return {"title": "variable", "pattern": pattern, "not": {"pattern": reserved}}
    return {"title": "name", "pattern": pattern}
