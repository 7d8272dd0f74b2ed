"""Tables in CEL, the language of the cluster's admission policies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

Variable = dict[str, str]
"""A policy's variable: its name and its expression."""
_LONGEST = 40_000
"""Characters of one expression. The cluster's parser takes 100,000."""


def text(value: str) -> str:
    """Return a text as CEL writes it; names, images and amounts need no escaping.

    Raises `ValueError` for one that would.
    """
    if not value.isprintable() or "'" in value or "\\" in value:
        raise ValueError(f"{value!r} can't stand in a policy")
    return f"'{value}'"


def array(values: Iterable[str]) -> str:
    """Return a list of texts."""
    return f"[{', '.join(map(text, values))}]"


def mapping(pairs: Mapping[str, str]) -> str:
    """Return a mapping of texts to texts."""
    return f"{{{', '.join(f'{text(key)}: {text(value)}' for key, value in pairs.items())}}}"


class Table:
    """Rows by key, spread over as many variables as the cluster's parser asks for.

    ``rows`` are expressions, all of one type.
    """

    def __init__(self, name: str, rows: Mapping[str, str]) -> None:
        self._name = name
        self._parts = list(_parts(rows)) or [""]

    def variables(self) -> list[Variable]:
        """Return the variables that hold the rows."""
        return [
            {"name": self._part(number), "expression": f"{{{part}}}"}
            for number, part in enumerate(self._parts)
        ]

    def has(self, key: str) -> str:
        """Return the expression that tells whether there is a row; ``key`` is one too."""
        return " || ".join(f"{key} in {part}" for part in self._named())

    def get(self, key: str, otherwise: str) -> str:
        """Return the expression for a row, or for what stands in where there is none."""
        found = [f"{key} in {part} ? {part}[{key}]" for part in self._named()]
        return " : ".join([*found, otherwise])

    def _named(self) -> Sequence[str]:
        return [f"variables.{self._part(number)}" for number in range(len(self._parts))]

    def _part(self, number: int) -> str:
        return f"{self._name}{number + 1}"


def _parts(rows: Mapping[str, str]) -> Iterator[str]:
    """Yield the rows, one a line, in parts that are not too long."""
    part: list[str] = []
    size = 0
    for key, value in rows.items():
        row = f"\n  {text(key)}: {value}"
        if part and size + len(row) > _LONGEST:
            yield ",".join(part) + "\n"
            part, size = [], 0
        part.append(row)
        size += len(row) + 1
    if part:
        yield ",".join(part) + "\n"
