"""Sigstore bundles, verified without a network: who signed this image?

A bundle signs an image in one of two ways. ``cosign sign`` (3 and later) and build
provenance sign an in-toto statement that names the image's digest. ``cosign sign-blob``
signs a file: the image's manifest, whose SHA-256 is the image's digest. The format:
https://docs.sigstore.dev/about/bundle/.
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from baton_hub.catalog.evidence.files import EvidenceError
from baton_hub.catalog.evidence.report import parse_json, read_report
from baton_hub.catalog.evidence.statement import Statement

if TYPE_CHECKING:
    from sigstore.models import Bundle
    from sigstore.verify import Verifier
    from sigstore.verify.policy import Identity

_IN_TOTO = "application/vnd.in-toto+json"
_MEANS_SIGNED = ("https://sigstore.dev/cosign/sign/v1", "https://slsa.dev/provenance/")
"""What a statement says when it stands for the image. A signed scan report does not."""


def verify_bundle(
    content: bytes, digest: str, identity: str, issuer: str, trusted_root: bytes | None
) -> str:
    """Return the identity that signed the image with this digest.

    ``trusted_root`` is whom to believe, as Sigstore's trusted root JSON; None stands for
    Sigstore's public instance, as the installed library knows it.

    Raises `EvidenceError`: signature_invalid where the bundle does not hold for this image
    and identity, signature_unverifiable where that can't be found out.
    """
    try:
        from cryptography.x509 import ExtensionNotFound
        from sigstore.errors import Error
        from sigstore.models import Bundle
        from sigstore.verify.policy import Identity
    except ImportError:
        raise EvidenceError(
            "signature_unverifiable",
            "Signatures can't be verified here. Install jupyter-baton[sigstore].",
        ) from None
    verifier = _verifier(trusted_root)
    policy = Identity(identity=identity, issuer=issuer)
    try:
        bundle = Bundle.from_json(content)
        _verify(verifier, bundle, policy, digest, is_statement=b'"dsseEnvelope"' in content)
    # What somebody else wrote may be wrong in any way that the library comes across.
    except (Error, ExtensionNotFound, ValueError, TypeError, LookupError, AttributeError) as error:
        raise _invalid(" ".join(str(error).split())[:200]) from None
    return identity


def _verify(
    verifier: Verifier, bundle: Bundle, policy: Identity, digest: str, *, is_statement: bool
) -> None:
    from sigstore.hashes import Hashed
    from sigstore_models.common.v1 import HashAlgorithm

    if not is_statement:
        named = Hashed(
            algorithm=HashAlgorithm.SHA2_256, digest=bytes.fromhex(digest.removeprefix("sha256:"))
        )
        verifier.verify_artifact(named, bundle, policy)
        return
    kind, payload = verifier.verify_dsse(bundle, policy)
    if kind != _IN_TOTO:
        raise _invalid(f"it signs {kind}, which is no in-toto statement")
    statement = read_report(Statement, parse_json(payload), "in-toto statement")
    if not statement.predicate_type.startswith(_MEANS_SIGNED):
        raise _invalid(f"it signs a {statement.predicate_type}, which approves nothing")
    if digest not in statement.subjects:
        raise _invalid("it signs another image")


def _verifier(trusted_root: bytes | None) -> Verifier:
    from sigstore.errors import Error
    from sigstore.models import TrustedRoot
    from sigstore.verify import Verifier

    try:
        if trusted_root is None:
            return Verifier.production(offline=True)
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            file.write(trusted_root)
            file.flush()
            return Verifier(trusted_root=TrustedRoot.from_file(file.name))
    except (Error, ValueError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise EvidenceError(
            "signature_unverifiable",
            f"Sigstore's trusted root can't be used: {reason}. Name a trusted_root.json"
            " in evidence.yaml.",
        ) from None


def _invalid(reason: str) -> EvidenceError:
    return EvidenceError(
        "signature_invalid",
        f"The bundle is no signature of this image by this identity: {reason}."
        " Don't use the image before you know why.",
    )
