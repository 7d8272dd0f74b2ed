"""What the Hub's process holds once: the live catalogue, the audit, and the account.

JupyterHub makes one spawner a server and one handler a request; all of them ask here.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from baton_hub.audit import Audit
from baton_hub.catalog import LiveCatalog
from baton_hub.idle import Uses
from baton_hub.reservations import Reservations

reservations = Reservations()
"""One account for the whole Hub: JupyterHub runs as one process."""
uses = Uses()
"""When each running server was last used."""


@cache
def live_catalog(folder: str) -> LiveCatalog:
    """Return the catalogue of a folder."""
    return LiveCatalog(Path(folder))


@cache
def audit_of(path: str) -> Audit:
    """Return the audit that is kept in a file; one that keeps nothing for an empty path."""
    return Audit(Path(path) if path else None)
