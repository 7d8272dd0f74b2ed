"""What a profile's evidence says, held against what operations ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from baton_hub.catalog.evidence.files import EvidenceError, load_document
from baton_hub.catalog.evidence.model import (
    SOON,
    Approval,
    Document,
    EvidenceRules,
    Finding,
    Signature,
)
from baton_hub.catalog.evidence.sbom import parse_sbom
from baton_hub.catalog.evidence.scan import Scan, parse_scan
from baton_hub.catalog.evidence.signature import verify_bundle
from baton_hub.catalog.fault import Fault, Place
from baton_hub.catalog.model import Profile
from baton_hub.catalog.source import Source

_ADVICE = {
    "approval": "Have the image approved, and add evidence: approval: with by and on.",
    "scan": "Scan the image, and add evidence: scan: with file and digest.",
    "sbom": "Make an SBOM of the image, and add evidence: sbom: with file and digest.",
    "signature": "Have the image signed, and add evidence: signature: with file, digest,"
    " identity and issuer.",
}


@dataclass
class _Check:
    """One profile's evidence while it is read: what was found, and what is wrong."""

    folder: Path
    source: Source
    image: str
    """The digest that the profile approves."""
    rules: EvidenceRules
    today: date
    facts: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    ends: dict[str, date] = field(default_factory=dict)
    """The last day of what runs out."""

    def fault(self, place: Place, code: str, message: str, **marks: bool) -> None:
        """Add a fault at a place below ``evidence``."""
        self.faults.append(self.source.fault(("evidence", *place), message, code=code, **marks))


def check_evidence(
    folder: Path, source: Source, profile: Profile, rules: EvidenceRules, today: date
) -> tuple[Finding, tuple[Fault, ...]]:
    """Return what a profile's evidence says, and every fault of it.

    ``folder`` is the catalogue's, ``source`` the profile's file, ``today`` the day in UTC.
    Faults that come and go with the day are marked ``left_to_policy``; whether the evidence
    holds on a day is then for policy to decide, from the finding.
    """
    check = _Check(folder, source, profile.image.digest, rules, today)
    for needed in sorted(rules.required):
        if getattr(profile.evidence, needed) is None:
            message = f"There is no {needed}. {_ADVICE[needed]}"
            check.fault((), "evidence_missing", message, key=True)
    for kind, read in _READERS.items():
        given = getattr(profile.evidence, kind)
        if given is not None:
            try:
                read(check, given)
            except EvidenceError as error:
                place = "digest" if error.code == "evidence_digest" else "file"
                check.fault((kind, place), error.code, error.message)
    _check_ends(check)
    return Finding(**check.facts), tuple(check.faults)


def _read_approval(check: _Check, approval: Approval) -> None:
    check.facts |= {"approved_by": approval.by, "approved_on": approval.on}
    holds = timedelta(days=check.rules.approval_days)
    check.ends["approval"] = approval.until or approval.on + holds
    # A day ahead is somebody's morning. More can't be, and only gets better with time: the
    # fault need not be left to policy.
    if approval.on - check.today > timedelta(days=1):
        message = f"An approval of {approval.on} is dated in the future. Mend the date."
        check.fault(("approval", "on"), "approval_ahead", message)


def _read_scan(check: _Check, document: Document) -> None:
    scan = load_document(check.folder, document, parse_scan)
    check.facts |= {
        "scanner": scan.tool,
        "scanned_on": scan.on,
        "vulnerabilities": scan.vulnerabilities,
        "left_out": scan.left_out,
    }
    check.ends["scan"] = scan.on + timedelta(days=check.rules.scan_days)
    _check_image(check, "scan", scan.images, "The report")
    for message in _too_many(scan, check.rules):
        check.fault(("scan", "file"), "too_many_vulnerabilities", message)


def _too_many(scan: Scan, rules: EvidenceRules) -> Iterator[str]:
    for severity, most in rules.vulnerabilities.items():
        found = scan.vulnerabilities.get(severity, 0)
        if found > most:
            yield (
                f"{scan.tool} found {found} vulnerabilities of severity {severity}, and"
                f" evidence.yaml allows {most}. Use an image where they are mended."
            )


def _read_sbom(check: _Check, document: Document) -> None:
    sbom = load_document(check.folder, document, parse_sbom)
    check.facts |= {"sbom_format": sbom.format, "components": sbom.components}
    _check_image(check, "sbom", sbom.images, "The SBOM")


def _check_image(check: _Check, kind: str, images: frozenset[str], what: str) -> None:
    if check.image in images:
        return
    named = ", ".join(f"{digest:.19}…" for digest in sorted(images)[:3])
    about = f"is about {named}" if named else "names no image by its digest"
    check.fault(
        (kind, "file"),
        f"{kind}_other_image",
        f"{what} {about}, and the profile approves {check.image:.19}…. Make it from the image"
        " by its digest: REPOSITORY@sha256:….",
    )


def _read_signature(check: _Check, signature: Signature) -> None:
    check.facts["signed_by"] = load_document(
        check.folder,
        signature,
        verify_bundle,
        check.image,
        signature.identity,
        signature.issuer,
        _trusted_root(check),
    )


def _trusted_root(check: _Check) -> bytes | None:
    document = check.rules.trusted_root
    if document is None:
        return None
    try:
        return load_document(check.folder, document, bytes)
    except EvidenceError as error:
        raise EvidenceError(
            "signature_unverifiable", f"In evidence.yaml, trusted_root: {error.message}"
        ) from None


_READERS: Mapping[str, Callable[[_Check, Any], None]] = {
    "approval": _read_approval,
    "scan": _read_scan,
    "sbom": _read_sbom,
    "signature": _read_signature,
}


def _check_ends(check: _Check) -> None:
    for kind, end in check.ends.items():
        if check.today > end:
            message = f"The {kind} ran out on {end}. Renew it: nobody can start the profile."
            check.fault((kind,), f"{kind}_expired", message, left_to_policy=True, key=True)
        elif end - check.today <= SOON:
            message = f"The {kind} runs out on {end}. Renew it until then."
            check.fault((kind,), "evidence_ends_soon", message, is_warning=True, key=True)
    if check.ends:
        because, expires = min(check.ends.items(), key=lambda item: item[1])
        check.facts |= {"expires": expires, "expires_because": because}
