"""JSON from outside: taken whole, or refused with a reason."""

from __future__ import annotations

import pytest

from baton_contract.body import DEEPEST, parse_json
from baton_contract.errors import BadRequestError


def test_what_is_json_is_returned() -> None:
    assert parse_json(b'{"a": [1, "\\u00e9\\ud83d\\ude00"]}') == {"a": [1, "é😀"]}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"NaN", b'{"a": Infinity}', b'"\\ud800"'])
def test_what_could_not_be_stored_or_sent_on_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequestError) as refused:
        parse_json(body)
    assert refused.value.code == "not_json"


@pytest.mark.parametrize("levels", [DEEPEST + 1, 970, 100_000])
@pytest.mark.parametrize(("left", "right"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_beyond_the_limit_is_refused(left: bytes, right: bytes, levels: int) -> None:
    with pytest.raises(BadRequestError) as refused:
        parse_json(left * levels + b"1" + right * levels)
    assert refused.value.code == "too_deep"
    assert parse_json(left * DEEPEST + b"1" + right * DEEPEST)
