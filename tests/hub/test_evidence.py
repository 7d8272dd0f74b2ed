"""Evidence: what reports say, and every way in which it does not hold for an image."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from baton_contract import ForbiddenError
from baton_hub.catalog import Fault
from baton_hub.catalog.codes import CODES
from baton_hub.catalog.evidence import EvidenceRules, Finding
from baton_hub.catalog.evidence.check import check_evidence
from baton_hub.catalog.evidence.files import LARGEST, EvidenceError
from baton_hub.catalog.evidence.sbom import parse_sbom
from baton_hub.catalog.evidence.scan import parse_scan
from baton_hub.catalog.load import read_catalog
from baton_hub.catalog.model import Profile
from baton_hub.catalog.source import Source
from baton_hub.policy import resolve

SAMPLES = Path(__file__).parent / "evidence"
IMAGE = "sha256:" + "1f" * 32
TODAY = date(2026, 11, 23)
SBOMS = ("syft-cyclonedx", "trivy-cyclonedx", "syft-spdx", "syft-spdx3", "buildkit-spdx")

PROFILE = f"""\
name: notebook
title: Notebook
description: Made up for a test.
owner: Data platform
image:
  reference: registry.example.org/lab/notebook
  digest: {IMAGE}
access: {{everybody: true}}
sizes:
  small: {{cpu: 1, memory: 1G}}
evidence:
"""

Check = Callable[..., tuple[Finding, tuple[Fault, ...]]]


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Checks a profile with these evidence lines, in a folder of its own."""

    def run(
        evidence: str, rules: EvidenceRules | None = None, today: date = TODAY
    ) -> tuple[Finding, tuple[Fault, ...]]:
        source = Source(tmp_path / "notebook.yaml", (PROFILE + evidence).encode())
        profile = Profile.model_validate(source.value)
        return check_evidence(tmp_path, source, profile, rules or EvidenceRules(required=[]), today)

    return run


