"""in-toto statements: what says something about an image, named by its digest.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
"""

from __future__ import annotations

from pydantic import Field

from baton_hub.catalog.evidence.report import Many, Report


class Statement(Report):
    """A statement of a type about subjects; older versions name the same fields."""

    class Subject(Report):
        digest: dict[str, str] = Field(default_factory=dict)

    type: str = Field(default="", alias="_type")
    predicate_type: str
    subject: Many[Subject] = ()

    @property
    def subjects(self) -> frozenset[str]:
        """Digests of what it is about."""
        found = (subject.digest.get("sha256") for subject in self.subject)
        return frozenset(f"sha256:{digest}" for digest in found if digest)
