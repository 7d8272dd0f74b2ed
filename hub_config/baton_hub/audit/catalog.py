"""The catalogue in effect, with a record of every change of it."""

from __future__ import annotations

from baton_hub.audit.log import Audit
from baton_hub.catalog import Catalog, Fault, LiveCatalog


class RecordedCatalog:
    """A live catalogue whose changes and refused edits become ``catalog`` events.

    They are noticed when somebody asks for the catalogue, so an event always stands
    before the first decision that the new catalogue made. A Hub that starts records
    what it found.
    """

    def __init__(self, live: LiveCatalog, audit: Audit) -> None:
        self.live = live
        self._audit = audit
        self._revision: str | None = None
        self._faults: tuple[Fault, ...] = ()

    def current(self) -> Catalog:
        """Return the catalogue that decides now; what is new about it is recorded first."""
        catalog, faults = self.live.current(), self.live.faults
        if catalog.revision != self._revision:
            self._revision = catalog.revision
            if catalog.profiles:
                self._note("loaded", catalog, ())
        if faults != self._faults:
            self._faults = faults
            if faults:
                self._note("refused", catalog, faults)
        return catalog

    def _note(self, decision: str, catalog: Catalog, faults: tuple[Fault, ...]) -> None:
        self._audit.note(
            "catalog",
            decision=decision,
            revision=catalog.revision,
            profiles=len(catalog.profiles),
            faults=len(faults),
            first_fault=faults[0].code if faults else "",
        )
