"""What is found of a run after it started, as entries of the journal."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baton_lab.capture.cells import load_executed
from baton_lab.capture.changes import find_changes
from baton_lab.capture.mask import Mask
from baton_lab.capture.packages import render_lock
from baton_lab.capture.place import Place, printable
from baton_lab.capture.snapshot import parse_notebook, take_snapshot

if TYPE_CHECKING:
    from baton_lab.offline.journal import Entry, Journal

LARGEST_NOTEBOOK = 100 * 1024 * 1024
"""Bytes of a notebook's file that is read; of a larger one only what ran is kept."""
READINGS, READING_PAUSE = 5, 0.2
"""How often a file that is no notebook is read, and the seconds between."""
LONGEST = 5000
"""Characters of a tag's value; MLflow takes 8000."""
Json = dict[str, Any]
Tags = dict[str, str]


class Findings:
    """What one run's request leads to. Files come before the tags that name them."""

    def __init__(self, request: Json, journal: Journal, mask: Mask) -> None:
        self.run = str(request["run"])
        self.request = request
        known = {field.name for field in fields(Place)}
        self.place = Place(**{k: v for k, v in request["place"].items() if k in known})
        self._journal = journal
        self.mask = mask

    def file(self, kind: str, content: bytes, suffix: str) -> tuple[Entry, str, str]:
        """Keep a file of the experiment's; return its entry, its address and its digest."""
        digest = self._journal.keep(content)
        uri = f"{self.request['experiment']}/baton/{kind}/{digest}{suffix}"
        return {"kind": "file", "uri": uri, "sha256": digest}, uri, digest


def collect(
    request: Json, journal: Journal, mask: Mask, *, is_late: bool, is_last: bool
) -> Iterator[Entry]:
    """Yield the entries that a request leads to, the cheapest first.

    ``is_late``: the environment that the run had is gone, and with it the knowledge of
    its secrets, so outputs are left out. ``is_last``: earlier attempts ended this
    process, so nothing is read any more and the run says so. A part that fails becomes
    a sentence in the run's tag ``baton.capture.problem``; the others go on.
    """
    findings = Findings(request, journal, mask)
    if request.get("tags"):
        yield _tags(findings, request["tags"])
    if is_last:
        yield _tags(findings, {"baton.capture.problem": "Reading the notebook failed 3 times."})
        return
    problems: list[str] = []
    for name, part in PARTS.items():
        try:
            yield from part(findings, is_late)
        except Problem as problem:
            problems.append(str(problem))
        except Exception as error:  # noqa: BLE001 - one part's failure must not take the others
            problems.append(f"The {name} could not be read ({type(error).__name__}).")
    if problems:
        yield _tags(findings, {"baton.capture.problem": " ".join(problems)})


class Problem(Exception):  # noqa: N818 - it is told, not raised to anybody
    """Why a part of the findings is not there, in a sentence for the person."""


def _tags(findings: Findings, tags: Tags) -> Entry:
    masked = {key: findings.mask.text(str(value))[:LONGEST] for key, value in tags.items() if value}
    return {"kind": "tags", "tags": {key: printable(value) for key, value in masked.items()}}


def _notebook(findings: Findings, is_late: bool) -> Iterator[Entry]:
    place = findings.place
    if place.kernel is None and place.file is None:
        return
    executed = load_executed(Path(place.cells), place.count) if place.cells else []
    text, saved, why = _load_saved(place)
    if saved is None and not executed:
        return
    if saved is not None and is_late:
        text, saved = b"", _without_outputs(saved)
        why = "outputs (taken after the server's restart)"
    snapshot = take_snapshot(saved, executed, findings.mask, text)
    entry, uri, digest = findings.file("notebooks", snapshot.content, ".ipynb")
    yield entry
    yield _tags(
        findings,
        {
            "baton.notebook.sha256": digest,
            "baton.notebook.snapshot": uri,
            "baton.notebook.in_order": _word(snapshot.in_order),
            "baton.notebook.left_out": "; ".join(filter(None, (why, snapshot.left_out))),
            # No client named the cell, but the notebook shows which it was.
            "baton.cell": (saved and not place.cell and executed and snapshot.cell) or "",
        },
    )
    yield from _papermill(findings, saved)


