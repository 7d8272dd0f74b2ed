"""Whether a model's answer agrees with the one that its packet carries."""

from __future__ import annotations

import math
from typing import Any


def difference(expected: Any, actual: Any, tolerance: float, *, at: str = "answer") -> str | None:
    """Return where and how two answers differ, in one sentence, or None when they agree.

    Numbers agree when they differ by at most ``tolerance``, absolutely or relative
    to the larger one; NaN agrees with NaN. Everything else must be equal. ``at``
    names the place that the sentence starts from.
    """
    if _is_number(expected) and _is_number(actual):
        return _number_difference(float(expected), float(actual), tolerance, at)
    if isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            return f"{at} has {len(actual)} values where {len(expected)} were expected."
        pairs = (
            (f"{at}[{i}]", e, a) for i, (e, a) in enumerate(zip(expected, actual, strict=True))
        )
    elif isinstance(expected, dict) and isinstance(actual, dict):
        if expected.keys() != actual.keys():
            return f"{at} has the fields {sorted(actual)} where {sorted(expected)} were expected."
        pairs = ((f"{at}.{key}", expected[key], actual[key]) for key in expected)
    else:
        same = type(expected) is type(actual) and expected == actual
        return None if same else f"{at} is {actual!r} where {expected!r} was expected."
    found = (difference(e, a, tolerance, at=place) for place, e, a in pairs)
    return next((text for text in found if text), None)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number_difference(expected: float, actual: float, tolerance: float, at: str) -> str | None:
    if math.isnan(expected) and math.isnan(actual):
        return None
    if math.isclose(expected, actual, rel_tol=tolerance, abs_tol=tolerance):
        return None
    return f"{at} is {actual!r} where {expected!r} was expected (tolerance {tolerance:g})."
