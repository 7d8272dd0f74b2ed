"""From a folder to a catalogue, or to every fault in it at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, cast, get_args

from pydantic import BaseModel, ValidationError

from baton_hub.catalog.codes import CODES
from baton_hub.catalog.connections import Connections
from baton_hub.catalog.evidence.model import EvidenceRules
from baton_hub.catalog.model import Catalog, Profile
from baton_hub.catalog.quotas import Quotas
from baton_hub.catalog.source import Fault, Place, Source

SPECIAL: dict[str, type[BaseModel]] = {
    "connections": Connections,
    "evidence": EvidenceRules,
    "quotas": Quotas,
}
"""Files, by their name without ``.yaml``, that are no profile."""
M = TypeVar("M", bound=BaseModel)


class CatalogError(Exception):
    """A folder that is not a catalogue. ``faults`` holds all there is to mend, in order."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(str(fault) for fault in self.faults))


def read_files(folder: Path) -> dict[Path, bytes]:
    """Return the catalogue's files and their content, in the order of their names.

    Raises `CatalogError` when the folder can't be read.
    """
    try:
        paths = sorted(p for p in folder.iterdir() if p.suffix in (".yaml", ".yml") and p.is_file())
        return {path: path.read_bytes() for path in paths}
    except OSError as error:
        message = (
            f"The catalogue can't be read: {error.strerror}. Name a folder with profile files."
        )
        raise CatalogError(
            [Fault(Path(error.filename or folder), 1, 1, "unreadable", message)]
        ) from error


