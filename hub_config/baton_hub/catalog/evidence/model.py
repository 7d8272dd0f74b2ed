"""The evidence that a profile names, what ``evidence.yaml`` asks for, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from baton_hub.catalog.words import Day, Part, Sha256, Text, wrong

Severity = Literal["critical", "high", "medium", "low", "negligible", "unknown"]
Kind = Literal["approval", "scan", "sbom", "signature"]

File = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9_][A-Za-z0-9._/-]*$")]
"""A file's path below the catalogue's folder, with slashes; it may not lead out of it."""


class Approval(Part):
    """Who approved the image, and when."""

    by: Text = Field(description="The person or team that answers for the approval")
    on: Day = Field(description="The day, in UTC")
    until: Day | None = Field(
        default=None, description="The last day it holds; default: as long as evidence.yaml says"
    )
    reference: Text | None = Field(
        default=None, description="Where it is written: a ticket, a page"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Approval:
        if self.until is not None and self.until < self.on:
            raise wrong(
                "dates_out_of_order",
                "an approval can't end before it was given: change one of the dates",
                "until",
            )
        return self


class Document(Part):
    """A file that came with the image, and the digest that shows it is that file."""

    file: File = Field(description="Path below the catalogue's folder")
    digest: Sha256 = Field(description="SHA-256 of the file's bytes")


class Signature(Document):
    """A Sigstore bundle over the image, and whose signature it has to be."""

    identity: Text = Field(description="The certificate's identity: a mail address or a workflow")
    issuer: Text = Field(description="Address of the identity provider that vouched for it")


class Evidence(Part):
    """What a profile shows for its image."""

    approval: Approval | None = Field(default=None, description="Who approved the image")
    scan: Document | None = Field(default=None, description="Report of Trivy or Grype, as JSON")
    sbom: Document | None = Field(default=None, description="CycloneDX or SPDX, as JSON")
    signature: Signature | None = Field(default=None, description="Sigstore bundle, as JSON")


def _no_critical() -> Mapping[Severity, int]:
    return {"critical": 0}


class EvidenceRules(Part):
    """``evidence.yaml``: what operations ask of every image."""

    required: frozenset[Kind] = Field(
        default=frozenset({"approval", "scan", "sbom"}),
        description="What every profile must show",
    )
    approval_days: int = Field(
        default=365,
        ge=1,
        le=36500,
        strict=True,
        description="Days that an approval without an end holds",
    )
    scan_days: int = Field(
        default=90,
        ge=1,
        le=36500,
        strict=True,
        description="Days that a scan counts after it was made",
    )
    vulnerabilities: Mapping[Severity, Annotated[int, Field(ge=0, strict=True)]] = Field(
        default_factory=_no_critical,
        description="The most findings of a severity; one that is left out is not limited."
        " Default: critical: 0",
    )
    trusted_root: Document | None = Field(
        default=None,
        description="Whom signatures are believed: Sigstore's trusted root, as JSON; default: the"
        " public Sigstore, as the installed library knows it",
    )


SOON = timedelta(days=14)
"""How long before evidence runs out those are told whom it concerns."""


@dataclass(frozen=True)
class Finding:
    """What a profile's evidence says, read from its files when the catalogue was loaded."""

    approved_by: str = ""
    approved_on: date | None = None
    expires: date | None = None
    """The last day that all of it holds; None when nothing ends it."""
    expires_because: str = ""
    """What ends first: ``approval`` or ``scan``; empty when nothing does."""
    scanner: str = ""
    """Tool and version, such as ``Trivy 0.70.0``; empty without a scan."""
    scanned_on: date | None = None
    vulnerabilities: Mapping[Severity, int] = field(default_factory=dict)
    left_out: int = 0
    """Findings that the scanner was told to leave out, as far as its report has them."""
    sbom_format: str = ""
    """Such as ``CycloneDX 1.6``; empty without one."""
    components: int = 0
    """Packages that the SBOM lists."""
    signed_by: str = ""
    """The identity in a verified signature; empty without one."""
