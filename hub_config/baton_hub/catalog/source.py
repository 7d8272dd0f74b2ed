"""One file of a catalogue: what it says, and where, so that a fault can be pointed at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from baton_hub.catalog.document import Document, Mark, NotReadableError, mark_at, parse_document
from baton_hub.catalog.fault import Fault, Place


class Source:
    """One YAML file. ``value`` is None when there is nothing to read; ``faults`` say why."""

    def __init__(self, file: Path, content: bytes) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self.text = ""
        self._document = Document()
        try:
            self.text = _decoded(content)
            self._document = parse_document(self.text)
        except NotReadableError as error:
            self._add(error.code, error.message, error.mark)
            return
        for place, mark in self._document.twice:
            first = self._document.keys[place][0]
            message = f"{place[-1]!r} stands here twice (first in line {first}). Remove one."
            self._add("duplicate_key", message, mark)
        if self.value is None:
            self._add("empty_file", "The file says nothing. Fill it or remove it.", (1, 1))

    @property
    def value(self) -> Any:
        """Lists, mappings and plain values, as the file has them."""
        return self._document.value

    def fault(
        self,
        place: Place,
        message: str,
        *,
        code: str,
        key: bool = False,
        is_warning: bool = False,
        left_to_policy: bool = False,
    ) -> Fault:
        """Return a fault at the nearest known place: the value's, or its key's.

        ``code`` is one of `baton_hub.catalog.codes.CODES`. ``left_to_policy``: see `Fault`.
        """
        line, column = self._nearest(place, key=key)
        return Fault(self.file, line, column, code, message, is_warning, left_to_policy)

    def fault_at(self, position: int, message: str, *, code: str) -> Fault:
        """Return a fault at a position in the text."""
        return Fault(self.file, *mark_at(self.text, position), code, message)

    def _nearest(self, place: Place, *, key: bool) -> Mark:
        marks = self._document.keys if key else self._document.marks
        for end in range(len(place), -1, -1):
            found = marks.get(place[:end]) or self._document.marks.get(place[:end])
            if found:
                return found
        return 1, 1

    def _add(self, code: str, message: str, mark: Mark) -> None:
        self.faults.append(Fault(self.file, *mark, code, message))


def _decoded(content: bytes) -> str:
    try:
        # Some editors begin a file with a byte-order mark; it says nothing.
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        message = "This is not UTF-8. Save the file as UTF-8."
        raise NotReadableError("not_utf8", message, (line, column)) from error
