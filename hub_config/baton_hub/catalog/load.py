"""From a folder to a catalogue, or to every fault in it at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType

from baton_hub.catalog.attachments import check_connections, check_variables
from baton_hub.catalog.draft import Draft
from baton_hub.catalog.evidence.check import check_evidence
from baton_hub.catalog.evidence.model import Finding
from baton_hub.catalog.fault import Fault
from baton_hub.catalog.fit import check_quotas, check_sizes
from baton_hub.catalog.folder import read_files, unused_files
from baton_hub.catalog.loading import check_loading
from baton_hub.catalog.model import Catalog
from baton_hub.catalog.names import check_names, check_replacements
from baton_hub.catalog.secrets import check_secrets
from baton_hub.catalog.source import Source

_CHECKS: tuple[Callable[[Draft], Iterator[Fault]], ...] = (
    check_names,
    check_replacements,
    check_connections,
    check_variables,
    check_loading,
    check_sizes,
    check_quotas,
    check_secrets,
)


class CatalogError(Exception):
    """A folder that is not a catalogue. ``faults`` holds all there is to mend, in order."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(str(fault) for fault in self.faults))


@dataclass(frozen=True)
class Reading:
    """What reading a folder came to."""

    catalog: Catalog | None
    """None when a fault refuses it."""
    faults: tuple[Fault, ...]
    """All of them, in order: warnings and what is left to policy, too."""
    evidence: tuple[str, ...] = ()
    """Files that evidence names, as paths below the folder."""

    @property
    def refusing(self) -> tuple[Fault, ...]:
        """The faults because of which there is no catalogue."""
        return tuple(fault for fault in self.faults if fault.refuses)


def load_catalog(folder: Path) -> Catalog:
    """Return the catalogue in a folder: one profile a YAML file, limits in ``quotas.yaml``.

    Raises `CatalogError` with every fault that refuses it, each with file, line and column.
    """
    reading = read_catalog(folder)
    if reading.catalog is None:
        raise CatalogError(reading.refusing)
    return reading.catalog


def read_catalog(folder: Path, *, today: date | None = None) -> Reading:
    """Return the catalogue in a folder and everything that is wrong with it.

    ``today`` is the day in UTC that dates are held against.
    """
    files = read_files(folder)
    draft = Draft(folder, today or datetime.now(UTC).date())
    for path, content in files.content.items():
        draft.add(Source(path, content))
    faults = [*files.faults, *(fault for source in draft.sources for fault in source.faults)]
    if not draft.profiles and not faults:
        message = "There is no profile in this folder. Add one file a profile."
        faults.append(Fault(folder, 1, 1, "no_profiles", message))
    for check in _CHECKS:
        faults += check(draft)
    findings, about_evidence = _findings(draft)
    faults += unused_files(folder, evidence_files(draft))
    ordered = tuple(sorted({*faults, *about_evidence}))
    refused = any(fault.refuses for fault in ordered)
    catalog = None if refused else _catalog(draft, findings, files.revision)
    return Reading(catalog, ordered, evidence_files(draft))


def evidence_files(draft: Draft) -> tuple[str, ...]:
    """Return the files that evidence names, as paths below the folder."""
    kinds = ("scan", "sbom", "signature")
    documents = [getattr(profile.evidence, kind) for _, profile in draft.profiles for kind in kinds]
    documents.append(draft.rules.trusted_root)
    return tuple(sorted({document.file for document in documents if document is not None}))


def _findings(draft: Draft) -> tuple[dict[str, Finding], list[Fault]]:
    findings: dict[str, Finding] = {}
    faults: list[Fault] = []
    for source, profile in draft.profiles if draft.is_known("evidence") else ():
        findings[profile.name], found = check_evidence(
            draft.folder, source, profile, draft.rules, draft.today
        )
        faults += found
    return findings, faults


def _catalog(draft: Draft, findings: dict[str, Finding], revision: str) -> Catalog:
    return Catalog(
        profiles=MappingProxyType({profile.name: profile for _, profile in draft.profiles}),
        quotas=draft.quotas,
        connections=MappingProxyType(dict(draft.connections.connections)),
        rules=draft.rules,
        findings=MappingProxyType(findings),
        revision=revision,
    )
