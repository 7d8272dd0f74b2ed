"""The way back as lines of text for a terminal or a log."""

from __future__ import annotations

from collections.abc import Iterator

from baton_contract.size import render_size
from baton_contract.types import Trace, TraceStep


def render_trace(trace: Trace) -> str:
    """Return a line a step, its note below it, and what the checks come to."""
    return "\n".join([*_heading(trace), *_steps(trace["steps"]), "", _verdict(trace)])


def _heading(trace: Trace) -> Iterator[str]:
    version, run = trace["version"], trace["run"]
    if version:
        aliases = "".join(f" @{alias}" for alias in version["aliases"])
        by = f", registered by {version['author']}" if version["author"] else ""
        yield f"{version['name']} version {version['version']}{aliases}{by}"
    if run:
        by = f" by {run['author']}" if run["author"] else ""
        when = f", started {run['started_at']}" if run["started_at"] else ""
        yield f"run {run['id']}{by}{when}, {run['status'].lower()}"
    yield ""


def _steps(steps: list[TraceStep]) -> Iterator[str]:
    for each in steps:
        facts = "  ".join(filter(None, _facts(each)))
        yield f"{each['kind']:<9} {each['state']:<9} {facts}".rstrip()
        if each["note"]:
            yield f"{'':<20}{_printable(each['note'])}"


def _facts(each: TraceStep) -> Iterator[str | None]:
    yield _printable(each["value"] or "")
    yield _short(each["digest"])
    yield render_size(each["size"]) if each["size"] is not None else None
    # Where a file lies is what --json is for; a remote or a dataset's place is worth reading.
    if each["kind"] in {"commit", "dataset", "version"}:
        yield _printable(each["uri"] or "")


def _short(digest: str | None) -> str | None:
    if digest is None:
        return None
    head, colon, rest = digest.rpartition(":")
    return f"{head}{colon}{rest[:12]}" + ("…" if len(rest) > 12 else "")


def _printable(text: str) -> str:
    """Return ``text`` on one line: names come from others, and a terminal obeys control codes."""
    return "".join(c if c.isprintable() else "�" for c in text)


def _verdict(trace: Trace) -> str:
    states = [each["state"] for each in trace["steps"]]
    parts = [
        f"{states.count(state)} {word}"
        for state, word in (
            ("verified", "verified"),
            ("recorded", "recorded"),
            ("missing", "missing"),
            ("differs", "differs"),
        )
        if state in states
    ]
    return f"{_WORDS[trace['verdict']]} ({', '.join(parts)})"


_WORDS = {
    "whole": "The way back is whole.",
    "incomplete": "Nothing differs; some steps are missing.",
    "differs": "Something is not what was recorded.",
}
