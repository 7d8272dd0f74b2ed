"""The published schema of an audit's lines: what fits, what does not, and that it is documented."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator, ValidationError
from tests.hub.running import PROFILES

from baton_contract import ForbiddenError
from baton_hub.audit import Audit
from baton_hub.audit.catalog import RecordedCatalog
from baton_hub.audit.events import allowed, check_event, load_schema, refused, started, stopped
from baton_hub.audit.replay import read_events
from baton_hub.booking import Booking
from baton_hub.catalog import LiveCatalog, load_catalog
from baton_hub.commands.audit import command
from baton_hub.policy import resolve
from baton_hub.reservations import Reservations

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "audit.md"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def audit(path: Path) -> Iterator[Audit]:
    made = Audit(path)
    yield made
    made.close()


def resolved() -> tuple[Booking, Any]:
    catalog, today = load_catalog(PROFILES), date(2026, 11, 1)
    spec = resolve(catalog, "ada", ["data-science"], {"profile": "python"}, today=today)
    reservations = Reservations()
    booking = reservations.reserve("", spec, catalog.quotas, 60)
    return reservations.start(booking.key) or booking, spec


def test_every_kind_of_event_fits(audit: Audit, path: Path) -> None:
    booking, spec = resolved()
    error = ForbiddenError("quota_cpu", "It does not fit.")
    whose = {"user": "ada", "server": "", "groups": ["b", "a"], "revision": "0" * 64}
    RecordedCatalog(LiveCatalog(PROFILES), audit).current()
    audit.record("spawn", **allowed(booking, spec))
    audit.record("spawn", **refused(error, asked={}, spec=spec, **whose))
    for asked in ({}, None, [1], {"profile": 1, "size": {}}, {"profile": "\x00" * 500}):
        audit.record("spawn", **refused(error, asked=asked, **whose))
    audit.record("start", **started(booking))
    for code in ("stopped", "culled", "ended", "failed", "lost"):
        audit.record("stop", **stopped(booking, code))
    audit.close()
    with path.open("ab") as stream:
        stream.write(b"torn")
    again = Audit(path)
    again.open()
    again.close()
    found = list(read_events(path))
    for event in found:
        check_event(event)
    assert {event["event"] for event in found} == set(load_schema()["properties"]["event"]["enum"])


def test_a_broken_edit_is_an_event_without_its_text(
    audit: Audit, path: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "profiles"
    folder.mkdir()
    (folder / "one.yaml").write_text("password: hunter2\n")
    recorded = RecordedCatalog(LiveCatalog(folder), audit)
    recorded.current()
    recorded.current()
    (event,) = [e for e in read_events(path) if e["event"] == "catalog"]
    check_event(event)
    assert (event["decision"], event["revision"], event["profiles"]) == ("refused", "", 0)
    assert event["faults"] > 0
    assert "hunter2" not in path.read_text()


def good() -> dict[str, Any]:
    booking, _ = resolved()
    place = {"schema": "urn:baton:audit:1", "seq": 2, "prev": "0" * 64, "hash": "1" * 64}
    time = {"time": "2026-07-01T12:00:00.000Z", "event": "stop"}
    return {**place, **time, **stopped(booking, "stopped")}


@pytest.mark.parametrize(
    "change",
    [
        {"event": "start"},
        {"event": "party"},
        {"seq": 0},
        {"prev": "0" * 63},
        {"schema": "urn:baton:audit:2"},
        {"time": "2026-07-01 12:00"},
        {"time": "2026-07-01T12:00:00.000+02:00"},
        {"code": "because"},
        {"started": ""},
        {"digest": "latest"},
        {"cpu": 0},
        {"gpus": {"nvidia.com/gpu": 0.5}},
        {"user": "x" * 256},
        {"environment": {"PASSWORD": "x"}},
        {"id": ""},
    ],
    ids=str,
)
def test_what_is_no_event_does_not_fit(change: dict[str, Any]) -> None:
    check_event(good())
    with pytest.raises(ValidationError):
        check_event({**good(), **change})


@pytest.mark.parametrize("key", sorted(good()))
def test_nothing_may_be_left_out(key: str) -> None:
    with pytest.raises(ValidationError):
        check_event({k: v for k, v in good().items() if k != key})


def test_the_schema_is_one_and_says_what_is_not_recorded() -> None:
    schema = load_schema()
    Draft202012Validator.check_schema(schema)
    printed = CliRunner().invoke(command, ["schema"]).stdout
    assert json.loads(printed) == schema
    assert schema["$id"] == "urn:baton:audit:1"
    assert "Never recorded" in schema["description"]
    for kind in schema["properties"]["event"]["enum"]:
        assert schema["$defs"][kind]["description"]


def test_every_key_and_code_is_in_the_reference() -> None:
    text = PAGE.read_text()
    told = set(re.findall(r"`([a-z_0-9]+)`", text))
    assert keys(load_schema()) <= told


def keys(schema: Any) -> set[str]:
    """Return every key of an event, and every word that one can hold."""
    if isinstance(schema, list):
        return set().union(*map(keys, schema))
    if not isinstance(schema, dict):
        return set()
    words = {word for word in schema.get("enum", ()) if isinstance(word, str)}
    names = set(schema.get("properties", ()))
    return words.union(names, *map(keys, schema.values()))
