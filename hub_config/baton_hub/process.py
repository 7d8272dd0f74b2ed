"""What the Hub's process holds once: the live catalogue, the audit, and the account.

JupyterHub makes one spawner a server and one handler a request; all of them ask here.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from baton_hub.audit import Audit
from baton_hub.audit.appender import MAX_BYTES
from baton_hub.audit.catalog import RecordedCatalog
from baton_hub.catalog import LiveCatalog
from baton_hub.idle import Uses
from baton_hub.recovery import Recovery
from baton_hub.reservations import Reservations

reservations = Reservations()
"""One account for the whole Hub: JupyterHub runs as one process."""
uses = Uses()
"""When each running server was last used."""


@cache
def live_catalog(folder: str) -> LiveCatalog:
    """Return the catalogue of a folder."""
    return LiveCatalog(Path(folder))


_audits: dict[str, Audit] = {}


def audit_of(path: str, rotate_at: int = MAX_BYTES) -> Audit:
    """Return the audit that is kept in a file; one that keeps nothing for an empty path.

    ``rotate_at`` is taken from whoever asks first: one object is one writer.
    """
    if path not in _audits:
        _audits[path] = Audit(Path(path) if path else None, rotate_at=rotate_at)
    return _audits[path]


@cache
def recorded_catalog(folder: str, audit: Audit) -> RecordedCatalog:
    """Return the catalogue of a folder, whose changes are recorded in an audit."""
    return RecordedCatalog(live_catalog(folder), audit)


@cache
def recovery_of(audit: Audit) -> Recovery:
    """Return what brings the account back to what an audit says, once in this process."""
    return Recovery(audit, reservations)
