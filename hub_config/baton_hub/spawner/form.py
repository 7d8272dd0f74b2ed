"""The spawn page's form: how its fields are called, and what came back in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def parse_form(fields: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Return what a form or an address holds, as a choice for `resolve`.

    The page sends ``profile=NAME`` and, for every profile on it, ``size.NAME=SIZE``,
    ``option.NAME.KEY=ANSWER`` and ``connection.NAME=CONNECTION``: those of the chosen
    profile are kept. ``size=SIZE`` and ``choice=NAME/SIZE`` are understood too, and
    JupyterHub's prefix ``opt-``. Every other field is kept as it is, so that it is
    refused rather than overlooked; so is a field that came twice.
    """
    plain = _plain(fields)
    if "profile" not in plain and isinstance(plain.get("choice"), str):
        name, slash, size = plain.pop("choice").partition("/")
        plain |= {"profile": name, "size": size} if slash else {"profile": name}
    options: dict[str, Any] = {}
    answers: dict[str, Any] = {}
    for key, value in plain.items():
        kind, owner, name = _parts(key)
        if not kind:
            options[key] = value
        elif owner != plain.get("profile"):
            continue
        elif kind == "option":
            answers[name] = value
        elif kind == "size":
            options.setdefault("size", value)
        else:
            options.setdefault("connections", value if isinstance(value, list) else [value])
    if answers:
        options.setdefault("options", answers)
    return options


def _plain(fields: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Return each field's text, or the list of them where it came more than once."""
    found: dict[str, list[str]] = {}
    for name, values in fields.items():
        # JupyterHub reads such a key in what it has stored as the mark of packed bytes.
        key = name.removeprefix("opt-").replace("__jupyterhub_", "jupyterhub_")
        if key != "_xsrf":  # The Hub's own, in the address that the page posts to.
            # A file is no answer to anything: what is left of it is refused.
            texts = [value if isinstance(value, str) else "(a file)" for value in values]
            found.setdefault(key, []).extend(texts)
    return {key: texts[0] if len(texts) == 1 else texts for key, texts in found.items()}


def _parts(field: str) -> tuple[str, str, str]:
    """Return a field's kind, profile and option; all empty when it is no field of a profile."""
    kind, _, rest = field.partition(".")
    owner, _, name = rest.partition(".")
    if kind == "option" and owner and name:
        return kind, owner, name
    if kind in ("size", "connection") and owner and not name:
        return kind, owner, ""
    return "", "", ""