def put(folder: Path, kind: str, content: Any, name: str = "evidence/file.json") -> str:
    """Write a file and return the lines of a profile that name it."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    return f"  {kind}:\n    file: {name}\n    digest: sha256:{digest}\n"


def codes(faults: tuple[Fault, ...]) -> list[str]:
    assert {fault.code for fault in faults} <= CODES.keys()
    assert all(fault.message.endswith(".") for fault in faults)
    return [fault.code for fault in faults]


def line_of(fault: Fault, lines: str) -> str:
    """Return the line of the profile that a fault points at."""
    return (PROFILE + lines).splitlines()[fault.line - 1].strip()


def test_a_report_of_trivy_is_read_for_what_it_says() -> None:
    scan = parse_scan((SAMPLES / "trivy.json").read_bytes())
    # Half past eleven in the evening, five hours behind UTC.
    assert (scan.tool, scan.on) == ("Trivy 0.70.0", date(2026, 11, 3))
    # The gravest first, as it is shown.
    assert list(scan.vulnerabilities.items()) == [
        ("high", 2),
        ("medium", 1),
        ("low", 1),
        ("unknown", 1),
    ]
    assert scan.left_out == 1
    assert scan.images == {IMAGE}


def test_a_report_of_grype_is_read_for_what_it_says() -> None:
    scan = parse_scan((SAMPLES / "grype.json").read_bytes())
    assert (scan.tool, scan.on) == ("Grype 0.111.0", date(2026, 11, 3))
    assert scan.vulnerabilities == {"high": 1, "negligible": 1, "unknown": 2}
    assert scan.left_out == 1
    assert scan.images == {IMAGE}


@pytest.mark.parametrize("name", SBOMS)
def test_an_sbom_of_every_tool_names_its_image_and_counts_packages(name: str) -> None:
    sbom = parse_sbom((SAMPLES / f"{name}.json").read_bytes())
    assert sbom.images == {IMAGE}
    # Trivy's sample has a component inside a component; systems and files are no packages.
    assert sbom.components == (4 if name == "trivy-cyclonedx" else 2)
    assert sbom.format in ("CycloneDX 1.6", "SPDX 2.3", "SPDX 3.0.1")


def test_evidence_that_holds_becomes_a_finding_without_a_fault(
    check: Check, tmp_path: Path
) -> None:
    lines = "  approval: {by: Data platform, on: 2026-11-10}\n"
    lines += put(tmp_path, "scan", sample("trivy"), "scan.json")
    lines += put(tmp_path, "sbom", sample("syft-spdx"), "sbom.json")
    finding, faults = check(lines, EvidenceRules())
    assert faults == ()
    assert (finding.approved_by, finding.approved_on) == ("Data platform", date(2026, 11, 10))
    assert (finding.scanner, finding.vulnerabilities["high"]) == ("Trivy 0.70.0", 2)
    assert (finding.sbom_format, finding.components) == ("SPDX 2.3", 2)
    assert finding.expires == date(2026, 11, 3) + timedelta(days=90)
    assert finding.expires_because == "scan"


def test_what_is_required_and_missing_is_reported_each_with_what_to_do(check: Check) -> None:
    rules = EvidenceRules(required=["approval", "scan", "sbom", "signature"])
    _, faults = check("  {}\n", rules)
    assert codes(faults) == ["evidence_missing"] * 4
    assert all(line_of(fault, "  {}\n") == "evidence:" for fault in faults)
    assert all(fault.refuses for fault in faults)


def changed(name: str, **fields: Any) -> dict[str, Any]:
    return sample(name) | fields


BAD_SCANS: dict[str, tuple[Any, str]] = {
    "no JSON": (b"<html>", "evidence_unreadable"),
    "nothing": (b"", "evidence_unreadable"),
    "a list": ([], "evidence_unreadable"),
    "too deep": (b"[" * 100_000, "evidence_unreadable"),
    "not UTF-8": (b'{"SchemaVersion": "\xff"}', "evidence_unreadable"),
    "SARIF": ({"version": "2.1.0", "runs": []}, "scan_unknown_tool"),
    "an SBOM": (sample("syft-spdx"), "scan_unknown_tool"),
    "Trivy's next schema": (changed("trivy", SchemaVersion=3), "evidence_unreadable"),
    "findings as text": (changed("trivy", Results="none"), "evidence_unreadable"),
    "no date": (changed("trivy", CreatedAt=""), "scan_undated"),
    "secrets only": (
        changed("trivy", Results=[{"Target": "/", "Class": "secret"}]),
        "scan_without_packages",
    ),
    "Grype without a date": (
        changed("grype", descriptor={"name": "grype", "version": "0.50"}),
        "scan_undated",
    ),
    "Grype's look-alike": (
        changed("grype", descriptor={"name": "another", "timestamp": "2026-11-03T08:00:00Z"}),
        "evidence_unreadable",
    ),
    "a folder's scan": (
        changed("grype", source={"type": "directory", "target": "/srv"}),
        "scan_other_image",
    ),
    "another image's scan": (
        changed("trivy", Metadata={"RepoDigests": ["registry.example.org/x@sha256:" + "00" * 32]}),
        "scan_other_image",
    ),
}


@pytest.mark.parametrize("case", BAD_SCANS)
def test_a_scan_that_does_not_hold_is_refused_at_its_file(
    case: str, check: Check, tmp_path: Path
) -> None:
    content, code = BAD_SCANS[case]
    lines = put(tmp_path, "scan", content)
    _, faults = check(lines)
    assert codes(faults) == [code]
    assert line_of(faults[0], lines).startswith("file:")
    assert faults[0].refuses


BAD_SBOMS: dict[str, tuple[Any, str]] = {
    "no JSON": (b"SPDXVersion: SPDX-2.3\n", "evidence_unreadable"),
    "a scan": (sample("trivy"), "sbom_unknown_format"),
    "syft's own format": ({"artifacts": [], "descriptor": {}}, "sbom_unknown_format"),
    "no version": ({"bomFormat": "CycloneDX"}, "evidence_unreadable"),
    "no packages": (changed("syft-cyclonedx", components=[]), "sbom_empty"),
    "null packages": (changed("syft-spdx", packages=None), "sbom_empty"),
    "no image": (changed("syft-cyclonedx", metadata={}), "sbom_other_image"),
    "an image that a package names": (
        changed("syft-cyclonedx", metadata={"component": {"name": "x"}}),
        "sbom_other_image",
    ),
    "nothing described": (changed("syft-spdx", relationships=[]), "sbom_other_image"),
    "another subject": (
        changed("buildkit-spdx", subject=[{"digest": {"sha256": "00" * 32}}]),
        "sbom_other_image",
    ),
}


@pytest.mark.parametrize("case", BAD_SBOMS)
def test_an_sbom_that_does_not_hold_is_refused_at_its_file(
    case: str, check: Check, tmp_path: Path
) -> None:
    content, code = BAD_SBOMS[case]
    lines = put(tmp_path, "sbom", content)
    _, faults = check(lines)
    assert codes(faults) == [code]
    assert line_of(faults[0], lines).startswith("file:")
    assert faults[0].refuses


def test_more_findings_than_allowed_are_refused_by_severity(check: Check, tmp_path: Path) -> None:
    lines = put(tmp_path, "scan", sample("trivy"))
    limits = {"critical": 0, "high": 1, "medium": 1, "unknown": 0}
    _, faults = check(lines, EvidenceRules(required=[], vulnerabilities=limits))
    assert codes(faults) == ["too_many_vulnerabilities"] * 2
    assert "2 vulnerabilities of severity high, and evidence.yaml allows 1" in faults[0].message
    assert "1 vulnerabilities of severity unknown" in faults[1].message


def test_a_file_with_another_digest_is_refused_at_the_digest(check: Check, tmp_path: Path) -> None:
    lines = put(tmp_path, "scan", sample("trivy"))
    (tmp_path / "evidence/file.json").write_bytes(b"{}")
    _, faults = check(lines)
    assert codes(faults) == ["evidence_digest"]
    assert line_of(faults[0], lines).startswith("digest:")
    assert hashlib.sha256(b"{}").hexdigest() in faults[0].message


def test_a_file_that_changes_after_it_was_read_is_seen(check: Check, tmp_path: Path) -> None:
    lines = put(tmp_path, "scan", sample("trivy"))
    assert codes(check(lines)[1]) == []
    path = tmp_path / "evidence/file.json"
    text = path.read_bytes()
    entry = path.stat()
    path.write_bytes(text.replace(b"HIGH", b"LOW "))
    os.utime(path, ns=(entry.st_atime_ns, entry.st_mtime_ns))
    assert codes(check(lines)[1]) == ["evidence_digest"]


def test_a_file_that_is_not_there_is_refused(check: Check, tmp_path: Path) -> None:
    lines = put(tmp_path, "scan", sample("trivy"))
    (tmp_path / "evidence/file.json").unlink()
    assert codes(check(lines)[1]) == ["evidence_file_absent"]


@pytest.mark.parametrize(
    "name", ["evidence/../../secret.json", "linked.json", "folder/secret.json"]
)
def test_a_file_outside_of_the_folder_is_not_read(name: str, check: Check, tmp_path: Path) -> None:
    outside = tmp_path.parent / "secret.json"
    outside.write_text(json.dumps(sample("trivy")))
    (tmp_path / "evidence").mkdir()
    (tmp_path / "linked.json").symlink_to(outside)
    (tmp_path / "folder").symlink_to(tmp_path.parent)
    digest = hashlib.sha256(outside.read_bytes()).hexdigest()
    _, faults = check(f"  scan:\n    file: {name}\n    digest: sha256:{digest}\n")
    assert codes(faults) == ["evidence_outside"]


def test_links_inside_of_the_folder_are_followed(check: Check, tmp_path: Path) -> None:
    """A ConfigMap is mounted as links into a folder that is swapped as a whole."""
    lines = put(tmp_path, "scan", sample("trivy"), "..data/scan.json").replace("..data/", "")
    (tmp_path / "scan.json").symlink_to("..data/scan.json")
    assert check(lines)[1] == ()


@pytest.mark.parametrize("kind", ["folder", "pipe", "locked"])
def test_what_is_no_readable_file_is_refused(kind: str, check: Check, tmp_path: Path) -> None:
    lines = put(tmp_path, "scan", sample("trivy"))
    path = tmp_path / "evidence/file.json"
    if kind == "locked":
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("the system's administrator may read everything")
    else:
        path.unlink()
        path.mkdir() if kind == "folder" else os.mkfifo(path)
    assert codes(check(lines)[1]) == ["evidence_unreadable"]


def test_a_file_that_is_too_large_is_not_read(check: Check, tmp_path: Path) -> None:
    lines = put(tmp_path, "scan", b"{}")
    os.truncate(tmp_path / "evidence/file.json", LARGEST + 1)
    assert codes(check(lines)[1]) == ["evidence_too_large"]


def test_an_approval_runs_out_by_its_own_day_or_by_the_rules(check: Check) -> None:
    on = "  approval: {by: Data platform, on: 2026-11-01"
    rules = EvidenceRules(required=["approval"], approval_days=30)
    assert check(f"{on}}}\n", rules)[0].expires == date(2026, 12, 1)
    finding, faults = check(f"{on}, until: 2026-11-22}}\n", rules)
    assert (finding.expires, finding.expires_because) == (date(2026, 11, 22), "approval")
    assert codes(faults) == ["approval_expired"]
    assert faults[0].is_error
    assert not faults[0].refuses


@pytest.mark.parametrize(
    ("today", "code"),
    [
        (date(2027, 1, 17), None),
        (date(2027, 1, 18), "evidence_ends_soon"),
        (date(2027, 2, 1), "evidence_ends_soon"),
        (date(2027, 2, 2), "scan_expired"),
    ],
)
def test_a_scan_is_warned_of_for_two_weeks_and_ends_after_its_last_day(
    today: date, code: str | None, check: Check, tmp_path: Path
) -> None:
    lines = put(tmp_path, "scan", sample("grype"))
    finding, faults = check(lines, today=today)
    assert finding.expires == date(2027, 2, 1)
    assert codes(faults) == ([code] if code else [])
    assert [fault.is_warning for fault in faults] == ([code == "evidence_ends_soon"] * bool(code))
    assert not any(fault.refuses for fault in faults)


def test_an_approval_from_the_future_is_refused_and_one_from_elsewhere_is_not(
    check: Check,
) -> None:
    """Where the approver is, it may be tomorrow already."""
    assert check("  approval: {by: Data platform, on: 2026-11-24}\n")[1] == ()
    _, faults = check("  approval: {by: Data platform, on: 2026-11-25}\n")
    assert codes(faults) == ["approval_ahead"]
    assert faults[0].refuses


def test_a_day_at_the_calendars_end_is_a_day(tmp_path: Path) -> None:
    (tmp_path / "evidence.yaml").write_text("required: [approval]\n")
    (tmp_path / "notebook.yaml").write_text(
        PROFILE + "  approval: {by: Data platform, on: 2026-11-01}\n"
    )
    assert codes(read_catalog(tmp_path, today=date.max).faults) == ["approval_expired"]


def test_evidence_that_ran_out_refuses_its_profile_and_not_the_catalogue(tmp_path: Path) -> None:
    (tmp_path / "evidence.yaml").write_text("required: [approval]\n")
    approval = "  approval: {by: Data platform, on: 2026-11-01, until: 2026-11-22}\n"
    (tmp_path / "notebook.yaml").write_text(PROFILE + approval)
    reading = read_catalog(tmp_path, today=TODAY)
    assert [fault.code for fault in reading.faults] == ["approval_expired"]
    assert reading.catalog is not None
    choice = {"profile": "notebook"}
    assert resolve(reading.catalog, "ada", [], choice, today=date(2026, 11, 22)).digest == IMAGE
    with pytest.raises(ForbiddenError) as caught:
        resolve(reading.catalog, "ada", [], choice, today=TODAY)
    assert caught.value.code == "evidence_expired"


def test_every_fault_of_a_profile_is_reported_at_once(check: Check, tmp_path: Path) -> None:
    lines = "  approval: {by: Data platform, on: 2020-01-01}\n"
    lines += put(tmp_path, "scan", changed("trivy", Metadata={}), "scan.json")
    lines += put(tmp_path, "sbom", b"no", "sbom.json")
    rules = EvidenceRules(
        required=["approval", "scan", "sbom", "signature"], vulnerabilities={"high": 0}
    )
    assert sorted(codes(check(lines, rules)[1])) == [
        "approval_expired",
        "evidence_missing",
        "evidence_unreadable",
        "scan_other_image",
        "too_many_vulnerabilities",
    ]


def test_five_hundred_profiles_are_checked_again_in_a_moment(check: Check, tmp_path: Path) -> None:
    """Each has a report of 5,000 findings, which is parsed once."""
    report = sample("trivy")
    report["Results"][0]["Vulnerabilities"] *= 1250
    lines = [put(tmp_path, "scan", report | {"n": n}, f"{n}.json") for n in range(3)]
    for line in lines:
        check(line)
    started = time.perf_counter()
    for n in range(500):
        assert check(lines[n % 3])[0].vulnerabilities["high"] == 2500
    # Mostly YAML; without the memory this is a minute.
    assert time.perf_counter() - started < 5


def test_a_report_of_the_wrong_shape_never_ends_in_a_traceback() -> None:
    for name in ("trivy", "grype", *SBOMS):
        whole = sample(name)
        for key in whole:
            for junk in (None, 1, "x", [], {}, [None], [[]], {"a": None}, True):
                for parse in (parse_scan, parse_sbom):
                    with suppress(EvidenceError):
                        parse(json.dumps(whole | {key: junk}).encode())
