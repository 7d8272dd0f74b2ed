"""Amounts as the Kubernetes API reads them, and as manifests write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal

_SCALE = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    **{suffix: Decimal(1000) ** n for n, suffix in enumerate("kMGTPE", 1)},
    **{f"{suffix}i": Decimal(1024) ** n for n, suffix in enumerate("KMGTPE", 1)},
}
_QUANTITY = re.compile(
    r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:([eE][+-]?[0-9]{1,3})|([KMGTPE]i|[numkMGTPE])?)"
)
_MILLI = Decimal("0.001")
_STEPS = (("Ti", 1024**4), ("Gi", 1024**3), ("Mi", 1024**2), ("Ki", 1024))


def parse_quantity(value: object) -> Decimal:
    """Return the amount that a quantity stands for: ``"500m"``, ``"2Gi"``, ``"1e3"``, ``4.0``.

    Rounded up to thousandths, as the API does with every resource of a pod before
    anybody looks at it. Raises `ValueError` for what is no quantity. The notation is
    that of https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    """
    # A yes or no is a number to Python, and none to Kubernetes.
    match = None if isinstance(value, bool) else _QUANTITY.fullmatch(str(value))
    if match is None:
        raise ValueError(f"{value!r} is not a quantity")
    number, exponent, suffix = match.groups()
    amount = Decimal(number + (exponent or "")) * _SCALE[suffix or ""]
    # What is too large for the notation's own limits is only ever compared.
    return amount.quantize(_MILLI, ROUND_CEILING) if abs(amount) < Decimal("1e24") else amount


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
