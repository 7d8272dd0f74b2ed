"""What makes an image approved: approver, scan report, SBOM, signature."""

from baton_hub.catalog.evidence.model import (
    SOON,
    Approval,
    Document,
    Evidence,
    EvidenceRules,
    Finding,
    Severity,
    Signature,
)

__all__ = [
    "SOON",
    "Approval",
    "Document",
    "Evidence",
    "EvidenceRules",
    "Finding",
    "Severity",
    "Signature",
]
