"""Names of the catalogue's things in the cluster. Pure; the spawner and `render` share them."""

from __future__ import annotations

import re
from hashlib import sha256

PREFIX = "baton-"
"""Every PriorityClass of the platform begins with it, and none of anybody else's may."""
_PLAIN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST = 50


def cluster_name(text: str) -> str:
    """Return a name that the cluster takes for any text, and that no other text gets.

    At most 50 of a-z, 0-9 and hyphens, beginning and ending with a letter or a digit:
    fit for names of objects and for values of labels. A text that is such a name, and
    has no two hyphens in a row, is its own; every other one gets two, and the first
    twelve digits of its SHA-256. The same text gets the same name for ever.
    """
    if len(text) <= _LONGEST and _PLAIN.fullmatch(text):
        return text
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    kept = re.sub(r"[^a-z0-9]+", "-", text.lower())[: _LONGEST - 14].strip("-")
    return f"{kept or 'x'}--{digest}"


def priority_class(group: str) -> str:
    """Return the name of the PriorityClass that a group's pods have.

    The empty text stands for people who are in no group with a quota.
    """
    return f"{PREFIX}{cluster_name(group)}" if group else f"{PREFIX}no--group"
