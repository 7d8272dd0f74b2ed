"""The reference of every key of the catalogue's files, written from their schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from baton_hub.catalog.schema import MODELS, render_schema

_HEAD = """# The catalogue, key by key

Written by `baton catalog schema --markdown` from the models that read the files; don't edit it. \
The same as JSON Schema, for editors and other tools: [profile](profile.schema.json), \
[quotas](quotas.schema.json), [connections](connections.schema.json), \
[evidence](evidence.schema.json). How to use them: [the catalogue](../operators/catalogue.md).

A key that stands in no table is an error, at any depth. `NAME` stands for a name of your own, \
`[]` for each item of a list.

| what | how it is written |
|---|---|
| text | up to 600 characters; in quotes where YAML takes it for something else: `"4"`, `"yes"` |
| name | lower-case letters, digits and hyphens, at most 40 |
| memory | `512M`, `4G`, `0.5T` (K, M, G, T in steps of 1024), or a whole number of bytes |
| number of CPUs | `0.5`, `4` |
| length of time | `30m`, `8h`, `2d` |
| day | `2027-01-31`, in UTC |
| digest | `sha256:` and 64 hexadecimal digits |
| kind of GPU | the cluster's name for it, such as `nvidia.com/gpu` |
| variable | letters, digits and underscores; not `JUPYTERHUB_…`, `BATON_…`, `MLFLOW_TRACKING_…` |
"""
_FILES = {
    "profile": "A profile: any other `*.yaml`",
    "quotas": "`quotas.yaml`",
    "connections": "`connections.yaml`",
    "evidence": "`evidence.yaml`",
}


def render_reference() -> str:
    """Return the reference as Markdown."""
    parts = [_HEAD]
    for name in MODELS:
        schema = render_schema(name)
        rows = "\n".join(_rows(schema, schema, ""))
        about = schema["description"].replace("``", "`")
        parts.append(
            f"\n## {_FILES[name]}\n\n{about}\n\n"
            f"| key | what | default | |\n|---|---|---|---|\n{rows}\n"
        )
    return "".join(parts)


def _rows(schema: dict[str, Any], model: dict[str, Any], prefix: str) -> Iterator[str]:
    needed = model.get("required", [])
    for key, field in model["properties"].items():
        node = _inner(schema, field)
        default = "needed" if key in needed else _default(field)
        about = field.get("description", node.get("description", "")).replace("|", "\\|")
        yield f"| `{prefix}{key}` | {_kind(schema, node)} | {default} | {about} |"
        suffix, below = _below(schema, node)
        if below:
            yield from _rows(schema, below, f"{prefix}{key}{suffix}.")


def _inner(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """Return a node without references, and without the null that optional ones have."""
    if "$ref" in node:
        found: dict[str, Any] = schema["$defs"][node["$ref"].rpartition("/")[2]]
        return found
    options = [each for each in node.get("anyOf", ()) if each.get("type") != "null"]
    if len(options) == 1:
        return _inner(schema, options[0])
    return node


def _below(schema: dict[str, Any], node: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """Return what follows a key's name, and the model whose keys are listed under it."""
    if "properties" in node:
        return "", node
    for where, suffix in (("additionalProperties", ".NAME"), ("items", "[]")):
        inner = node.get(where)
        if isinstance(inner, dict):
            found = _inner(schema, inner)
            if "properties" in found:
                return suffix, found
    return "", None


def _kind(schema: dict[str, Any], node: dict[str, Any]) -> str:
    if "enum" in node or "const" in node:
        values = node.get("enum", [node.get("const")])
        return ", ".join(f"`{value}`" for value in values)
    if "title" in node:
        return str(node["title"])
    if node.get("type") == "array":
        return f"list of {_kind(schema, _inner(schema, node['items']))}"
    values = node.get("additionalProperties")
    if isinstance(values, dict):
        names = node.get("propertyNames", {}).get("title", "name")
        return f"by {names}: {_kind(schema, _inner(schema, values))}"
    plain = {"object": "keys", "boolean": "`true` or `false`", "integer": "whole number"}
    return plain.get(node.get("type", ""), "number" if node.get("type") == "number" else "text")


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    if default in (None, [], {}) or isinstance(default, dict):
        return ""
    return f"`{json.dumps(default)}`"
