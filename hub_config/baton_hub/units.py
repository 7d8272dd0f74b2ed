"""Amounts of memory and CPU, as catalogues write them and as people read them."""

from __future__ import annotations

import re

_SCALE = {"K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)([KMGT])")


def parse_memory(text: str | int) -> int:
    """Return memory in bytes from text such as ``512M`` or ``0.5G``, or from a number of bytes.

    The suffixes K, M, G and T count in steps of 1024, as JupyterHub's own do.
    Raises `ValueError` with a sentence that says what to write instead.
    """
    if isinstance(text, bool) or not isinstance(text, str | int):
        # pydantic turns a ValueError, and nothing else, into a fault.
        raise ValueError("write memory as text such as 4G, or as a whole number of bytes")  # noqa: TRY004
    if isinstance(text, int):
        amount = text
    else:
        match = _MEMORY.fullmatch(text)
        if match is None:
            hint = _corrected(text)
            raise ValueError(
                f"{text!r} is not an amount of memory: write {hint or 'it such as 4G or 512M'}"
            )
        amount = int(float(match[1]) * _SCALE[match[2]])
    if amount <= 0:
        raise ValueError("an amount of memory is more than nothing")
    return amount


def _corrected(text: str) -> str | None:
    """Return what was probably meant by Kubernetes' or people's way of writing it."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgtKMGT])(?:i?[bB]?)\s*", text)
    return f"{match[1]}{match[2].upper()}" if match else None


def render_memory(amount: int) -> str:
    """Return bytes as people read them: ``512 MB``, ``2 GB``, ``1.5 GB``."""
    for suffix in ("T", "G", "M", "K"):
        if abs(amount) >= _SCALE[suffix]:
            return f"{amount / _SCALE[suffix]:.4g} {suffix}B"
    return f"{amount} bytes"


def render_cpu(amount: float) -> str:
    """Return a number of CPUs as people read it: ``1 CPU``, ``0.5 CPU``, ``4 CPUs``."""
    return f"{amount:g} CPU" if amount <= 1 else f"{amount:g} CPUs"
