"""What passes from hand to hand: packet, events and errors.

The schemas under ``schemas/`` are the contract. ``types`` is generated from
them (``make contract``); nothing here imports another Baton package.
"""

from baton_contract.digest import canonical_json, packet_digest, sha256_file
from baton_contract.errors import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    PublicError,
    TooLargeError,
    UnauthorizedError,
    UnavailableError,
)
from baton_contract.schema import load_schema, validate

__all__ = [
    "BadRequestError",
    "ConflictError",
    "ForbiddenError",
    "NotFoundError",
    "PublicError",
    "TooLargeError",
    "UnauthorizedError",
    "UnavailableError",
    "canonical_json",
    "load_schema",
    "packet_digest",
    "sha256_file",
    "validate",
]
