"""Every code that a fault of a catalogue may have, and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CODES: Mapping[str, str] = MappingProxyType(
    {
        # The folder and its files
        "unreadable": "the folder or a file in it can't be read",
        "no_profiles": "there is no profile in the folder",
        "misnamed_file": "limits, connections or evidence rules under another name than their own",
        "unused_file": "a file that looks as if it counted, and does not (warning)",
        "too_large": "a file is larger, deeper or longer than a catalogue's files can be",
        "not_utf8": "a file is not UTF-8",
        "empty_file": "a file says nothing",
        "not_yaml": "a file is not YAML",
        "unknown_tag": "a YAML tag asks for more than plain text, numbers, dates, lists, mappings",
        "duplicate_key": "a key stands twice in the same place",
        "not_a_mapping": "a file is a list or a text where keys and values are expected",
        # Keys and values
        "unknown_key": "a key does not belong where it stands, or is misspelt",
        "missing_key": "a key that is needed is missing",
        "no_digest": "an image has no digest",
        "no_sizes": "a profile has no size",
        "access_to_nobody": "nobody may use a profile or a connection",
        "wrong_type": "a value is of another kind than the key needs, such as a number for text",
        "wrong_value": "a value is not one that the key can have",
        "wrong_unit": "an amount of memory, CPU or time is not written in the unit it needs",
        "bad_name": "a name has characters that names can't have",
        "bad_default": "a default is not one of what there is to choose",
        "bad_option": "an option has neither choices nor a pattern, or both",
        "bad_pattern": "a pattern can't be used: it is wrong, or needs an engine that may hang",
        "dates_out_of_order": "something ends before it begins",
        "unknown_trait": "a key under `kubernetes` is no trait of KubeSpawner, or is misspelt",
        "trait_not_allowed": "KubeSpawner has such a trait, and a profile may not set it",
        "plain_secret": "a password, token or key stands in the catalogue",
        # Between files
        "name_clash": "two profiles have the same name or title, or a file is there twice",
        "bad_replacement": "`replaced_by` names no other profile",
        "circular_replacement": "profiles replace one another in a circle",
        "no_replacement": "a profile ends, and nobody is told where to move (warning)",
        "replacement_blocked": "the replacement itself can't be started then (warning)",
        "replacement_not_offered": "not all who use a profile may use its replacement (warning)",
        "unknown_connection": "a profile names a connection that is not in `connections.yaml`",
        "connection_not_offered": "none of a profile's groups may use a connection (warning)",
        "variable_clash": "one environment variable would be set from two places",
        "risky_variable": "a variable that decides what programs load is set (warning)",
        "size_over_quota": "a size is above a quota, so that nobody who is offered it can start it",
        "gpu_not_limited": "GPUs are limited, and this kind is not (warning)",
        "unknown_group": "a quota's group is no profile's, and looks misspelt (warning)",
        # Evidence
        "evidence_missing": "a profile does not show what `evidence.yaml` requires",
        "evidence_file_absent": "a file that evidence names is not there",
        "evidence_outside": "a file that evidence names is not in the catalogue's folder",
        "evidence_unreadable": "a file that evidence names can't be read, or is not what it says",
        "evidence_too_large": "a file that evidence names is larger than what is read",
        "evidence_digest": "a file that evidence names is not the one whose digest is written",
        "scan_unknown_tool": "a scan is no JSON report of Trivy or Grype",
        "scan_undated": "a scan does not say when it was made",
        "scan_without_packages": "a scan did not look for vulnerabilities of packages",
        "scan_other_image": "a scan is not of the image with the profile's digest",
        "too_many_vulnerabilities": "a scan has more findings than `evidence.yaml` allows",
        "sbom_unknown_format": "an SBOM is neither CycloneDX nor SPDX as JSON",
        "sbom_empty": "an SBOM lists no packages",
        "sbom_other_image": "an SBOM is not of the image with the profile's digest",
        "signature_invalid": "a signature does not hold for this image and identity",
        "signature_unverifiable": "a signature can't be verified here",
        "approval_ahead": "an approval is dated in the future",
        "approval_expired": "an approval ran out",
        "scan_expired": "a scan is older than `evidence.yaml` allows",
        "evidence_ends_soon": "an approval or a scan runs out within 14 days (warning)",
    }
)
