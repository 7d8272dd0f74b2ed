"""The catalogue as it is now: read again when its files change."""

from __future__ import annotations

import logging
from pathlib import Path

from baton_hub.catalog.load import CatalogError, parse_catalog, read_files, revision_of
from baton_hub.catalog.model import Catalog
from baton_hub.catalog.source import Fault

log = logging.getLogger(__name__)


class LiveCatalog:
    """The last good catalogue of a folder.

    `current` looks at the files' content each time, so an edit takes effect on
    the next spawn. A broken edit is refused whole: the last good catalogue keeps
    serving, and ``faults`` says what is wrong until the files are mended. Before
    the first good one it is empty, and nobody can start anything.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: tuple[Fault, ...] = ()
        self._catalog = Catalog()
        self._seen: str | None = None

    def current(self) -> Catalog:
        """Return the catalogue that decides now."""
        try:
            files = read_files(self.folder)
            revision = revision_of(files)
            if revision != self._seen:
                self._seen = revision
                self._catalog = parse_catalog(self.folder, files)
                self.faults = ()
                log.info("The catalogue %s is in effect, revision %.12s", self.folder, revision)
        except CatalogError as error:
            if error.faults != self.faults:
                self.faults = error.faults
                effect = (
                    "the last good one stays in effect"
                    if self._catalog.profiles
                    else "and nobody can start a server until it is mended"
                )
                # What is wrong stands in the files, not in this program: no traceback.
                log.error("The catalogue is broken, %s:\n%s", effect, error)  # noqa: TRY400
        return self._catalog
