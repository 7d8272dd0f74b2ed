"""The packages that a process can import, as a lock file."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import Distribution, distributions


def render_lock(path: Sequence[str]) -> str:
    """Return ``name==version`` lines of what is installed along ``path``, by name.

    Two comments before them say Python's version and the platform. Where a package is
    there twice, the one that is imported counts.
    """
    return _render(tuple(path), tuple(map(_changed, path)))


@lru_cache(maxsize=4)
def _render(path: tuple[str, ...], _changed: tuple[int, ...]) -> str:
    # One collector serves many runs of a loop, and looks anew only after a pip install.
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


def _changed(folder: str) -> int:
    try:
        return os.stat(folder or ".").st_mtime_ns  # noqa: PTH116 - a relative "" is the working one
    except OSError:
        return 0


def _named(distribution: Distribution) -> tuple[str, str]:
    try:
        return distribution.metadata["Name"] or "", distribution.version or ""
    except (KeyError, OSError, ValueError):
        return "", ""  # Half removed.


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
