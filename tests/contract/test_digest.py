"""A packet's name depends on its content and on nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from baton_contract import BadRequestError, canonical_json, packet_digest, sha256_file

PACKET = json.loads(
    (Path(__file__).parent / "samples/packet.v1/good/unicode.json").read_text("utf-8")
)


def test_digest_is_independent_of_key_order_and_spacing() -> None:
    turned = json.loads(json.dumps(dict(reversed(PACKET.items())), indent=7))
    assert packet_digest(turned) == packet_digest(PACKET)


def test_digest_changes_with_any_content() -> None:
    assert packet_digest({**PACKET, "supersedes": "0" * 64}) != packet_digest(PACKET)


def test_digest_is_the_same_today_as_when_it_was_recorded() -> None:
    """A change here breaks every packet that was ever handed over."""
    assert (
        packet_digest(PACKET) == "df2e23d16c82b2840017c813da6113e04a05cb55de06e270209da6e24c7dc74d"
    )


def test_canonical_form_is_that_of_rfc_8785() -> None:
    """The numbers and strings are those of section 3.2.2 of the RFC."""
    value = {"numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 1e-27], "literals": [None, True]}
    assert canonical_json(value) == (
        b'{"literals":[null,true],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27]}'
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**60, {1: "a"}])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(BadRequestError) as refusal:
        canonical_json({"a": value})
    assert refusal.value.code == "not_canonical"


def test_file_digest_is_that_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    assert sha256_file(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
