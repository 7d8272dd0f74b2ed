"""Amounts of memory, CPU and time, as catalogues write them and as people read them."""

from __future__ import annotations

import re
from math import isfinite

_SCALE = {"K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_MEMORY = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([KMGT])")
_SECONDS = {"m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([0-9]{1,6})([mhd])")


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
                f"{text[:40]!r} is not an amount of memory: write {hint or 'it such as 4G or 512M'}"
            )
        amount = int(float(match[1]) * _SCALE[match[2]])
    if not 0 < amount < 2**60:
        raise ValueError("an amount of memory is more than nothing and less than a million T")
    return amount


def _corrected(text: str) -> str | None:
    """Return what was probably meant by Kubernetes' or people's way of writing it."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgtKMGT])(?:i?[bB]?)\s*", text)
    return f"{match[1]}{match[2].upper()}" if match else None


def parse_cpu(number: float) -> float:
    """Return a number of CPUs as it is; raises `ValueError` for what is no plain number."""
    if isinstance(number, bool) or not isinstance(number, int | float) or not isfinite(number):
        match = re.fullmatch(r"\s*(\d{1,9})m\s*", number) if isinstance(number, str) else None
        hint = f"{int(match[1]) / 1000:g}" if match else "a number such as 0.5 or 4, without quotes"
        raise ValueError(f"{str(number)[:40]!r} is not a number of CPUs: write {hint}")
    return number


def parse_duration(text: str) -> int:
    """Return seconds from text such as ``30m``, ``8h`` or ``2d``.

    Raises `ValueError` with a sentence that says what to write instead.
    """
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None or int(match[1]) == 0:
        raise ValueError(
            f"{str(text)[:40]!r} is not a length of time: write it such as 30m, 8h or 2d"
        )
    return int(match[1]) * _SECONDS[match[2]]


def render_memory(amount: int) -> str:
    """Return bytes as people read them: ``512 MB``, ``2 GB``, ``1.5 GB``."""
    for suffix in ("T", "G", "M", "K"):
        if abs(amount) >= _SCALE[suffix]:
            return f"{amount / _SCALE[suffix]:.4g} {suffix}B"
    return f"{amount} bytes"


def render_cpu(amount: float) -> str:
    """Return a number of CPUs as people read it: ``1 CPU``, ``0.5 CPU``, ``4 CPUs``."""
    return f"{amount:g} CPU" if amount <= 1 else f"{amount:g} CPUs"


def render_duration(seconds: float) -> str:
    """Return a length of time as people read it, in days, hours, minutes: ``1 h 30 min``."""
    minutes = round(seconds / 60)
    days, minutes = divmod(minutes, 24 * 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{days} d" if days else "", f"{hours} h" if hours else ""]
    if minutes and not days:
        parts.append(f"{minutes} min")
    return " ".join(filter(None, parts)) or "less than a minute"
