"""Keeping MLflow's process small: what it loads and never needs, and what it does not give back."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys

ARENAS = 2
"""Heaps that threads share; the C library's own choice is eight for each processor."""
TRIM_BYTES = 256 * 1024
UNUSED = ("pyarrow",)
"""Libraries that pandas loads where it finds them, and that MLflow's server never asks for."""

_M_TRIM_THRESHOLD = -1
_M_ARENA_MAX = -8


def limit() -> None:
    """Have this process allocate sparingly and leave out `UNUSED`; before MLflow is imported."""
    if (mallopt := _of_c("mallopt")) is not None:
        mallopt(_M_ARENA_MAX, ARENAS)
        mallopt(_M_TRIM_THRESHOLD, TRIM_BYTES)
    for name in UNUSED:
        # Python's own way to say that a module can't be imported; pandas goes on without.
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]


def settle() -> None:
    """Give back what loading left over, and keep what is loaded out of every later collection.

    Pages of what is loaded are then not written to any more, so that forked processes
    go on sharing them.
    """
    gc.collect()
    gc.freeze()
    if (trim := _of_c("malloc_trim")) is not None:
        trim(0)


def _of_c(name: str) -> ctypes._NamedFuncPointer | None:
    """Return a function of the C library, if this system's has it (it is GNU's)."""
    with contextlib.suppress(AttributeError, OSError, TypeError):
        return getattr(ctypes.CDLL(None), name)  # type: ignore[no-any-return]
    return None
