"""Whether a file has the shape of its model; every misfit is a fault with what to do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from baton_hub.catalog.codes import CODES
from baton_hub.catalog.fault import Fault, Place
from baton_hub.catalog.placement import Placement
from baton_hub.catalog.source import Source
from baton_hub.catalog.words import SLUG, listed, shown

M = TypeVar("M", bound=BaseModel)

_MISSING = {
    "digest": ("no_digest", "An image is approved by its digest: add digest: sha256:…"),
    "sizes": ("no_sizes", "A profile needs at least one size: add sizes: with cpu and memory."),
    "access": (
        "access_to_nobody",
        "Say who may use it: add access: with groups, or everybody: true.",
    ),
}
_PATTERNS = {
    r"^sha256:[0-9a-f]{64}$": "write sha256: and 64 hexadecimal digits",
    SLUG: "use lower-case letters, digits and hyphens",
    r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$": "use lower-case letters, digits, hyphens and dots",
    r"^[A-Za-z_][A-Za-z0-9_]*$": "use letters, digits and underscores",
    r"^[a-z0-9][a-z0-9._:/-]*[a-zA-Z0-9._-]$": "write registry/repository:tag, without @sha256",
    r"^[A-Za-z0-9_][A-Za-z0-9._/-]*$": "write a path below the catalogue's folder",
}
_KINDS = {
    "string_type": "text: put it in quotes",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "mapping_type": "keys and values",
    "dict_type": "keys and values",
    "model_type": "keys and values",
    "tuple_type": "a list: write [it]",
    "list_type": "a list: write [it]",
    "frozen_set_type": "a list: write [it]",
}


def check_shape(source: Source, model: type[M]) -> M | None:
    """Return a file's content as a model, or None after adding its misfits to its faults."""
    if source.value is None:
        return None
    if not isinstance(source.value, dict):
        message = "A file of keys and values is expected here."
        source.faults.append(source.fault((), message, code="not_a_mapping"))
        return None
    try:
        return model.model_validate(source.value)
    except ValidationError as error:
        details = error.errors(include_url=False)
    misspelt = _misspelt(model, details)
    source.faults += [
        _fault(source, model, detail)
        for detail in details
        if not (detail["type"] == "missing" and detail["loc"] in misspelt)
    ]
    return None


def meant(name: str, known: Iterable[str]) -> str:
    """Return a sentence with the known name that was probably meant, or with all of them."""
    known = sorted(known)
    for close in _closest(name, known):
        return f" Did you mean {close!r}?"
    return f" Known are: {listed(known, limit=20)}." if known else " Remove it."


def _closest(name: str, known: Iterable[str]) -> list[str]:
    return get_close_matches(name[:80], list(known), n=1, cutoff=0.6)


def _misspelt(model: type[BaseModel], details: Iterable[Any]) -> set[Place]:
    """Return where keys are missing only because what stands there is misspelt."""
    found = set()
    for detail in details:
        if detail["type"] == "extra_forbidden":
            *place, name = detail["loc"]
            close = _closest(str(name), _model_at(model, tuple(place)).model_fields)
            found |= {(*place, key) for key in close}
    return found


def _fault(source: Source, model: type[BaseModel], detail: Any) -> Fault:
    place: Place = tuple(part for part in detail["loc"] if part != "[key]")
    kind, name = detail["type"], str(place[-1]) if place else ""
    if kind == "extra_forbidden":
        code, message = _unknown(name, _model_at(model, place[:-1]))
        return source.fault(place, message, code=code, key=True)
    if kind == "missing":
        code, message = _MISSING.get(name, ("missing_key", f"{name!r} is missing. Add it."))
        return source.fault(place[:-1], message, code=code)
    code, reason = _code(detail), _reason(detail)
    if "[key]" in detail["loc"]:
        message = f"{shown(name)} can't be a name here: {reason}."
        return source.fault(place, message, code="bad_name", key=True)
    about = detail.get("ctx", {}).get("key")
    label = ".".join(str(part) for part in place)
    message = f"{label}: {reason}." if label else f"{reason[:1].upper()}{reason[1:]}."
    return source.fault((*place, about) if about else place, message, code=code)


def _unknown(name: str, model: type[BaseModel]) -> tuple[str, str]:
    if model is Placement:
        return _unknown_trait(name)
    return (
        "unknown_key",
        f"{shown(name)} is not a key that belongs here.{meant(name, model.model_fields)}",
    )


def _unknown_trait(name: str) -> tuple[str, str]:
    known = meant(name, Placement.model_fields)
    if name in _kubespawner_traits():
        return (
            "trait_not_allowed",
            f"A profile may not set KubeSpawner's {name!r}: it belongs to the profile's own keys"
            " or to the Hub's configuration. Remove it.",
        )
    return "unknown_trait", f"{shown(name)} is not a trait of KubeSpawner.{known}"


def _kubespawner_traits() -> frozenset[str]:
    try:
        # Takes a second, and only who mistyped a trait waits for it.
        from kubespawner import KubeSpawner
    except ImportError:
        return frozenset()
    return frozenset(KubeSpawner.class_trait_names(config=True))


def _code(detail: Any) -> str:
    kind = str(detail["type"])
    if kind in CODES:  # Said by the model itself: see `words.wrong`.
        return kind
    if kind in _KINDS:
        return "wrong_type"
    return "wrong_value"


def _reason(detail: Any) -> str:
    kind, given, told = detail["type"], detail.get("input"), detail.get("ctx", {})
    if kind in CODES:
        return str(told["sentence"])
    if kind == "value_error":
        return str(told["error"])
    if given is None:
        return "nothing stands here: fill it in, or remove the key"
    if kind in _KINDS:
        return f"{shown(given)} is not {_KINDS[kind]}"
    if kind == "string_pattern_mismatch":
        wanted = _PATTERNS.get(told["pattern"], f"it has to match {told['pattern']}")
        return wanted if "[key]" in detail["loc"] else f"{shown(given)} is not right: {wanted}"
    if kind == "literal_error":
        return f"{shown(given)} is not one of {told['expected']}"
    message = str(detail["msg"]).removeprefix("Input ").removeprefix("String ")
    return f"it {message}, not {shown(given)}"


def _model_at(model: type[BaseModel], place: Place) -> type[BaseModel]:
    """Return the model of what stands at a place inside a model."""
    current = model
    for part in place:
        field = current.model_fields.get(str(part))
        if field is None:
            continue  # A name inside a mapping: its model was found one step before.
        current = _model_in(field.annotation) or current
    return current


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for m in map(_model_in, get_args(annotation)) if m is not None), None)
