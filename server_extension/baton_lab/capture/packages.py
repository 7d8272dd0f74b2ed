"""The packages that a process can import, as a lock file."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from importlib.metadata import Distribution, distributions


def render_lock(path: Sequence[str]) -> str:
    """Return ``name==version`` lines of what is installed along ``path``, by name.

    Two comments before them say Python's version and the platform. Where a package is
    there twice, the one that is imported counts.
    """
    found: dict[str, str] = {}
    for distribution in distributions(path=list(path)):
        name, version = _named(distribution)
        if name and version:
            found.setdefault(_normal(name), f"{name}=={version}")
    head = (
        f"# Python {platform.python_version()} ({platform.python_implementation()})",
        f"# {platform.platform()}",
    )
    return "\n".join((*head, *(found[name] for name in sorted(found)), ""))


def _named(distribution: Distribution) -> tuple[str, str]:
    try:
        return distribution.metadata["Name"] or "", distribution.version or ""
    except (KeyError, OSError, ValueError):
        return "", ""  # Half removed.


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
