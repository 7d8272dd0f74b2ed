"""Reports of vulnerability scanners, read for what they say.

Trivy's ``--format json``, schema version 2: https://trivy.dev/docs/latest/configuration/reporting/
and, in its repository, ``pkg/types/report.go`` and ``integration/testdata/*.json.golden``.
Grype's ``-o json``: in its repository ``grype/presenter/models/document.go`` and
``grype/presenter/json/testdata/snapshot/*.golden``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any, Literal, get_args

from pydantic import Field
from pydantic.alias_generators import to_pascal

from baton_hub.catalog.evidence.files import EvidenceError
from baton_hub.catalog.evidence.model import Severity
from baton_hub.catalog.evidence.report import Many, Report, digests_in, parse_json, read_report

_SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""The gravest first."""


@dataclass(frozen=True)
class Scan:
    """What a scanner found. A finding is one vulnerability of one package, as the tool counts."""

    tool: str
    on: date
    """The day in UTC."""
    vulnerabilities: Mapping[Severity, int]
    left_out: int
    """Findings that the tool was told to leave out, as far as the report has them."""
    images: frozenset[str]
    """Digests of the image that was looked at, as the report names them."""


def parse_scan(content: bytes) -> Scan:
    """Return what a report of Trivy or Grype says.

    Findings that a tool was told to leave out (an ignore file, VEX statements) count as it
    counts them: not at all. Raises `EvidenceError` (evidence_unreadable, scan_unknown_tool,
    scan_undated, scan_without_packages).
    """
    value = parse_json(content)
    if "SchemaVersion" in value:
        return _trivy(value)
    if "matches" in value and "descriptor" in value:
        return _grype(value)
    raise EvidenceError(
        "scan_unknown_tool",
        "This is no JSON report of Trivy or Grype. Write one with trivy image --format json,"
        " or grype -o json.",
    )


class _Trivy(Report, alias_generator=to_pascal):
    class Result(Report, alias_generator=to_pascal):
        class Vulnerability(Report, alias_generator=to_pascal):
            severity: str = ""

        class Modified(Report, alias_generator=to_pascal):
            type: str = ""

        # The parameter is named class, which is a word of Python.
        kind: str = Field(default="", alias="Class")
        vulnerabilities: Many[Vulnerability] = ()
        modified: Many[Modified] = Field(default=(), alias="ExperimentalModifiedFindings")

    class Metadata(Report, alias_generator=to_pascal):
        repo_digests: Many[str] = ()

    class Program(Report, alias_generator=to_pascal):
        version: str = ""

    schema_version: Literal[2]
    created_at: str = ""
    artifact_name: str = ""
    metadata: Metadata = Metadata()
    results: Many[Result] = ()
    trivy: Program = Program()


def _trivy(value: dict[str, Any]) -> Scan:
    report = read_report(_Trivy, value, "report of Trivy")
    packages = [result for result in report.results if result.kind in ("os-pkgs", "lang-pkgs")]
    if not packages:
        # Trivy can be told to look for other things only; that report has no finding either.
        raise EvidenceError(
            "scan_without_packages",
            "Trivy looked at no packages. Scan the image with --scanners vuln.",
        )
    return Scan(
        tool=f"Trivy {report.trivy.version}".strip(),
        on=_day(report.created_at),
        vulnerabilities=_counted(v.severity for r in packages for v in r.vulnerabilities),
        left_out=sum(m.type == "vulnerability" for r in report.results for m in r.modified),
        images=digests_in((*report.metadata.repo_digests, report.artifact_name)),
    )


class _Grype(Report):
    class Match(Report):
        class Vulnerability(Report):
            severity: str = ""

        vulnerability: Vulnerability

    class Image(Report):
        user_input: str = ""
        manifest_digest: str = ""
        repo_digests: Many[str] = ()

    class Descriptor(Report):
        name: Literal["grype"]
        version: str = ""
        timestamp: str = ""

    matches: Many[Match]
    ignored_matches: Many[Match] = ()
    source: Mapping[str, Any] = Field(default_factory=dict)
    descriptor: Descriptor


def _grype(value: dict[str, Any]) -> Scan:
    report = read_report(_Grype, value, "report of Grype")
    # Where no image was scanned, the target is a path.
    target = report.source.get("target")
    named = target if isinstance(target, dict) else {}
    image = read_report(_Grype.Image, named, "report of Grype")
    return Scan(
        tool=f"Grype {report.descriptor.version}".strip(),
        on=_day(report.descriptor.timestamp),
        vulnerabilities=_counted(match.vulnerability.severity for match in report.matches),
        left_out=len(report.ignored_matches),
        images=digests_in((image.manifest_digest, image.user_input, *image.repo_digests)),
    )


def _counted(severities: Iterable[str]) -> Mapping[Severity, int]:
    names = (severity.lower() for severity in severities)
    counts = Counter(name if name in _SEVERITIES else "unknown" for name in names)
    return MappingProxyType({name: counts[name] for name in _SEVERITIES if counts[name]})


def _day(written: str) -> date:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise EvidenceError(
            "scan_undated",
            "The report has no date, so nobody can tell how old it is. Scan the image with a"
            " current Trivy or Grype.",
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).date()
