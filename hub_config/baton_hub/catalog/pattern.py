"""Patterns of typed answers.

They are matched by Rust's regex engine, which pydantic brings: its time grows with the
answer's length only, so that no pattern in a catalogue and no answer can keep the Hub busy.
Python's own `re` needs years for ``(a+)+$`` and 50 letters.
"""

from __future__ import annotations

from functools import cache

from pydantic_core import SchemaError, SchemaValidator, core_schema


def check_pattern(pattern: str) -> str:
    """Return the pattern; raise `ValueError` with what is wrong with it, in a sentence."""
    try:
        # Alone first: `a)|(b` is something only between the brackets that `_whole` adds.
        SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
        _whole(pattern)
    except SchemaError as error:
        reason = str(error).strip().rpartition("\n")[2].strip().removeprefix("error: ")
        reason = reason.removeprefix("SchemaError: ").removesuffix(".")
        raise ValueError(f"{pattern!r} is not a pattern that can be used: {reason}") from None
    return pattern


def matches(pattern: str, text: str) -> bool:
    """Tell whether the whole of a text matches."""
    return _whole(pattern).isinstance_python(text)


@cache
def _whole(pattern: str) -> SchemaValidator:
    whole = rf"\A(?:{pattern})\z"
    return SchemaValidator(core_schema.str_schema(pattern=whole, regex_engine="rust-regex"))
