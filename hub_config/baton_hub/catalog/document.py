"""YAML as plain values, with the place of every key and value.

PyYAML's parser (libyaml where it is there) gives events; what is built of them is ours:
text, numbers, dates, lists and mappings. So no tag can make anything else, an alias costs
nothing until its content is counted, and nesting ends long before the stack does; PyYAML's
own composer recurses in C and ends the process.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import yaml
from yaml.constructor import SafeConstructor
from yaml.reader import Reader

from baton_hub.catalog.fault import Place

MAX_DEPTH = 32
MAX_VALUES = 20_000
"""With every alias counted as what it stands for."""

Mark = tuple[int, int]
"""Line and column, from 1."""

_TAG = "tag:yaml.org,2002:"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVERS = yaml.SafeLoader.yaml_implicit_resolvers
_plain = SafeConstructor()
_PLAIN: Mapping[str, Callable[[yaml.ScalarNode], Any]] = MappingProxyType(
    {
        f"{_TAG}null": _plain.construct_yaml_null,
        f"{_TAG}bool": _plain.construct_yaml_bool,
        f"{_TAG}int": _plain.construct_yaml_int,
        f"{_TAG}float": _plain.construct_yaml_float,
        f"{_TAG}timestamp": _plain.construct_yaml_timestamp,
    }
)
# `=` and `<<` have tags of their own in YAML 1.1; here they are text like any other.
_TEXT = {f"{_TAG}str", f"{_TAG}value", f"{_TAG}merge"}


class NotReadableError(Exception):
    """A text that can't be read as one document: why (a fault's code, a sentence) and where."""

    def __init__(self, code: str, message: str, mark: Mark) -> None:
        super().__init__(message)
        self.code, self.message, self.mark = code, message, mark


@dataclass
class Document:
    """One YAML text: its plain value, and where everything in it stands."""

    value: Any = None
    marks: dict[Place, Mark] = field(default_factory=dict)
    """Where each value begins."""
    keys: dict[Place, Mark] = field(default_factory=dict)
    """Where each key stands."""
    twice: list[tuple[Place, Mark]] = field(default_factory=list)
    """Keys that were there already, which are left out of ``value``."""


def parse_document(text: str) -> Document:
    """Return what a YAML text says; keys are the text that was written (``3.11``, ``on``).

    Raises `NotReadableError`.
    """
    odd = Reader.NON_PRINTABLE.search(text)
    if odd:
        message = f"The character {odd[0]!r} can't stand in YAML. Remove it."
        raise NotReadableError("not_yaml", message, mark_at(text, odd.start()))
    try:
        return _Builder(text).build()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = f"This is not YAML: {error.problem or 'it ends too soon'}.{_hint(text, at[0])}"
        raise NotReadableError("not_yaml", message, at) from error


def mark_at(text: str, position: int) -> Mark:
    """Return the line and column of a position in a text."""
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)


def _hint(text: str, line: int) -> str:
    lines = text.splitlines()
    around = lines[line - 1] if line <= len(lines) else ""
    if re.match(r" *\t", around):
        return " Indent with spaces, not with tabs."
    return " Look at this line and the one before it: quotes, colons, brackets, indentation."


class _Builder:
    """Makes a document of a parser's events."""

    def __init__(self, text: str) -> None:
        self._next = _Loader(text).get_event
        self._document = Document()
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._values = 0

    def build(self) -> Document:
        self._next()  # the stream's beginning
        event = self._next()
        if isinstance(event, yaml.DocumentStartEvent):
            self._document.value = self._value(self._next(), ())
            self._next()  # the document's end
            event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            message = "A second document begins here. Give each a file of its own."
            raise NotReadableError("not_yaml", message, _mark(event))
        return self._document

    def _value(self, event: Any, place: Place) -> Any:
        mark = self._document.marks[place] = _mark(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(str(event.anchor), mark)
        self._count(1, len(place), mark)
        before = self._values
        if isinstance(event, yaml.ScalarEvent):
            value = _scalar(event)
        elif isinstance(event, yaml.MappingStartEvent):
            value = self._mapping(event, place)
        else:
            value = self._list(event, place)
        if event.anchor:
            self._anchors[event.anchor] = (value, self._values - before + 1)
        return value

    def _alias(self, name: str, mark: Mark) -> Any:
        if name not in self._anchors:
            message = f"*{name} stands for nothing: there is no &{name} that ended before it."
            raise NotReadableError("not_yaml", message, mark)
        value, size = self._anchors[name]
        self._count(size, 0, mark)
        return value

    def _count(self, more: int, depth: int, mark: Mark) -> None:
        self._values += more
        if depth > MAX_DEPTH or self._values > MAX_VALUES:
            limit = f"{MAX_VALUES} values, nested up to {MAX_DEPTH} deep"
            message = f"This is more than a file of a catalogue can hold: {limit}. Make it smaller."
            raise NotReadableError("too_large", message, mark)

    def _list(self, start: Any, place: Place) -> list[Any]:
        _check_tag(start, "seq")
        values: list[Any] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            values.append(self._value(event, (*place, len(values))))
        return values

    def _mapping(self, start: Any, place: Place) -> dict[str, Any]:
        _check_tag(start, "map")
        values: dict[str, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            here = (*place, _key(event))
            if here in self._document.keys:
                self._document.twice.append((here, _mark(event)))
                # Read, as all of it has to be, and left out.
                self._value(self._next(), (*here, "twice"))
                continue
            self._document.keys[here] = _mark(event)
            values[event.value] = self._value(self._next(), here)
        return values


def _mark(event: Any) -> Mark:
    start = event.start_mark
    return start.line + 1, start.column + 1


def _key(event: Any) -> str:
    if not isinstance(event, yaml.ScalarEvent):
        message = "A key must be plain text. Write it without brackets, ? and *."
        raise NotReadableError("not_yaml", message, _mark(event))
    if event.tag not in (None, "!"):
        _refuse_tag(event)
    return str(event.value)


def _check_tag(event: Any, kind: str) -> None:
    if event.tag not in (None, "!", _TAG + kind):
        _refuse_tag(event)


def _refuse_tag(event: Any) -> None:
    tag = str(event.tag).replace(_TAG, "!!")[:80]
    message = f"{tag!r} is a tag, and only plain values are read here. Remove it."
    raise NotReadableError("unknown_tag", message, _mark(event))


def _scalar(event: Any) -> Any:
    text = event.value
    tag = event.tag if event.tag not in (None, "!") else _resolved(event)
    if tag in _TEXT:
        return text
    construct = _PLAIN.get(tag)
    if construct is None:
        _refuse_tag(event)
        return None
    try:
        return construct(yaml.ScalarNode(tag, text))
    except (ValueError, KeyError):
        # Such as 2026-02-30, which looks like a date and is none: the model says what it wants.
        return text


def _resolved(event: Any) -> str:
    text = event.value
    if event.implicit[0]:
        for tag, pattern in _RESOLVERS.get(text[:1], ()):
            if pattern.match(text):
                return str(tag)
    return f"{_TAG}str"
