"""When a model's answer counts as the one that its packet carries."""

from __future__ import annotations

import pytest

from baton_contract.example import difference


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ([1, 2.0], [1.0, 2]),
        ([0.1 + 0.2], [0.3]),
        ([1e9], [1e9 + 1]),
        ([float("nan")], [float("nan")]),
        ([{"label": "benign", "p": 0.9}], [{"label": "benign", "p": 0.9000001}]),
        (None, None),
    ],
)
def test_answers_agree(expected: object, actual: object) -> None:
    assert difference(expected, actual, 1e-6) is None


@pytest.mark.parametrize(
    ("expected", "actual", "place"),
    [
        ([0, 1], [0, 0], "answer[1]"),
        ([0, 1], [0], "answer has 1 values"),
        ([{"p": 0.9}], [{"q": 0.9}], "answer[0] has the fields"),
        ([True], [1], "answer[0]"),
        ([1.0], [float("nan")], "answer[0]"),
        (["benign"], ["malign"], "answer[0]"),
        ([1.0], ["1.0"], "answer[0]"),
        ([0.5], [0.5001], "tolerance 1e-06"),
    ],
)
def test_difference_says_where(expected: object, actual: object, place: str) -> None:
    found = difference(expected, actual, 1e-6)
    assert found is not None
    assert place in found
