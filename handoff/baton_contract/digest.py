"""Names that are made of content."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import rfc8785

from baton_contract.errors import BadRequestError

PACKET_BYTES = 4 * 2**20
"""What a packet's canonical form may have; the files are beside it and count apart."""


def canonical_json(value: Any) -> bytes:
    """Return ``value`` as canonical JSON (RFC 8785), UTF-8.

    Raises `BadRequestError` for what that form has no words for: NaN, infinity,
    integers beyond 2^53, keys that are not text.
    """
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise BadRequestError(
            "not_canonical", f"This can't be written down exactly: {error}."
        ) from error


def packet_digest(packet: Any) -> str:
    """Return the packet's name: SHA-256 of its canonical form, in lower-case hexadecimal."""
    return hashlib.sha256(canonical_json(packet)).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's content, in lower-case hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
