"""The words, icons and figures that the pages show for what the desk records."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup


@dataclass(frozen=True)
class Sign:
    """How a state looks: a word, a Font Awesome icon, and one of Bootstrap's tones."""

    word: str
    icon: str
    tone: str
    loud: bool = False
    """Whether it stands out among its like: somebody has to decide."""


STATES: Mapping[str, Sign] = {
    "draft": Sign("Draft", "pen", "secondary"),
    "checking": Sign("Checking", "hourglass-half", "info"),
    "offered": Sign("Offered", "inbox", "primary", loud=True),
    "changes_requested": Sign("Changes requested", "rotate-left", "warning"),
    "accepted": Sign("Accepted", "circle-check", "success"),
    "declined": Sign("Declined", "circle-xmark", "danger"),
    "withdrawn": Sign("Withdrawn", "arrow-right-from-bracket", "secondary"),
    "expired": Sign("Expired", "calendar-xmark", "secondary"),
    "superseded": Sign("Superseded", "forward", "secondary"),
    "revoked": Sign("Revoked", "ban", "danger"),
}

VERDICTS: Mapping[str, Sign] = {
    "passed": Sign("Passed", "check", "success"),
    "failed": Sign("Failed", "xmark", "danger"),
    "error": Sign("Not checked", "triangle-exclamation", "warning"),
}

DEPLOYMENTS: Mapping[str, Sign] = {
    "queued": Sign("Queued", "clock", "secondary"),
    "in_progress": Sign("In progress", "spinner", "info"),
    "success": Sign("Success", "circle-check", "success"),
    "failure": Sign("Failure", "circle-xmark", "danger"),
    "error": Sign("Error", "triangle-exclamation", "danger"),
    "inactive": Sign("Inactive", "circle-pause", "secondary"),
}

CHANNELS: Mapping[str, Sign] = {
    "active": Sign("Active", "circle-check", "success"),
    "paused": Sign("Paused", "circle-pause", "warning"),
    "disabled": Sign("Disabled", "ban", "secondary"),
}

DELIVERIES: Mapping[str, Sign] = {
    "pending": Sign("Pending", "clock", "info"),
    "delivered": Sign("Delivered", "circle-check", "success"),
    "failed": Sign("Failed", "circle-xmark", "danger"),
}

CHECKS: Mapping[str, str] = {
    "digests": "The files are the ones that were sent",
    "format": "The files are of the kinds they claim to be",
    "predict": "It loads and answers its own example in a separate process",
}
"""What each of the desk's own checks asks; others are shown by their name."""

_SPANS = ((31536000, "year"), (2592000, "month"), (86400, "day"), (3600, "hour"), (60, "minute"))


def render_relative(stamp: str, now: datetime | None = None) -> str:
    """Return how long ago, or ahead, a contract timestamp is, as the script says it too."""
    seconds = (parse_timestamp(stamp) - (now or datetime.now(UTC))).total_seconds()
    for span, name in _SPANS:
        count = int(abs(seconds) // span)
        if count:
            words = f"{count} {name}" + ("s" if count > 1 else "")
            return f"in {words}" if seconds > 0 else f"{words} ago"
    return "just now" if seconds <= 0 else "in a moment"


def render_exact(stamp: str) -> str:
    """Return a contract timestamp as people read it, to the second, UTC."""
    return f"{parse_timestamp(stamp):%Y-%m-%d %H:%M:%S} UTC"


def parse_timestamp(stamp: str) -> datetime:
    """Return the moment that a contract timestamp names."""
    return datetime.fromisoformat(stamp)


def short_digest(value: str) -> str:
    """Return the first twelve digits of a digest, without the algorithm's name."""
    return value.removeprefix("sha256:")[:12]


def first_line(text: str) -> str:
    """Return a text's first line that says something, or nothing."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def render_wrappable(name: str) -> Markup:
    """Return a path or a dotted name, escaped, that may break after its separators."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"([/._-])", r"\1<wbr>", str(escape(name))))  # noqa: S704 (escaped above)


def render_figure(value: float | str) -> str:
    """Return a metric with six figures at most, and a parameter as it is."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
