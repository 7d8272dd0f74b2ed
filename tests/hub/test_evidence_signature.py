"""Signatures of images: verified for real and without a network, against a Sigstore of our own.

Certificates, log entries, proofs and promises are made by `tests.hub.evidence.authority` with
keys of its own; `sigstore` verifies them as it verifies the public ones.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from tests.hub.evidence.authority import (
    IDENTITY,
    ISSUER,
    SIGNED_AT,
    Authority,
    Json,
    statement,
)

from baton_hub.catalog.evidence import EvidenceRules
from baton_hub.catalog.evidence.check import check_evidence
from baton_hub.catalog.evidence.files import EvidenceError
from baton_hub.catalog.evidence.signature import verify_bundle
from baton_hub.catalog.model import Profile
from baton_hub.catalog.source import Source

pytest.importorskip("sigstore")

IMAGE = "sha256:" + "1f" * 32
OTHER = "sha256:" + "2e" * 32
MANIFEST = b'{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}'


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*args: Any) -> NoReturn:
        raise AssertionError("verification asked the network")

    monkeypatch.setattr(socket.socket, "connect", connect)


def verify(
    authority: Authority,
    bundle: Json,
    digest: str = IMAGE,
    identity: str = IDENTITY,
    issuer: str = ISSUER,
) -> str:
    content = json.dumps(bundle).encode()
    return verify_bundle(content, digest, identity, issuer, authority.trusted_root())


def refused(authority: Authority, bundle: Json, **asked: str) -> str:
    """Return why a bundle is refused."""
    with pytest.raises(EvidenceError) as caught:
        verify(authority, bundle, **asked)
    assert caught.value.code == "signature_invalid"
    assert "\n" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize(
    "kind", ["https://sigstore.dev/cosign/sign/v1", "https://slsa.dev/provenance/v1"]
)
def test_a_signed_statement_about_the_image_is_verified(authority: Authority, kind: str) -> None:
    assert verify(authority, authority.sign_statement(statement(IMAGE, kind))) == IDENTITY


def test_a_signed_manifest_is_verified_by_the_digest_that_it_makes(authority: Authority) -> None:
    digest = f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"
    assert verify(authority, authority.sign_file(MANIFEST), digest) == IDENTITY


def test_the_signature_of_another_image_is_refused(authority: Authority) -> None:
    message = refused(authority, authority.sign_statement(statement(OTHER)))
    assert "it signs another image" in message
    assert "digest mismatch" in refused(authority, authority.sign_file(MANIFEST))


@pytest.mark.parametrize(
    "asked", [{"identity": "somebody@registry.example.org"}, {"issuer": "https://evil.example.org"}]
)
def test_the_signature_of_somebody_else_is_refused(
    authority: Authority, asked: dict[str, str]
) -> None:
    message = refused(authority, authority.sign_statement(statement(IMAGE)), **asked)
    assert "not match" in message


def test_a_signature_that_another_authority_vouches_for_is_refused(authority: Authority) -> None:
    refused(authority, Authority().sign_statement(statement(IMAGE)))


def test_a_signature_made_after_the_certificate_ran_out_is_refused(authority: Authority) -> None:
    late = SIGNED_AT + timedelta(hours=1)
    refused(authority, authority.sign_statement(statement(IMAGE), logged_at=late))


def test_a_signed_statement_that_approves_nothing_is_refused(authority: Authority) -> None:
    found = statement(IMAGE, "https://cosign.sigstore.dev/attestation/vuln/v1")
    assert "approves nothing" in refused(authority, authority.sign_statement(found))


def _in(bundle: Json, *path: str | int) -> Any:
    value: Any = bundle
    for key in path:
        value = value[key]
    return value


ENTRY = ("verificationMaterial", "tlogEntries", 0)
TAMPERED: dict[str, tuple[tuple[str | int, ...], Any]] = {
    "payload": (("dsseEnvelope", "payload"), base64.b64encode(statement(OTHER)).decode()),
    "payload's type": (("dsseEnvelope", "payloadType"), "text/plain"),
    "signature": (("dsseEnvelope", "signatures", 0, "sig"), "MEUCIQ=="),
    "log's promise": ((*ENTRY, "inclusionPromise", "signedEntryTimestamp"), "MEUCIQ=="),
    "time": ((*ENTRY, "integratedTime"), str(int(SIGNED_AT.timestamp()) + 1)),
    "proof": ((*ENTRY, "inclusionProof", "hashes"), [base64.b64encode(b"x" * 32).decode()]),
    "root of the log": ((*ENTRY, "inclusionProof", "checkpoint", "envelope"), "x\n2\nYQ==\n\n"),
    "no proof": ((*ENTRY, "inclusionProof"), None),
    "no entry": (("verificationMaterial", "tlogEntries"), []),
    "no certificate": (("verificationMaterial", "certificate"), None),
    "junk for a certificate": (("verificationMaterial", "certificate", "rawBytes"), "YWJj"),
    "media type": (("mediaType",), "application/json"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_bundle_that_was_tampered_with_is_refused(authority: Authority, what: str) -> None:
    bundle = authority.sign_statement(statement(IMAGE))
    path, value = TAMPERED[what]
    _in(bundle, *path[:-1])[path[-1]] = value
    refused(authority, bundle)


@pytest.mark.parametrize("content", [b"", b"no", b"[]", b"{}", b"[" * 100_000, b"\xff\xfe"])
def test_what_is_no_bundle_is_refused(authority: Authority, content: bytes) -> None:
    with pytest.raises(EvidenceError) as caught:
        verify_bundle(content, IMAGE, IDENTITY, ISSUER, authority.trusted_root())
    assert caught.value.code == "signature_invalid"


def test_the_public_sigstore_is_believed_where_no_root_is_named(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library brings its root along; what our own authority signed does not hold there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    content = json.dumps(authority.sign_statement(statement(IMAGE))).encode()
    with pytest.raises(EvidenceError) as caught:
        verify_bundle(content, IMAGE, IDENTITY, ISSUER, None)
    assert caught.value.code == "signature_invalid"


def test_a_root_that_is_none_is_told_from_a_bad_signature(authority: Authority) -> None:
    content = json.dumps(authority.sign_statement(statement(IMAGE))).encode()
    with pytest.raises(EvidenceError) as caught:
        verify_bundle(content, IMAGE, IDENTITY, ISSUER, b"{}")
    assert caught.value.code == "signature_unverifiable"


def test_without_the_library_the_fault_says_what_to_install(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sigstore.errors", None)
    with pytest.raises(EvidenceError, match=r"Install jupyter-baton\[sigstore\]") as caught:
        verify(authority, authority.sign_statement(statement(IMAGE)))
    assert caught.value.code == "signature_unverifiable"


def test_a_profile_names_the_bundle_and_the_rules_whom_to_believe(
    authority: Authority, tmp_path: Path
) -> None:
    """From files to a finding; another root, named with its own digest, refuses it."""
    bundle = json.dumps(authority.sign_statement(statement(IMAGE))).encode()
    (tmp_path / "signature.json").write_bytes(bundle)
    text = f"""\
