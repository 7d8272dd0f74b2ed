"""What stands after %baton, taken apart; a mistake is a sentence, never an exit."""

from __future__ import annotations

import shlex
from argparse import SUPPRESS, Namespace

from IPython.core.error import UsageError
from IPython.core.magic_arguments import MagicArgumentParser

COMMANDS = {
    "autolog": "Autologging of this notebook: on, off, models or default; or what holds.",
    "experiment": "The experiment that runs go into; made where there is none.",
    "help": "This text.",
    "log": "A figure, a table, an image, a file or a folder, into the run.",
    "run": "Make the rest of the cell a run.",
    "status": "Where you are: experiment, run, MLflow, what waits, autologging.",
    "trace": "The way back of the last run, or of a run or MODEL/VERSION.",
}
LONGEST = {"an experiment": 256, "a run": 250, "a tag": 250}
"""Characters of a name; MLflow's tables have no more room, and PostgreSQL says so by failing."""
LONGEST_VALUE = 8000
"""Characters of a tag's value, MLflow's own limit."""


class Parser(MagicArgumentParser):
    """Takes the words after a subcommand; what it says of a mistake is one line."""

    def error(self, message: str) -> None:  # type: ignore[override]
        """Raise what IPython shows as one line."""
        raise UsageError(f"%baton {self.prog}: {message}. %baton help shows all.")


def parse(line: str) -> Namespace:
    """Return ``command`` and its arguments. Raises `UsageError`."""
    try:
        words = shlex.split(line)
    except ValueError:
        raise UsageError(
            'A quotation mark is not closed; write a name that has one as "ada\'s trial".'
        ) from None
    command, *rest = words or ["status"]
    if command not in COMMANDS:
        raise UsageError(f"%baton knows no {command!r}. {suggestion(command)}")
    found = _parser(command).parse_args(rest, Namespace(command=command))
    return _checked(found)


def suggestion(word: str) -> str:
    """Return what may have been meant."""
    from difflib import get_close_matches

    near = get_close_matches(word.lower(), COMMANDS, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"It knows {', '.join(COMMANDS)}."


def parse_name(words: list[str], what: str) -> str | None:
    """Return the words as one name, None for no words. Raises `UsageError`."""
    name = " ".join(words).strip()
    if words and not name:
        raise UsageError(f"The name of {what} can't be empty.")
    if len(name) > LONGEST[what]:
        raise UsageError(
            f"The name of {what} may have {LONGEST[what]} characters; this one has {len(name)}."
        )
    if not name.isprintable():
        raise UsageError(f"The name of {what} has a character that can't be shown.")
    return name or None


def _parser(command: str) -> Parser:
    made = Parser(prog=command, argument_default=SUPPRESS)  # type: ignore[no-untyped-call]
    if command in {"experiment", "run"}:
        made.add_argument("name", nargs="*", default=[])
    if command == "run":
        made.add_argument("--tag", "-t", action="append", dest="tags", default=[])
    if command == "log":
        made.add_argument("values", nargs="+", metavar="NAME")
        made.add_argument("--as", dest="path", default=None, metavar="PATH")
    if command == "autolog":
        made.add_argument("word", nargs="?", default=None)
    if command == "trace":
        made.add_argument("target", nargs="?", default=None)
    return made


def _checked(found: Namespace) -> Namespace:
    if found.command in {"experiment", "run"}:
        article = {"experiment": "an experiment", "run": "a run"}[found.command]
        found.name = parse_name(found.name, article)
    if found.command == "run":
        found.tags = dict(_parse_tag(text) for text in found.tags)
    if found.command == "log" and found.path is not None and len(found.values) > 1:
        raise UsageError("--as names one thing; log them one at a time.")
    return found


def _parse_tag(text: str) -> tuple[str, str]:
    key, is_there, value = text.partition("=")
    if not is_there or not key.strip():
        raise UsageError(f"A tag is KEY=VALUE, and not {text[:100]!r}.")
    if len(value) > LONGEST_VALUE:
        raise UsageError(f"A tag's value may have {LONGEST_VALUE} characters.")
    return parse_name([key], "a tag") or "", value
