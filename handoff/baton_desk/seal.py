"""Secrets: made here, and kept so that a copy of the database alone gives nothing away."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet

if TYPE_CHECKING:
    from pathlib import Path

TOKEN_PREFIX = "baton_"  # noqa: S105
SECRET_PREFIX = "whsec_"  # noqa: S105


class Seal:
    """Encrypts webhook secrets at rest, with a key that is in a file of its own."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(key)

    @classmethod
    def load(cls, path: Path) -> Seal:
        """Read the key, or make one (readable by the desk's user only); raises `OSError`."""
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return cls(path.read_bytes())
        with os.fdopen(handle, "wb") as stream:
            stream.write(key := Fernet.generate_key())
        return cls(key)

    def close(self, secret: str) -> str:
        """Return the secret, sealed."""
        return self._fernet.encrypt(secret.encode()).decode()

    def open(self, sealed: str) -> str:
        """Return the secret; raises `cryptography.fernet.InvalidToken` under another key."""
        return self._fernet.decrypt(sealed.encode()).decode()


def new_webhook_secret() -> str:
    """Return a secret as Standard Webhooks wants it: ``whsec_`` and 32 random bytes."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def new_token() -> str:
    """Return a pipeline token: ``baton_`` and 32 random bytes."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """Return what is kept of a token; its 256 random bits need no salt."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