name: notebook
title: Notebook
description: Made up for a test.
owner: Data platform
image: {{reference: registry.example.org/lab/notebook, digest: "{IMAGE}"}}
access: {{everybody: true}}
sizes: {{small: {{cpu: 1, memory: 1G}}}}
evidence:
  signature:
    file: signature.json
    digest: sha256:{hashlib.sha256(bundle).hexdigest()}
    identity: {IDENTITY}
    issuer: {ISSUER}
"""
    source = Source(tmp_path / "notebook.yaml", text.encode())
    profile = Profile.model_validate(source.value)

    def check(root: bytes, digest: str = "") -> tuple[str, list[str]]:
        (tmp_path / "root.json").write_bytes(root)
        found = digest or f"sha256:{hashlib.sha256(root).hexdigest()}"
        rules = EvidenceRules(
            required=["signature"], trusted_root={"file": "root.json", "digest": found}
        )
        finding, faults = check_evidence(
            tmp_path, source, profile, rules, (SIGNED_AT + timedelta(days=400)).date()
        )
        return finding.signed_by, [fault.code for fault in faults]

    assert check(authority.trusted_root()) == (IDENTITY, [])
    assert check(Authority().trusted_root()) == ("", ["signature_invalid"])
    assert check(authority.trusted_root(), IMAGE) == ("", ["signature_unverifiable"])
