"""The audit: one line an event, added and never changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from baton_hub.audit import Audit


def test_each_event_is_one_line_of_json_with_its_time(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    audit = Audit(path, clock=lambda: datetime(2026, 7, 1, 12, 0, 0, 5000, tzinfo=UTC))
    audit.record("spawn", user="ada", reason="two\nlines \ud800")
    before = path.read_bytes()
    audit.record("stop", user="ada")
    assert path.read_bytes().startswith(before)
    first, second = [json.loads(line) for line in path.read_text().splitlines()]
    assert first["time"] == "2026-07-01T12:00:00.005Z"
    assert (first["event"], second["event"]) == ("spawn", "stop")


def test_without_a_file_nothing_is_recorded() -> None:
    Audit(None).record("spawn", user="ada")
