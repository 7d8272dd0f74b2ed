"""The catalogue in effect, with a record of every change of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from baton_hub.audit.log import Audit
from baton_hub.catalog import Catalog, Fault, LiveCatalog


class RecordedCatalog:
    """A live catalogue whose changes and refused edits become ``catalog`` events.

    They are noticed when somebody asks for the catalogue, so an event always stands
    before the first decision that the new catalogue made. A Hub that starts records
    what it found.
    """

    def __init__(
        self, live: LiveCatalog, audit: Audit, clock: Callable[[], datetime] | None = None
    ) -> None:
        self.live = live
        self._audit = audit
        self._clock = clock or (lambda: datetime.now(UTC))
        self._revision: str | None = None
        self._faults: tuple[Fault, ...] = ()
        self.loaded_at: datetime | None = None
        """When the catalogue in effect was noticed; None before the first good one."""

    def current(self) -> Catalog:
        """Return the catalogue that decides now; what is new about it is recorded first."""
        catalog = self.live.current()
        if catalog.revision != self._revision:
            self._revision = catalog.revision
            if catalog.profiles:
                self.loaded_at = self._clock()
                self._note("loaded", catalog, ())
        if self.refused != self._faults:
            self._faults = self.refused
            if self._faults:
                self._note("refused", catalog, self._faults)
        return catalog

    @property
    def refused(self) -> tuple[Fault, ...]:
        """Why the files as they are now are not in effect; empty when they are."""
        return tuple(fault for fault in self.live.faults if fault.refuses)

    def _note(self, decision: str, catalog: Catalog, faults: tuple[Fault, ...]) -> None:
        self._audit.note(
            "catalog",
            decision=decision,
            revision=catalog.revision,
            profiles=len(catalog.profiles),
            faults=len(faults),
            first_fault=faults[0].code if faults else "",
        )
