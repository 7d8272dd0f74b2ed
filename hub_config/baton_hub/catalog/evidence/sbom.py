"""Software bills of materials: CycloneDX and SPDX, as JSON.

Only two things are asked of one: which image it is about, and that it lists packages. So
it is read for these fields, with pydantic's parser: 10,000 packages take some 40 to 200 ms.
``cyclonedx-python-lib`` builds the whole document, which took 18 s for as many, and
``spdx-tools`` 1.1 s; neither reads the other's format.

CycloneDX 1.x: https://cyclonedx.org/docs/latest/json/. SPDX 2.x and 3.0:
https://spdx.github.io/spdx-spec/. Where the image's digest stands is a custom of each
tool: seen in the golden files of syft (``syft/format/*/testdata/snapshot``) and Trivy
(``docs/guide/supply-chain/sbom.md``), and in BuildKit's attestations, which put the bill
into an in-toto statement about the image.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from baton_hub.catalog.evidence.files import EvidenceError
from baton_hub.catalog.evidence.report import Many, Report, digests_in, parse_json, read_report
from baton_hub.catalog.evidence.statement import Statement

_NO_PACKAGE = frozenset({"container", "operating-system", "operating_system", "file"})


@dataclass(frozen=True)
class Sbom:
    """What a bill of materials is about, and how much it lists."""

    format: str
    """Such as ``CycloneDX 1.6``."""
    components: int
    """Packages; not counted are the image itself, its operating system, and single files."""
    images: frozenset[str]
    """Digests of the image that it is about."""


def parse_sbom(content: bytes) -> Sbom:
    """Return what a bill of materials is about.

    Raises `EvidenceError` (evidence_unreadable, sbom_unknown_format, sbom_empty).
    """
    found = _read(parse_json(content))
    if not found.components:
        raise EvidenceError(
            "sbom_empty", "The SBOM lists no packages. Make it from the image, not from a folder."
        )
    return found


def _read(value: dict[str, Any]) -> Sbom:
    if "predicateType" in value and isinstance(value.get("predicate"), dict):
        statement = read_report(Statement, value, "in-toto statement")
        inner = _read(value["predicate"])
        return replace(inner, images=inner.images | statement.subjects)
    if value.get("bomFormat") == "CycloneDX":
        return _cyclonedx(value)
    if "spdxVersion" in value:
        return _spdx2(value)
    if "@graph" in value and "spdx.org" in str(value.get("@context")):
        return _spdx3(value)
    raise EvidenceError(
        "sbom_unknown_format",
        "This is no SBOM in CycloneDX or SPDX as JSON. Write one with syft -o cyclonedx-json,"
        " or trivy image --format cyclonedx.",
    )


class _Component(Report):
    class Property(Report):
        name: str = ""
        value: str | None = None

    type: str = ""
    name: str | None = None
    version: str | None = None
    purl: str | None = None
    bom_ref: str | None = Field(default=None, alias="bom-ref")
    properties: Many[Property] = ()
    components: Many[_Component] = ()

    def named(self) -> Iterator[str | None]:
        """Where a tool may have put the image's digest."""
        yield from (self.name, self.version, self.purl, self.bom_ref)
        yield from (p.value for p in self.properties if p.name == "aquasecurity:trivy:RepoDigest")


class _CycloneDx(Report):
    class Metadata(Report):
        component: _Component = _Component()

    spec_version: str
    metadata: Metadata = Metadata()
    components: Many[_Component] = ()


def _cyclonedx(value: dict[str, Any]) -> Sbom:
    bom = read_report(_CycloneDx, value, "CycloneDX document")
    return Sbom(
        format=f"CycloneDX {bom.spec_version}",
        components=sum(part.type not in _NO_PACKAGE for part in _nested(bom.components)),
        images=digests_in(bom.metadata.component.named()),
    )


def _nested(components: Iterable[_Component]) -> Iterator[_Component]:
    for component in components:
        yield component
        yield from _nested(component.components)


class _Package(Report):
    class Checksum(Report):
        algorithm: str = ""
        value: str = Field(default="", alias="checksumValue")

    class Reference(Report):
        type: str = Field(default="", alias="referenceType")
        locator: str = Field(default="", alias="referenceLocator")

    id: str = Field(default="", alias="SPDXID")
    name: str | None = None
    version_info: str | None = None
    primary_package_purpose: str = ""
    checksums: Many[Checksum] = ()
    external_refs: Many[Reference] = ()

    def named(self) -> Iterator[str | None]:
        """Where a tool may have put the image's digest."""
        yield from (self.name, self.version_info)
        yield from (f"sha256:{c.value}" for c in self.checksums if c.algorithm == "SHA256")
        yield from (r.locator for r in self.external_refs if r.type == "purl")


class _Spdx2(Report):
    class Relationship(Report):
        subject: str = Field(default="", alias="spdxElementId")
        kind: str = Field(default="", alias="relationshipType")
        target: str = Field(default="", alias="relatedSpdxElement")

    spdx_version: str
    document_describes: Many[str] = ()
    packages: Many[_Package] = ()
    relationships: Many[Relationship] = ()

    def roots(self) -> frozenset[str]:
        """Names of what the document is about."""
        related = (r.target for r in self.relationships if r.kind == "DESCRIBES")
        return frozenset((*self.document_describes, *related))


def _spdx2(value: dict[str, Any]) -> Sbom:
    bom = read_report(_Spdx2, value, "SPDX document")
    roots = bom.roots()
    images = [package for package in bom.packages if package.id in roots]
    return Sbom(
        format=bom.spdx_version.replace("-", " ", 1),
        components=sum(
            package.id not in roots and package.primary_package_purpose.lower() not in _NO_PACKAGE
            for package in bom.packages
        ),
        images=digests_in(text for package in images for text in package.named()),
    )


def _purpose(value: Any) -> Any:
    return "" if value is None else str(value).lower()


class _Element(Report):
    class Hash(Report):
        algorithm: str = ""
        value: str = Field(default="", alias="hashValue")

    type: str = ""
    id: str = Field(default="", alias="spdxId")
    name: str | None = None
    spec_version: str = ""
    version: str | None = Field(default=None, alias="software_packageVersion")
    purl: str | None = Field(default=None, alias="software_packageUrl")
    purpose: Annotated[str, BeforeValidator(_purpose)] = Field(
        default="", alias="software_primaryPurpose"
    )
    verified_using: Many[Hash] = ()
    root_element: Many[str] = ()

    def named(self) -> Iterator[str | None]:
        """Where a tool may have put the image's digest."""
        yield from (self.name, self.version, self.purl)
        yield from (f"sha256:{h.value}" for h in self.verified_using if h.algorithm == "sha256")


class _Spdx3(Report):
    graph: Many[_Element] = Field(default=(), alias="@graph")


def _spdx3(value: dict[str, Any]) -> Sbom:
    elements = read_report(_Spdx3, value, "SPDX document").graph
    roots = frozenset(name for element in elements for name in element.root_element)
    packages = [element for element in elements if element.type == "software_Package"]
    images = [package for package in packages if package.id in roots]
    version = next((e.spec_version for e in elements if e.spec_version), "3")
    return Sbom(
        format=f"SPDX {version}",
        components=sum(p.id not in roots and p.purpose not in _NO_PACKAGE for p in packages),
        images=digests_in(text for package in images for text in package.named()),
    )
