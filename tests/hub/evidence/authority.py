"""A whole Sigstore of our own: certificate authority, transparency log, certificate log.

Everything that it makes is real cryptography, by the formats of the public one (RFC 6962,
Rekor's entries, Fulcio's certificates), so that verification runs as it does outside; only
the trusted root is ours. Keys are new for each `Authority`.
"""

from __future__ import annotations

import hashlib
import json
import struct
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

IDENTITY = "release@registry.example.org"
ISSUER = "https://accounts.example.org"
SIGNED_AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
COSIGN = "https://sigstore.dev/cosign/sign/v1"
_FULCIO_ISSUER = ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_SCT_LIST = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_SINCE = datetime(2026, 1, 1, tzinfo=UTC)

Json = dict[str, Any]


def statement(image: str, kind: str = COSIGN) -> bytes:
    """Return an in-toto statement about an image, as ``cosign sign`` makes it."""
    body = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": image.removeprefix("sha256:")}}],
        "predicateType": kind,
        "predicate": {},
    }
    return json.dumps(body).encode()


@dataclass(frozen=True)
class Authority:
    """Who gives out certificates and keeps the logs."""

    ca: ec.EllipticCurvePrivateKey = field(default_factory=lambda: _key())
    log: ec.EllipticCurvePrivateKey = field(default_factory=lambda: _key())
    ct: ec.EllipticCurvePrivateKey = field(default_factory=lambda: _key())

    def trusted_root(self) -> bytes:
        """Return whom to believe, as ``trusted_root.json``."""
        document = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [_instance(self.log, "https://log.example.org")],
            "ctlogs": [_instance(self.ct, "https://ct.example.org")],
            "certificateAuthorities": [
                {
                    "subject": {"organization": "example.org", "commonName": "test"},
                    "uri": "https://ca.example.org",
                    "certChain": {"certificates": [{"rawBytes": _text(_der(self._root()))}]},
                    "validFor": {"start": _SINCE.isoformat()},
                }
            ],
        }
        return json.dumps(document).encode()

    def sign_statement(self, payload: bytes, logged_at: datetime = SIGNED_AT) -> Json:
        """Return the bundle of a signed in-toto statement."""
        key = _key()
        certificate = self._leaf(key)
        kind = "application/vnd.in-toto+json"
        signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
        signature = _sign(key, signed)
        envelope = {
            "payload": _text(payload),
            "payloadType": kind,
            "signatures": [{"sig": _text(signature)}],
        }
        spec = {
            "envelopeHash": _hash(json.dumps(envelope).encode()),
            "payloadHash": _hash(payload),
            "signatures": [{"signature": _text(signature), "verifier": _text(_pem(certificate))}],
        }
        entry = self._entry("dsse", spec, logged_at)
        return _bundle(certificate, entry) | {"dsseEnvelope": envelope}

    def sign_file(self, content: bytes) -> Json:
        """Return the bundle of a signed file, as ``cosign sign-blob`` makes it."""
        key = _key()
        certificate = self._leaf(key)
        signature = _sign(key, content)
        spec = {
            "data": {"hash": _hash(content)},
            "signature": {
                "content": _text(signature),
                "publicKey": {"content": _text(_pem(certificate))},
            },
        }
        digest = {"algorithm": "SHA2_256", "digest": _text(hashlib.sha256(content).digest())}
        signed = {"messageDigest": digest, "signature": _text(signature)}
        entry = self._entry("hashedrekord", spec, SIGNED_AT)
        return _bundle(certificate, entry) | {"messageSignature": signed}

    def _root(self) -> x509.Certificate:
        public = self.ca.public_key()
        usage = {name: name in ("key_cert_sign", "crl_sign") for name in _USAGES}
        return (
            _builder(_name("root"), _name("root"), public, _SINCE, timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(self.ca, hashes.SHA256())
        )

    def _leaf(self, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
        """Return a certificate that holds for ten minutes, with the certificate log's promise."""
        issuer = self.ca.public_key()
        usage = {name: name == "digital_signature" for name in _USAGES}
        builder = (
            _builder(
                x509.Name([]), _name("root"), key.public_key(), SIGNED_AT, timedelta(minutes=10)
            )
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), False)
            .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(IDENTITY)]), True)
            .add_extension(x509.UnrecognizedExtension(_FULCIO_ISSUER, ISSUER.encode()), False)
        )
        # What the log signs is the certificate as it is without the log's own promise.
        bare = builder.sign(self.ca, hashes.SHA256())
        promise = x509.UnrecognizedExtension(_SCT_LIST, self._promise(bare.tbs_certificate_bytes))
        return builder.add_extension(promise, critical=False).sign(self.ca, hashes.SHA256())

    def _promise(self, certificate: bytes) -> bytes:
        moment = int(SIGNED_AT.timestamp() * 1000)
        length = len(certificate).to_bytes(3, "big")
        entry = _key_id(self.ca) + length + certificate
        signed = struct.pack("!BBQH", 0, 0, moment, 1) + entry + struct.pack("!H", 0)
        signature = _sign(self.ct, signed)
        sct = struct.pack("!B32sQHBBH", 0, _key_id(self.ct), moment, 0, 4, 3, len(signature))
        sct += signature
        listed = struct.pack("!HH", len(sct) + 2, len(sct)) + sct
        # An octet string of fewer than 128 bytes, as DER writes it.
        return bytes([4, len(listed)]) + listed

    def _entry(self, kind: str, spec: Json, logged_at: datetime) -> Json:
        """Return the log's entry, the second of two, with its promise and its proof."""
        body = rfc8785.dumps({"apiVersion": "0.0.1", "kind": kind, "spec": spec})
        sibling = hashlib.sha256(b"\x00another entry").digest()
        leaf = hashlib.sha256(b"\x00" + body).digest()
        root = hashlib.sha256(b"\x01" + sibling + leaf).digest()
        moment = int(logged_at.timestamp())
        promise: Json = {
            "body": _text(body),
            "integratedTime": moment,
            "logID": _key_id(self.log).hex(),
            "logIndex": 1,
        }
        note = f"log.example.org\n2\n{_text(root)}\n"
        signature = _text(_key_id(self.log)[:4] + _sign(self.log, note.encode()))
        return {
            "logIndex": "1",
            "logId": {"keyId": _text(_key_id(self.log))},
            "kindVersion": {"kind": kind, "version": "0.0.1"},
            "integratedTime": str(moment),
            "inclusionPromise": {
                "signedEntryTimestamp": _text(_sign(self.log, rfc8785.dumps(promise)))
            },
            "inclusionProof": {
                "logIndex": "1",
                "rootHash": _text(root),
                "treeSize": "2",
                "hashes": [_text(sibling)],
                "checkpoint": {"envelope": f"{note}\n\u2014 log.example.org {signature}\n"},
            },
            "canonicalizedBody": _text(body),
        }


_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def _bundle(certificate: x509.Certificate, entry: Json) -> Json:
    return {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            "certificate": {"rawBytes": _text(_der(certificate))},
            "tlogEntries": [entry],
        },
    }


def _instance(key: ec.EllipticCurvePrivateKey, address: str) -> Json:
    return {
        "baseUrl": address,
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": _text(_spki(key)),
            "keyDetails": "PKIX_ECDSA_P256_SHA_256",
            "validFor": {"start": _SINCE.isoformat()},
        },
        "logId": {"keyId": _text(_key_id(key))},
    }


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    since: datetime,
    holds: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(since + holds)
    )


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _sign(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


def _spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _key_id(key: ec.EllipticCurvePrivateKey) -> bytes:
    return hashlib.sha256(_spki(key)).digest()


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _text(data: bytes) -> str:
    return b64encode(data).decode()


def _hash(data: bytes) -> Json:
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}