def _load_saved(place: Place) -> tuple[bytes, Json | None, str]:
    """Return the notebook as it is saved, or nothing and what a snapshot without it lacks."""
    named = place.output or place.file
    path = Path(named) if named else None
    if path is None or not path.is_file():
        return b"", None, "the saved notebook (there is no file)" if place.path else ""
    size = path.stat().st_size
    if size > LARGEST_NOTEBOOK:
        return b"", None, f"the saved notebook (it has {size / 2**20:.0f} MiB)"
    for _ in range(READINGS):
        text = path.read_bytes()
        notebook = parse_notebook(text)
        if notebook is not None:
            return text, notebook, ""
        # Papermill writes over the file as its cells end: this may be half of it.
        time.sleep(READING_PAUSE)
    return b"", None, "the saved notebook (it is no notebook of format 4)"


def _without_outputs(notebook: Json) -> Json:
    cells = [{**cell, "outputs": []} if "outputs" in cell else cell for cell in notebook["cells"]]
    return {**notebook, "cells": cells}


def _papermill(findings: Findings, notebook: Json | None) -> Iterator[Entry]:
    said = ((notebook or {}).get("metadata") or {}).get("papermill")
    parameters = said.get("parameters") if isinstance(said, dict) else None
    if findings.place.output and parameters:
        text = json.dumps(findings.mask.value(parameters), sort_keys=True, ensure_ascii=False)
        yield _tags(findings, {"baton.papermill.parameters": text})


def _script(findings: Findings, _is_late: bool) -> Iterator[Entry]:
    text = findings.request.get("script")
    if not findings.place.script or text is None:
        return
    content = findings.mask.text(text).encode("utf-8", "backslashreplace")
    entry, uri, digest = findings.file("scripts", content, Path(findings.place.script).suffix)
    yield entry
    yield _tags(findings, {"baton.script.sha256": digest, "baton.script.snapshot": uri})


def _packages(findings: Findings, _is_late: bool) -> Iterator[Entry]:
    lock = render_lock(findings.request["sys_path"])
    entry, uri, digest = findings.file("packages", lock.encode(), ".txt")
    yield entry
    yield _tags(findings, {"baton.packages": uri, "baton.packages.sha256": digest})


def _git(findings: Findings, _is_late: bool) -> Iterator[Entry]:
    folder = findings.request.get("folder")
    if not folder:
        return
    known = findings.request.get("commit")
    notebook = findings.place.file
    found = find_changes(Path(folder), known, without=Path(notebook) if notebook else None)
    tags = {
        "mlflow.source.git.dirty": _word(found.dirty),
        "baton.git.untracked": str(found.untracked) if found.untracked else "",
    }
    if known is None:
        # Only git itself could read this repository.
        tags["mlflow.source.git.commit"] = found.commit or ""
        tags["mlflow.source.git.branch"] = found.branch or ""
        tags["mlflow.source.git.repoURL"] = found.remote or ""
    if found.diff:
        content = findings.mask.text(found.diff.decode("utf-8", "backslashreplace")).encode()
        entry, uri, digest = findings.file("diffs", content, ".diff")
        yield entry
        tags |= {"baton.git.diff": uri, "baton.git.diff.sha256": digest}
    if any(tags.values()):
        yield _tags(findings, tags)
    if found.problem:
        raise Problem(found.problem)


def _word(value: bool | None) -> str:
    return "" if value is None else str(value).lower()


PARTS = {"notebook": _notebook, "script": _script, "packages": _packages, "repository": _git}
