"""What somebody asks for when they start a server: untrusted, until it is parsed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from baton_contract import BadRequestError

KEYS = ("profile", "size", "options", "connections")
"""Every key that a choice may have."""
MOST = 64
"""The most answers, and the most connections, of one choice."""


@dataclass(frozen=True)
class Choice:
    """A choice that has the right form. Whether it is offered to anybody is not known yet."""

    profile: str
    size: str | None = None
    """None: the profile's default."""
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    connections: tuple[str, ...] = ()


def parse_choice(given: Any) -> Choice:
    """Return the choice in ``{"profile": NAME, "size": NAME, "options": {NAME: ANSWER}, …}``.

    Nothing is converted, trimmed or folded: a name is text that is the same character by
    character, or another name. A key that is left out has its default; an empty text or
    null has not. The work is bounded, whatever was sent.

    Raises `BadRequestError` (bad_choice, unknown_option, no_profile).
    """
    if not isinstance(given, Mapping):
        raise _bad("The options must be an object with profile and size")
    for key in given:
        if key not in KEYS:
            raise BadRequestError(
                "unknown_option",
                f"There is no option {shown(key)}. Options are: {', '.join(KEYS)}.{_meant(key)}",
            )
    for key in ("profile", "size"):
        if not isinstance(given.get(key, ""), str):
            raise _bad(f"The {key} must be a name, written as text")
    if not given.get("profile"):
        raise BadRequestError(
            "no_profile", "No profile was chosen. Choose one of those offered to you."
        )
    return Choice(
        given["profile"],
        given.get("size"),
        _parse_answers(given.get("options", {})),
        _parse_names(given.get("connections", ())),
    )


def _parse_answers(given: Any) -> Mapping[str, str]:
    if not isinstance(given, Mapping):
        raise _bad("The options must be an object of names and texts")
    if len(given) > MOST:
        raise _bad(f"At most {MOST} options can be answered")
    for key, answer in given.items():
        if not isinstance(key, str) or not isinstance(answer, str):
            raise _bad(f"The answer to option {shown(key)} must be text")
    return MappingProxyType(dict(given))


def _parse_names(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list | tuple):
        raise _bad("The connections must be a list of names")
    if len(given) > MOST:
        raise _bad(f"At most {MOST} connections can be attached")
    if not all(isinstance(name, str) for name in given):
        raise _bad("The connections must be names, written as text")
    if len(set(given)) < len(given):
        raise _bad("A connection is named twice. Name each one once")
    return tuple(given)


def shown(text: Any, limit: int = 60) -> str:
    """Return what somebody sent, fit to be quoted in a sentence: short, one line, printable."""
    if not isinstance(text, str):
        return f"of type {type(text).__name__}"
    quoted = ascii(text[: limit + 1])
    return quoted if len(quoted) <= limit else f"{quoted[:limit]}…"


def _bad(sentence: str) -> BadRequestError:
    return BadRequestError("bad_choice", f"{sentence}.")


def _meant(key: Any) -> str:
    close = get_close_matches(key[:80], KEYS, n=1) if isinstance(key, str) else []
    return f" Did you mean {close[0]}?" if close else ""
