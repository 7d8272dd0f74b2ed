"""What is wrong with a catalogue, and where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

Place = tuple[str | int, ...]
"""Where something stands in a file: keys and list positions from the top."""


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong with a catalogue. ``line`` and ``column`` count from 1."""

    file: Path
    line: int
    column: int
    code: str
    """What kind of fault it is; stable, one of `baton_hub.catalog.codes.CODES`."""
    message: str
    """What is wrong and what to do, in sentences."""
    is_warning: bool = False
    """Worth a look, and no reason to refuse the catalogue."""
    left_to_policy: bool = False
    """Lint reports it as an error, and the catalogue is used: policy decides at each start.

    So it is with all that depends on the day: a catalogue that was good yesterday is not
    refused whole today.
    """

    @property
    def is_error(self) -> bool:
        """Tell whether lint fails because of it."""
        return not self.is_warning

    @property
    def refuses(self) -> bool:
        """Tell whether the whole catalogue is refused because of it."""
        return not self.is_warning and not self.left_to_policy

    def __str__(self) -> str:
        kind = "warning" if self.is_warning else "error"
        return f"{self.file}:{self.line}:{self.column}: {kind} {self.code}: {self.message}"
