"""The published schemas and their reference are what the catalogue accepts."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator, FormatChecker

from baton_hub.catalog.schema import MODELS, render_schema
from baton_hub.catalog.source import Source
from baton_hub.commands.schema import command

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "docs" / "reference"
CORPUS = Path(__file__).parent / "bad_profiles"
EXAMPLES = sorted((ROOT / "profiles").glob("*.yaml"))
_UNKNOWN = re.compile(r"# fault: (unknown_key|unknown_trait|trait_not_allowed)")
BAD_KEYS = [path for path in sorted(CORPUS.rglob("*.yaml")) if _UNKNOWN.search(path.read_text())]


def as_json(value: Any) -> Any:
    """Return a file's value as JSON has it: dates are text there."""
    if isinstance(value, dict):
        return {key: as_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_json(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value


def errors_of(path: Path) -> list[str]:
    name = path.stem if path.stem in MODELS else "profile"
    schema = json.loads((PUBLISHED / f"{name}.schema.json").read_text())
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    value = as_json(Source(path, path.read_bytes()).value)
    return [error.message for error in validator.iter_errors(value)]


@pytest.mark.parametrize("name", MODELS)
def test_the_published_schema_is_the_one_that_the_models_give(name: str) -> None:
    """If not: ``baton catalog schema NAME > docs/reference/NAME.schema.json``."""
    path = PUBLISHED / f"{name}.schema.json"
    assert path.read_text() == CliRunner().invoke(command, [name]).output
    Draft202012Validator.check_schema(render_schema(name))


def test_the_reference_is_the_one_that_the_models_give() -> None:
    """If not: ``baton catalog schema --markdown > docs/reference/catalogue.md``."""
    output = CliRunner().invoke(command, ["--markdown"]).output
    assert (PUBLISHED / "catalogue.md").read_text() == output


@pytest.mark.parametrize("name", MODELS)
def test_every_field_says_what_it_is(name: str) -> None:
    schema = render_schema(name)
    for model in (schema, *schema.get("$defs", {}).values()):
        for key, field in model.get("properties", {}).items():
            assert field.get("description"), f"{name}: {key}"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_fits_its_schema_and_names_it(path: Path) -> None:
    assert not errors_of(path)
    name = path.stem if path.stem in MODELS else "profile"
    first = path.read_text().split("\n", 1)[0]
    assert first == f"# yaml-language-server: $schema=../docs/reference/{name}.schema.json"


@pytest.mark.parametrize("path", BAD_KEYS, ids=lambda path: path.stem)
def test_no_file_with_an_unknown_key_fits_its_schema(path: Path) -> None:
    assert errors_of(path)


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("memory", ["4G", "0.5G", 1073741824]),
        ("cpu", [1, 0.5]),
    ],
)
def test_a_schema_accepts_each_way_to_write_an_amount(key: str, values: list[Any]) -> None:
    size = {"cpu": 1, "memory": "1G"}
    schema = render_schema("profile")
    validator = Draft202012Validator({**schema["$defs"]["Size"], "$defs": schema["$defs"]})
    for value in values:
        validator.validate({**size, key: value})
    assert not validator.is_valid({**size, "memory": "4Gi"})


@pytest.mark.parametrize("arguments", [[], ["profile", "--markdown"], ["profiles"]])
def test_a_wrong_call_says_what_there_is(arguments: list[str]) -> None:
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 2
    assert "Error: " in result.stderr
