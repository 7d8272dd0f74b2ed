"""Checking one file of the way back: fetched whole, and its SHA-256 compared."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from baton_client.tracing.source import TraceSource
from baton_contract.errors import BadRequestError, NotFoundError
from baton_contract.types import TraceStep

SHA256 = re.compile(r"[0-9a-f]{64}")
Keep = Callable[[str], Path | None]
"""Returns where to write the file of a step of this kind; None keeps nothing."""


def step(
    kind: str,
    state: str,
    value: str | None = None,
    *,
    digest: str | None = None,
    uri: str | None = None,
    size: int | None = None,
    note: str = "",
) -> TraceStep:
    """Return one step of the contract."""
    made: TraceStep = {
        "kind": kind,  # type: ignore[typeddict-item]
        "state": state,  # type: ignore[typeddict-item]
        "value": value or None,
        "digest": digest or None,
        "uri": uri or None,
        "size": size,
        "note": note,
    }
    return made


class Files:
    """Fetches files of a run and says of each whether it is what its digest says.

    A file that differs is never kept.
    """

    def __init__(self, source: TraceSource, keep: Keep) -> None:
        self._source = source
        self._keep = keep

    def check(
        self, kind: str, value: str | None, *, uri: str, digest: str, note: str = ""
    ) -> TraceStep:
        """Return the step of a file at ``uri`` whose SHA-256 should be ``digest``."""
        if not SHA256.fullmatch(digest):
            return step(kind, "differs", value, uri=uri, note="The recorded digest is no SHA-256.")
        try:
            return self._fetch(kind, value, uri=uri, digest=digest, note=note)
        except NotFoundError:
            why = (
                "It was recorded, but the file is not there: it was deleted, or has not arrived "
                "yet."
            )
        except BadRequestError as error:
            if error.code not in {"artifacts_elsewhere", "unsafe_path"}:
                raise
            why = error.message
        return step(kind, "missing", value, digest=digest, uri=uri, note=why)

    def _fetch(
        self, kind: str, value: str | None, *, uri: str, digest: str, note: str
    ) -> TraceStep:
        to = self._keep(kind)
        arriving = to.with_name(f".{to.name}.arriving") if to else None
        try:
            fetched = self._source.fetch(uri, arriving)
            if fetched.sha256 != digest:
                why = f"The file was changed; now its SHA-256 begins with {fetched.sha256[:12]}."
                return step(kind, "differs", value, digest=digest, uri=uri, note=why)
            if to and arriving:
                arriving.replace(to)
        finally:
            if arriving:
                arriving.unlink(missing_ok=True)
        return step(kind, "verified", value, digest=digest, uri=uri, size=fetched.size, note=note)
