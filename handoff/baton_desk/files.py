"""The packets' files on disk, each under the name that its content gives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class StoredFile:
    """A packet's file: where it is, the last part of its path in the packet, bytes."""

    path: Path
    name: str
    size: int


class Upload:
    """A file on its way in."""
