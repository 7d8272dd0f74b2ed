"""What people and programs fill in, checked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast, get_args

from baton_contract import BadRequestError
from baton_contract.types import DeploymentStatus, HandoffState
from baton_desk.views import Box

if TYPE_CHECKING:
    from baton_desk.store.shelf import Place

MAX_PAGE = 200
_CURSOR = re.compile(r"(\d{1,15})-([0-9a-f]{32})")
_URL = re.compile(r"https?://\S+")


def parse_text(value: Any, field: str, limit: int, *, empty: bool = False) -> str:
    """Return a text of 1 (or, with ``empty``, 0) to ``limit`` characters, trimmed."""
    if not isinstance(value, str):
        raise BadRequestError("schema", f"{field} must be a text.", path=field)
    text = value.strip()
    if "\x00" in text:
        raise BadRequestError(
            "schema", f"{field} holds a character that can't be kept.", path=field
        )
    if len(text) > limit or not (text or empty):
        least = "at most" if empty else "1 to"
        raise BadRequestError("schema", f"{field} takes {least} {limit} characters.", path=field)
    return text


def parse_reason(value: Any) -> str | None:
    """Return why, or None when nothing was said."""
    return parse_text(value, "reason", 4000, empty=True) or None if value is not None else None


def parse_status(value: Any) -> DeploymentStatus:
    """Return a deployment's status, in GitHub's words."""
    return cast("DeploymentStatus", _one_of(value, "status", get_args(DeploymentStatus)))


def parse_state(value: str | None) -> HandoffState | None:
    """Return the state to keep in a list, or None for all."""
    return cast("HandoffState", _one_of(value, "state", get_args(HandoffState))) if value else None


def parse_box(value: str) -> Box:
    """Return which box a list is of."""
    return cast("Box", _one_of(value, "box", get_args(Box)))


def parse_limit(value: str | int) -> int:
    """Return how many a page holds, 1 to `MAX_PAGE`."""
    text = str(value)
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MAX_PAGE):
        raise BadRequestError("schema", f"limit must be 1 to {MAX_PAGE}.", path="limit")
    return int(text)


def parse_url(value: Any) -> str | None:
    """Return where a deployment is, http or https, or None."""
    if value is None or value == "":
        return None
    text = parse_text(value, "url", 2000)
    if not _URL.fullmatch(text):
        raise BadRequestError("schema", "url must begin with http:// or https://.", path="url")
    return text


def parse_cursor(value: str | None) -> Place | None:
    """Return where the page before ended; None for the first page."""
    if not value:
        return None
    match = _CURSOR.fullmatch(value)
    if not match:
        raise BadRequestError("schema", "cursor is not one that the desk gave.", path="cursor")
    return int(match[1]), match[2]


def render_cursor(place: Place | None) -> str | None:
    """Return a place as a cursor."""
    return f"{place[0]}-{place[1]}" if place else None


def _one_of(value: Any, field: str, words: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in words:
        raise BadRequestError("schema", f"{field} must be one of: {', '.join(words)}.", path=field)
    return value
