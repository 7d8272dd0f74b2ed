"""Amounts as manifests write them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal

_STEPS = (("Ti", 1024**4), ("Gi", 1024**3), ("Mi", 1024**2), ("Ki", 1024))


def render_cpu(cpu: float) -> str:
    """Return CPUs as the cluster keeps them, such as ``4`` or ``500m``: in whole thousandths."""
    milli = int((Decimal(str(cpu)) * 1000).to_integral_value(ROUND_CEILING))
    return f"{milli}m" if milli % 1000 else str(milli // 1000)


def render_memory(memory: int) -> str:
    """Return bytes in the largest binary unit that divides them, such as ``16Gi``."""
    for suffix, step in _STEPS:
        if memory and memory % step == 0:
            return f"{memory // step}{suffix}"
    return str(memory)


def render_resources(cpu: float, memory: int, gpus: Mapping[str, int]) -> dict[str, str]:
    """Return what a container gets, by the cluster's names, GPUs sorted."""
    counts = {kind: str(gpus[kind]) for kind in sorted(gpus)}
    return {"cpu": render_cpu(cpu), "memory": render_memory(memory), **counts}
