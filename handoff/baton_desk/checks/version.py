"""Which version of the desk looked."""

from __future__ import annotations

from functools import cache
from importlib import metadata


@cache
def baton_version() -> str:
    """Return the installed version of Baton."""
    try:
        return metadata.version("jupyter-baton")
    except metadata.PackageNotFoundError:
        return "unknown"
