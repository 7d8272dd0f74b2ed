"""Amounts as the Kubernetes API reads them."""

from __future__ import annotations

import re
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
