"""Whether an audit is as the Hub wrote it: every byte, in order, to the end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any

from baton_hub.audit.chain import START, HashError, Head, parse_head, parse_line
from baton_hub.audit.files import first_number, head_file, log_files, open_files, read_lines


@dataclass(frozen=True)
class Flaw:
    """One thing that is not as the Hub wrote it. ``line`` counts from 1 in its file."""

    file: Path
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.sentence}"


@dataclass
class Verdict:
    """What verifying found. ``last`` is the last line's head; whoever keeps it has an anchor."""

    flaws: list[Flaw] = field(default_factory=list)
    files: int = 0
    lines: int = 0
    first: int = 0
    last: Head = START
    repairs: int = 0
    """Torn lines that a crash left, each marked by the Hub and accepted."""


def verify(
    paths: Sequence[Path],
    *,
    after: Head = START,
    anchors: Sequence[Head] = (),
    needs_end: bool = True,
) -> Verdict:
    """Return what is wrong with an audit, or with some of its files; nothing is changed.

    One path stands for an audit with the files that were rotated away from it; several
    are taken as they are, in the order of their lines. ``after`` is the line before the
    first one that should be there. Each of ``anchors``, and the head that the Hub noted
    beside the file, must be a line's: so it is noticed when lines at the end are gone.
    With ``needs_end`` there has to be one of them.
    """
    # First: a Hub that goes on writing may only add lines to what was noted.
    noted, flaws = _noted(paths)
    if needs_end and not noted and not flaws and not anchors:
        sentence = "It is not there, so missing lines at the end can't be told. Give --head."
        flaws.append(Flaw(head_file(paths[0]), 1, sentence))
    reading = _Reading(after, {head.seq for head in (*anchors, *noted.values())})
    with open_files(_chosen(paths)) as files:
        for file, stream in files:
            reading.read(file, stream)
    verdict = reading.verdict
    verdict.files = len(files)
    reading.finish(paths[0])
    for source, head in [*noted.items(), *((Path("--head"), head) for head in anchors)]:
        verdict.flaws += _compared(reading, source, head)
    verdict.flaws[:0] = flaws
    return verdict


def first_place(paths: Sequence[Path]) -> Head:
    """Return the line that the first line of these files says it follows."""
    with open_files(_chosen(paths)) as files:
        for _, stream in files:
            for _, line in read_lines(stream):
                with suppress(ValueError):
                    event = parse_line(line)
                    return Head(event["seq"] - 1, event["prev"])
    return START


def _noted(paths: Sequence[Path]) -> tuple[dict[Path, Head], list[Flaw]]:
    """Return the heads that the Hub noted beside the files, and what is wrong with those."""
    found: dict[Path, Head] = {}
    flaws = []
    for path in (path for path in map(head_file, paths) if path.is_file()):
        try:
            text = path.read_bytes().decode("ascii")
            found[path] = parse_head(text[:-1] if text.endswith("\n") else "")
        except ValueError:
            flaws.append(Flaw(path, 1, "This is not the head of an audit."))
    return found, flaws


def _chosen(paths: Sequence[Path]) -> Callable[[], list[Path]]:
    """Return what lists the files to read: the audit's of one path, else those given, in order."""
    if len(paths) == 1:
        return partial(log_files, paths[0])
    return lambda: sorted(paths, key=lambda path: (first_number(path) or 0, path.name))


def _compared(reading: _Reading, source: Path, head: Head) -> Iterator[Flaw]:
    """Compare a head that somebody kept with the line of its number."""
    verdict, found = reading.verdict, reading.met.get(head.seq)
    if found == head or head == reading.after:
        return
    if head.seq > verdict.last.seq:
        missing = _span(verdict.last.seq + 1, head.seq)
        sentence = (
            f"{missing} missing at the end: {head} was noted, and the last is {verdict.last.seq}."
        )
    elif found is None:
        sentence = f"Line {head.seq} of the chain is not here, so {head} can't be compared."
    else:
        sentence = f"Line {head.seq} of the chain is not the one that was noted: {head}."
    yield Flaw(source, 1, sentence)


