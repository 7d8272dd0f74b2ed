"""How a caller of Baton's services shows a token."""

from __future__ import annotations

import base64
import binascii


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
