"""How a caller of Baton's services shows a token."""

from __future__ import annotations

import base64
import binascii
import hashlib


def parse_authorization(header: str) -> str | None:
    """Return the token in an Authorization header, or None if it holds none.

    ``Bearer T``, ``token T`` and Basic with the token as password all count; the
    user name of Basic is ignored, because a token says whose it is.
    """
    scheme, _, value = header.strip().partition(" ")
    value = value.strip()
    if scheme.lower() in ("bearer", "token"):
        return value or None
    if scheme.lower() != "basic":
        return None
    try:
        _, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return password or None


def renewed_token_name(given: str) -> str:
    """Return the name of the file with the token that replaced the one a server was ``given``.

    It stands in Jupyter's runtime folder, below ``baton``. Only who has the first token
    finds the second: several servers may share a home.
    """
    return f"token-{hashlib.sha256(given.encode()).hexdigest()[:32]}"
