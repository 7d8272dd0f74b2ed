"""Kubernetes' quantities: amounts such as ``500m``, ``2Gi`` or ``1e3``, and what they come to."""

from __future__ import annotations

import re
from decimal import ROUND_UP, Decimal, localcontext
from typing import Any

_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))"
    r"(?P<suffix>[KMGTPE]i|[numkMGTPE]|(?P<exponent>[eE][+-]?[0-9]{1,3}))?"
)
_SCALE = {
    **{suffix: Decimal(10) ** power for suffix, power in zip("num", (-9, -6, -3), strict=True)},
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", 1)},
    **{f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", 1)},
}
_FINEST = Decimal("1e-9")
_LONGEST = 100


def parse_quantity(given: Any) -> Decimal:
    """Return what a quantity comes to, from its text or from a JSON number.

    As in the cluster, what is finer than a billionth is rounded away from zero.
    Raises `ValueError` for anything that is no quantity.
    """
    if isinstance(given, bool) or not isinstance(given, str | int | float | Decimal):
        raise ValueError(f"{given!r} is not a quantity")  # noqa: TRY004
    text = str(given)
    match = _QUANTITY.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise ValueError(f"{text[:_LONGEST]!r} is not a quantity")
    with localcontext(prec=2000):
        number = Decimal(match["number"])
        if match["exponent"]:
            amount = number.scaleb(int(match["exponent"][1:]))
        else:
            amount = number * _SCALE.get(match["suffix"], Decimal(1))
        return amount.quantize(_FINEST, rounding=ROUND_UP)
