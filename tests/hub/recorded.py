"""What every test may ask of an audit that a real Hub wrote."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from tests.hub.running import BATON

from baton_hub.audit.events import check_event
from baton_hub.audit.replay import read_events
from baton_hub.audit.verify import verify


def check_audit(path: Path, secrets: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Check an audit whole: its chain, each line against the schema, and that no secret is in it.

    Returns its events. To be called at the end of whatever started a Hub.
    """
    verdict = verify([path])
    assert not verdict.flaws, [str(flaw) for flaw in verdict.flaws]
    events = list(read_events(path))
    for event in events:
        check_event(event)
    text = path.read_text("utf-8")
    assert not [secret for secret in secrets if secret in text]
    return events


def baton(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the `baton` command as people do."""
    command = [BATON, *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
