"""MLflow's MLmodel file: what a model is made of, and what it takes and returns."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import yaml

from baton_contract.errors import BadRequestError
from baton_contract.types import PacketField, PacketSignature


@dataclass(frozen=True, kw_only=True)
class MLmodel:
    """What the packet needs of an MLmodel file; ``example`` describes the saved input example."""

    flavors: list[str]
    signature: PacketSignature
    python: str | None
    example: dict[str, Any]


def parse_mlmodel(text: bytes) -> MLmodel:
    """Return what an MLmodel file says.

    Raises `BadRequestError` with code ``not_a_model`` for a file that is something else.
    """
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise _not_a_model() from error
    flavors = value.get("flavors") if isinstance(value, dict) else None
    if not isinstance(flavors, dict) or not flavors:
        raise _not_a_model()
    example = value.get("saved_input_example_info")
    function = flavors.get("python_function")
    python = function.get("python_version") if isinstance(function, dict) else None
    return MLmodel(
        flavors=sorted(str(flavor) for flavor in flavors),
        signature=parse_signature(value.get("signature")),
        python=str(python) if python else None,
        example=example if isinstance(example, dict) else {},
    )


def parse_signature(value: Any) -> PacketSignature:
    """Return MLflow's model signature as the packet writes it; empty where it says nothing."""
    signature = value if isinstance(value, dict) else {}
    return {
        "inputs": _fields(signature.get("inputs")),
        "outputs": _fields(signature.get("outputs")),
        "params": _fields(signature.get("params")),
    }


def _fields(text: Any) -> list[PacketField]:
    try:
        entries = json.loads(text) if isinstance(text, str) else []
        return [_field(entry) for entry in entries if isinstance(entry, dict)]
    except (ValueError, TypeError, RecursionError) as error:
        raise _not_a_model() from error


def _field(entry: dict[str, Any]) -> PacketField:
    tensor = entry.get("tensor-spec")
    kind = tensor.get("dtype") if isinstance(tensor, dict) else entry.get("type")
    shape = tensor.get("shape") if isinstance(tensor, dict) else entry.get("shape")
    name = entry.get("name")
    return {
        "name": None if name is None else str(name),
        "type": str(kind),
        # A parameter has a default instead of saying whether it is required.
        "required": bool(entry.get("required", "default" not in entry)),
        "shape": [int(size) for size in shape] if isinstance(shape, list) else None,
    }


def _not_a_model() -> BadRequestError:
    return BadRequestError(
        "not_a_model",
        "The MLmodel file here can't be read, so this is not a model. Log the model again.",
    )
