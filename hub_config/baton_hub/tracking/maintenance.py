"""SQLite's statistics, kept fresh: without them a sort by metric takes minutes.

SQLite plans a query by what ``ANALYZE`` last found, and never runs it by itself.
PostgreSQL does; nothing is done there.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time

from sqlalchemy.engine import make_url

log = logging.getLogger(__name__)

PERIOD_SECONDS = 300.0
SAMPLE_ROWS = 1000
"""Rows of each index that are looked at: milliseconds, whatever the table's size."""
BUSY_SECONDS = 5.0


class Maintenance:
    """Refreshes the statistics of one database at once and then every ``period`` seconds.

    Writers wait for the few milliseconds that it takes. Connections see new statistics
    when they are made anew, which the pool does after `settings.RECYCLE_SECONDS`.
    """

    def __init__(self, address: str, *, period: float = PERIOD_SECONDS) -> None:
        url = make_url(address)
        self._path = url.database if url.get_backend_name() == "sqlite" else None
        self._period = period
        self._ended = threading.Event()

    def begin(self) -> None:
        """Run in a thread of its own until `end`; the process may end meanwhile."""
        if self._path:
            self.refresh()
            threading.Thread(target=self._run, name="statistics", daemon=True).start()

    def end(self) -> None:
        """Begin no further refresh."""
        self._ended.set()

    def refresh(self) -> float | None:
        """Refresh now; return the seconds that it took, or None if that was not possible."""
        began = time.monotonic()
        try:
            with contextlib.closing(
                sqlite3.connect(self._path or "", timeout=BUSY_SECONDS, isolation_level=None)
            ) as connection:
                connection.execute(f"PRAGMA analysis_limit={SAMPLE_ROWS}")
                connection.execute("ANALYZE")
        except sqlite3.Error as error:
            # The old ones are still there, and the next turn is soon.
            log.warning("The database's statistics could not be refreshed: %s", error)
            return None
        return time.monotonic() - began

    def _run(self) -> None:
        while not self._ended.wait(self._period):
            self.refresh()