class _Reading:
    """Reads lines one after the other, and goes on after each flaw from what it finds."""

    def __init__(self, after: Head, wanted: Collection[int]) -> None:
        self.verdict = Verdict(last=after)
        self.after = after
        self.met: dict[int, Head] = {}
        self._wanted = wanted
        self._held = b""
        self._held_at: Flaw | None = None
        self._is_lost = False
        """True after a line that can't be read: which one comes next is not known."""

    def read(self, file: Path, stream: IO[bytes]) -> None:
        """Read a file's lines."""
        try:
            for number, line in read_lines(stream):
                self.verdict.lines += 1
                self._read_line(file, number, line)
        except (OSError, EOFError) as error:
            self._flaw(file, 1, f"The file can't be read ({error}).")
            self._is_lost = True

    def finish(self, file: Path) -> None:
        """Tell what was held back at the end, and that there was nothing at all."""
        if self._held_at is not None:
            torn = not self._held.endswith(b"\n")
            self.verdict.flaws.append(
                Flaw(
                    self._held_at.file,
                    self._held_at.line,
                    "The last line is torn. The Hub marks it when it records the next event."
                    if torn
                    else self._held_at.sentence,
                )
            )
        if not self.verdict.lines:
            self._flaw(file, 1, "There is no line in it.")

    def _read_line(self, file: Path, number: int, line: bytes) -> None:
        try:
            event = parse_line(line)
        except HashError as error:
            self._release(file, number, error.event)
            self._flaw(file, number, f"This line was changed: {error}.")
            self._is_lost = True
            self.verdict.last = Head(self.verdict.last.seq + 1, error.event["hash"])
            return
        except ValueError as error:
            self._held += line
            self._held_at = self._held_at or Flaw(
                file, number, f"This line is not as the Hub wrote it: {error}."
            )
            return
        self._release(file, number, event)
        self._place(file, number, event)
        if event.get("event") == "repair":
            self._tell_repair(file, number, event)

    def _release(self, file: Path, number: int, event: Mapping[str, Any]) -> None:
        """Accept what a crash left when exactly that is marked; tell of it otherwise."""
        torn = event.get("torn") if event.get("event") == "repair" else None
        held = self._held.removesuffix(b"\n")
        marked = {"bytes": len(held), "sha256": hashlib.sha256(held).hexdigest()}
        if self._held_at is not None and torn != marked:
            self.verdict.flaws.append(self._held_at)
            self._is_lost = True
        elif self._held_at is None and torn is not None:
            self._flaw(file, number, "The torn line that this repair tells of is not before it.")
        elif torn is not None:
            self.verdict.repairs += 1
        self._held, self._held_at = b"", None

    def _place(self, file: Path, number: int, event: Mapping[str, Any]) -> None:
        """Compare a line's place with that of the line before, and go on from it."""
        last, seq = self.verdict.last, event["seq"]
        if self._is_lost:
            self._is_lost = False
        elif seq > last.seq + 1:
            missing = _span(last.seq + 1, seq - 1)
            self._flaw(file, number, f"{missing} missing before this one.{self._hint(event)}")
        elif seq <= last.seq:
            self._flaw(
                file, number, f"This is line {seq} of the chain, where {last.seq + 1} should stand."
            )
        elif event["prev"] != last.hash:
            self._flaw(
                file, number, f"This line does not follow line {last.seq} as it stands here."
            )
        head = Head(seq, event["hash"])
        self.verdict.first = self.verdict.first or seq
        self.verdict.last = head
        if seq in self._wanted:
            self.met[seq] = head

    def _hint(self, event: Mapping[str, Any]) -> str:
        if self.verdict.first or self.after != START:
            return ""
        before = Head(event["seq"] - 1, event["prev"])
        return f" If they were moved away on purpose, give --from {before}"

    def _tell_repair(self, file: Path, number: int, event: Mapping[str, Any]) -> None:
        if event["code"] == "end_missing":
            self._flaw(
                file,
                number,
                "Here the Hub found that lines at the end were gone:"
                f" {event['head']} had been noted.",
            )

    def _flaw(self, file: Path, line: int, sentence: str) -> None:
        self.verdict.flaws.append(Flaw(file, line, sentence))


def _span(first: int, last: int) -> str:
    return f"Line {first} is" if first == last else f"Lines {first} to {last} are"
