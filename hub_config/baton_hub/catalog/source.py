"""YAML with the place of every key and value, so that a fault can be pointed at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from baton_hub.catalog.fault import Fault, Place

__all__ = ["Fault", "Place", "Source"]


class Source:
    """One YAML file: its plain value, and where everything in it stands."""

    def __init__(self, file: Path, text: str) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self._marks: dict[Place, tuple[int, int]] = {}
        self._keys: dict[Place, tuple[int, int]] = {}
        self.value: Any = None
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
            self.value = self._read(node, ()) if node is not None else None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            problem = error.problem or "it can't be read"
            self.faults.append(
                Fault(
                    file, line, column, "not_yaml", f"This is not YAML: {problem}. Mend the file."
                )
            )
        except yaml.YAMLError as error:
            self.faults.append(Fault(file, 1, 1, "not_yaml", f"This is not YAML: {error}."))
        if self.value is None and not self.faults:
            self.faults.append(
                Fault(file, 1, 1, "empty_file", "The file is empty. Fill it or remove it.")
            )

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

    def _nearest(self, place: Place, *, key: bool) -> tuple[int, int]:
        marks = self._keys if key else self._marks
        for end in range(len(place), -1, -1):
            found = marks.get(place[:end]) or self._marks.get(place[:end])
            if found:
                return found
        return 1, 1

    def _read(self, node: yaml.Node, place: Place) -> Any:
        self._marks[place] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, yaml.MappingNode):
            return dict(self._pairs(node, place))
        if isinstance(node, yaml.SequenceNode):
            return [self._read(child, (*place, i)) for i, child in enumerate(node.value)]
        return _scalar(node)

    def _pairs(self, node: yaml.MappingNode, place: Place) -> Iterator[tuple[str, Any]]:
        for key_node, value_node in node.value:
            at = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            # 3.11 or true as a key stays the text that was written.
            key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
            if (*place, key) in self._keys:
                first = self._keys[(*place, key)][0]
                message = f"{key!r} stands here twice (first in line {first}). Remove one."
                self.faults.append(Fault(self.file, *at, "duplicate_key", message))
                continue
            self._keys[(*place, key)] = at
            yield key, self._read(value_node, (*place, key))


def _scalar(node: yaml.Node) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node)
    finally:
        loader.dispose()
