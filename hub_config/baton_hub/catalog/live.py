"""The catalogue as it is now: read again, beside everything else, when its files change."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from datetime import UTC, datetime
from pathlib import Path

from baton_hub.catalog.fault import Fault
from baton_hub.catalog.folder import Fingerprint, fingerprint
from baton_hub.catalog.load import Reading, read_catalog
from baton_hub.catalog.model import Catalog

log = logging.getLogger(__name__)

TICK = 0.25
"""Seconds between two looks at the files."""
PATIENCE = 0.75
"""Seconds for which files that go on changing are waited for."""
_SHOWN = 20


class LiveCatalog:
    """The last good catalogue of a folder.

    `current` only hands it out: a thread of its own looks at the files' entries about four
    times a second, waits until they are still for one look (a `git pull` and an editor
    write in steps), and reads them. So an edit is in effect within 2 seconds, and nobody
    waits for it. A broken edit is refused whole: the last good catalogue keeps serving, and
    ``faults`` says what is wrong until the files are mended. Before the first good one it
    is empty, and nobody can start anything.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: tuple[Fault, ...] = ()
        """Why the files as they are now are refused; empty when they are in effect."""
        self.loaded_at: datetime | None = None
        """When the catalogue in effect was read; None before the first good one."""
        self._catalog = Catalog()
        self._evidence: tuple[str, ...] = ()
        self._seen: Fingerprint | None = None
        self._has_read = False
        self._reading = threading.Lock()
        self._watcher: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch the files, and to read them, without waiting for it."""
        if self._watcher is None or not self._watcher.is_alive():
            self._watcher = _start_watcher(self)

    def current(self) -> Catalog:
        """Return the catalogue that decides now. Only before the first one this waits."""
        if not self._has_read:
            self._read_first()
        self.start()
        return self._catalog

    def refresh(self) -> Catalog:
        """Read the files now, whether they changed or not, and return what is in effect."""
        with self._reading:
            self._renew()
        return self._catalog

    def _read_first(self) -> None:
        with self._reading:
            # Who waited for somebody else's reading does not read once more.
            if not self._has_read:
                self._renew()

    def _renew(self) -> None:
        # Before the files are read, and without evidence that is new to us: whatever
        # changes meanwhile makes a difference at the next look.
        self._seen = fingerprint(self.folder, self._evidence)
        self._take(self._read())
        self._has_read = True

    def _look(self) -> None:
        """Read the files if they changed, once they are still."""
        if not self._has_read:
            self._read_first()
        found = fingerprint(self.folder, self._evidence)
        if found == self._seen:
            return
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            time.sleep(TICK)
            before, found = found, fingerprint(self.folder, self._evidence)
            if found == before:
                break
        self.refresh()

    def _read(self) -> Reading:
        try:
            return read_catalog(self.folder)
        except Exception as error:  # Nothing in a file may end the watch, known or not.
            log.exception("The catalogue %s can't be read", self.folder)
            message = f"Reading failed: {type(error).__name__}. The Hub's log says where."
            return Reading(None, (Fault(self.folder, 1, 1, "unreadable", message),))

    def _take(self, reading: Reading) -> None:
        previous, faults = self._catalog.revision, self.faults
        self._evidence = reading.evidence
        if reading.catalog is not None:
            self._catalog = reading.catalog
        self.faults = reading.refusing
        revision = self._catalog.revision
        if revision != previous:
            self.loaded_at = datetime.now(UTC)
        if (revision, self.faults) != (previous, faults):
            self._tell(revision)

    def _tell(self, revision: str) -> None:
        if self.faults:
            effect = (
                "the last good one stays in effect"
                if revision
                else "and nobody can start a server until it is mended"
            )
            shown = "\n".join(str(fault) for fault in self.faults[:_SHOWN])
            log.error("The catalogue is broken, %s:\n%s", effect, shown)
        else:
            log.info("The catalogue %s is in effect, revision %.12s", self.folder, revision)


def _start_watcher(live: LiveCatalog) -> threading.Thread:
    # Weakly, so that the thread ends with the catalogue that it is for.
    watcher = threading.Thread(
        target=_watch, args=(weakref.ref(live),), name="baton-catalog", daemon=True
    )
    watcher.start()
    return watcher


def _watch(reference: weakref.ref[LiveCatalog]) -> None:
    while True:
        live = reference()
        if live is None:
            return
        try:
            live._look()
        except Exception:  # The next look may go well; a watch that ended would be noticed late.
            log.exception("The catalogue %s can't be watched", live.folder)
        del live
        time.sleep(TICK)