def revision_of(files: dict[Path, bytes]) -> str:
    """Return the name of a catalogue's content: SHA-256 over its files' names and contents."""
    digest = hashlib.sha256()
    for path, content in files.items():
        digest.update(f"{path.name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def load_catalog(folder: Path) -> Catalog:
    """Return the catalogue in a folder: one profile a YAML file, limits in ``quotas.yaml``.

    Raises `CatalogError` with every fault, each with its file, line and column.
    """
    return parse_catalog(folder, read_files(folder))


def parse_catalog(folder: Path, files: dict[Path, bytes]) -> Catalog:
    """Return the catalogue that these files make up; see `load_catalog`."""
    faults: list[Fault] = []
    special = {name: model() for name, model in SPECIAL.items()}
    found: list[tuple[Source, Profile]] = []
    for path, content in files.items():
        source = Source(path, content)
        parsed = _checked(source, SPECIAL.get(path.stem, Profile))
        faults += source.faults
        if isinstance(parsed, Profile):
            found.append((source, parsed))
        elif parsed is not None:
            special[path.stem] = parsed
    if not found and not faults:
        faults.append(
            Fault(
                folder,
                1,
                1,
                "no_profiles",
                "There is no profile in this folder. Add one file a profile.",
            )
        )
    faults += _clashes(found)
    if faults:
        raise CatalogError(faults)
    profiles = MappingProxyType({profile.name: profile for _, profile in found})
    return Catalog(
        profiles=profiles,
        quotas=cast(Quotas, special["quotas"]),
        connections=cast(Connections, special["connections"]).connections,
        rules=cast(EvidenceRules, special["evidence"]),
        revision=revision_of(files),
    )


def _checked(source: Source, model: type[M]) -> M | None:
    """Return the file as a model, or None after adding its faults to the source's."""
    if source.value is None:
        return None
    if not isinstance(source.value, dict):
        source.faults.append(
            source.fault((), "A file of keys and values is expected here.", code="not_a_mapping")
        )
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


def _clashes(found: list[tuple[Source, Profile]]) -> list[Fault]:
    """Return what is wrong between profiles: names used twice, replacements that are missing."""
    faults = []
    seen: dict[tuple[str, str], Path] = {}
    names = {profile.name for _, profile in found}
    for source, profile in found:
        for key, value in (("name", profile.name), ("title", profile.title.casefold())):
            other = seen.setdefault((key, value), source.file)
            if other is not source.file:
                message = (
                    f"The {key} {getattr(profile, key)!r} is taken by {other.name}. Choose another."
                )
                faults.append(source.fault((key,), message, code="name_clash"))
        replacement = profile.lifecycle.replaced_by
        if replacement is not None and (replacement not in names or replacement == profile.name):
            meant = _meant(replacement, names - {profile.name})
            message = f"replaced_by names {replacement!r}, which is no other profile.{meant}"
            faults.append(
                source.fault(("lifecycle", "replaced_by"), message, code="bad_replacement")
            )
    return faults


def _misspelt(model: type[BaseModel], details: Iterable[Any]) -> set[Place]:
    """Return where keys are missing only because what stands there is misspelt."""
    found = set()
    for detail in details:
        if detail["type"] == "extra_forbidden":
            *place, name = detail["loc"]
            close = _closest(str(name), _fields_at(model, tuple(place)))
            found |= {(*place, meant) for meant in close}
    return found


def _fault(source: Source, model: type[BaseModel], detail: Any) -> Fault:
    place: Place = tuple(part for part in detail["loc"] if part != "[key]")
    kind, name = detail["type"], place[-1] if place else ""
    if kind == "extra_forbidden":
        known = _fields_at(model, place[:-1])
        message = f"{name!r} is not a key that belongs here.{_meant(str(name), known)}"
        return source.fault(place, message, code="unknown_key", key=True)
    if kind == "missing":
        return source.fault(place[:-1], _missing(str(name)), code=_missing_code(str(name)))
    if "[key]" in detail["loc"]:
        return source.fault(
            place, f"{name!r} can't be a name here: {_reason(detail)}.", code="bad_name", key=True
        )
    label = ".".join(str(part) for part in place)
    prefix = f"{label}: " if label else ""
    return source.fault(place, f"{prefix}{_reason(detail)}.", code=_code(detail))


def _missing(name: str) -> str:
    extra = {
        "digest": "An image is approved by its digest: add digest: sha256:…",
        "sizes": "A profile needs at least one size: add sizes: with cpu and memory.",
        "access": "Say who may use it: add access: with groups, or everybody: true.",
    }
    return extra.get(name, f"{name!r} is missing. Add it.")


def _missing_code(name: str) -> str:
    return "no_digest" if name == "digest" else "missing_key"


def _code(detail: Any) -> str:
    kind = detail["type"]
    if kind in CODES:  # Said by the model itself: see `words.wrong`.
        return str(kind)
    return "wrong_type" if kind.endswith("_type") else "wrong_value"


def _reason(detail: Any) -> str:
    kind, given = detail["type"], detail.get("input")
    if kind in CODES:
        return str(detail["msg"])
    if kind == "value_error":
        return str(detail["ctx"]["error"])
    if kind == "string_type":
        return f"{given!r} is not text: put it in quotes"
    if kind == "string_pattern_mismatch":
        wanted = _PATTERNS.get(detail["ctx"]["pattern"], f"expected is {detail['ctx']['pattern']}")
        return f"{given!r} is not right: {wanted}"
    message = str(detail["msg"])
    return f"{message[:1].lower()}{message[1:]}, not {given!r}"


_PATTERNS = {
    r"^sha256:[0-9a-f]{64}$": "write sha256: and 64 hexadecimal digits",
    r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$": "use lower-case letters, digits and hyphens",
    r"^[A-Za-z_][A-Za-z0-9_]*$": "use letters, digits and underscores",
    r"^[a-z0-9][a-z0-9._:/-]*[a-zA-Z0-9._-]$": "write registry/repository:tag, without @sha256",
}


def _meant(name: str, known: Iterable[str]) -> str:
    for close in _closest(name, known):
        return f" Did you mean {close!r}?"
    return f" Known are: {', '.join(sorted(known))}." if known else " Remove it."


def _closest(name: str, known: Iterable[str]) -> list[str]:
    """Return the one known name that was probably meant, if there is one."""
    return get_close_matches(name, list(known), n=1, cutoff=0.6)


def _fields_at(model: type[BaseModel], place: Place) -> list[str]:
    """Return the keys that a model knows at a place inside it."""
    current: type[BaseModel] = model
    for part in place:
        field = current.model_fields.get(str(part))
        if field is None:
            continue  # A name inside a mapping: its model was found one step before.
        inner = _model_in(field.annotation)
        if inner is None:
            return []
        current = inner
    return list(current.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for m in map(_model_in, get_args(annotation)) if m is not None), None)
