"""Every good sample fits its schema; every bad one is refused at the place where it is bad."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from baton_contract import BadRequestError, load_schema, validate
from baton_contract.schema import SCHEMAS

SAMPLES = Path(__file__).with_name("samples")
GOOD = sorted(SAMPLES.glob("*/good/*.json"))
BAD = sorted(SAMPLES.glob("*/bad/*.json"))


def name_of(path: Path) -> str:
    return f"{path.parts[-3]}/{path.stem}"


@pytest.mark.parametrize("path", GOOD, ids=name_of)
def test_good_sample_fits(path: Path) -> None:
    validate(path.parts[-3], json.loads(path.read_text("utf-8")))


@pytest.mark.parametrize("path", BAD, ids=name_of)
def test_bad_sample_is_refused_at_its_fault(path: Path) -> None:
    sample = json.loads(path.read_text("utf-8"))
    with pytest.raises(BadRequestError) as refusal:
        validate(path.parts[-3], sample["value"])
    assert refusal.value.code == "schema"
    found = re.sub(r"\[(\d+)\]", r".\1", refusal.value.details["path"])
    # A missing or superfluous key is a fault of the object that should or should not hold it.
    assert sample["at"] == found or sample["at"].rpartition(".")[0] == found
    assert sample["at"].rpartition(".")[2] in refusal.value.message + found


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_is_sound_and_has_samples_of_both_kinds(name: str) -> None:
    schema = load_schema(name)
    Draft202012Validator.check_schema(schema)
    assert schema["description"]
    assert list(SAMPLES.glob(f"{name}/good/*.json"))
    assert list(SAMPLES.glob(f"{name}/bad/*.json"))


def test_every_schema_file_can_be_named() -> None:
    files = Path(__file__).parents[2] / "handoff/baton_contract/schemas"
    assert {path.name.removesuffix(".schema.json") for path in files.iterdir()} == set(SCHEMAS)
