"""Completion after %baton: subcommands, options, experiments, versions, variables, files."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from IPython.core.completer import SimpleCompletion

from baton_lab.kernel.arguments import COMMANDS

HEAD = re.compile(r"^\s*%%?baton\s+(?P<rest>.*)$", re.DOTALL)
PATIENCE = 0.4
"""Seconds for which a completion waits for MLflow; what comes later is there the next time."""
ASKING = 10.0
"""Seconds for which MLflow is asked meanwhile."""
FRESH = 30.0
"""Seconds after which names are asked for again."""
MOST_FILES = 200
OPTIONS = {"run": ["--tag"], "log": ["--as"]}


class Completion:
    """Completes what stands after %baton in one kernel. Never waits for long."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._experiments = Names(lambda mlflow: mlflow.load_experiments(ASKING))
        self._versions = Names(lambda mlflow: mlflow.load_versions(ASKING))

    def complete(self, text: str) -> Any:
        """Return IPython's answer for the text before the cursor."""
        head = HEAD.match(text)
        if head is None:
            return {"completions": []}
        before, word = _split(head["rest"])
        found: list[str] = []
        with suppress(OSError):  # A folder that is not there, or not the person's.
            found = [text for text in self._offers(before, word) if text.startswith(word)]
        # IPython would offer Python's names beside an empty answer.
        offers = found or [word] * bool(word)
        return {
            "completions": [SimpleCompletion(text=text, type="baton") for text in offers],
            "matched_fragment": word,
            "suppress": True,
        }

    def _offers(self, before: list[str], word: str) -> Iterable[str]:
        if not before:
            return COMMANDS
        command = before[0]
        if word.startswith("-"):
            return OPTIONS.get(command, [])
        if command == "log" and before[-1] != "--as":
            return [*self._variables(), *_files(word)]
        if command == "experiment":
            return [_quoted(name) for name in self._experiments.load()]
        if command == "trace":
            return [_quoted(name) for name in self._versions.load() if " " not in name]
        if command == "autolog":
            from baton_lab.kernel.autolog import WORDS

            return WORDS
        return []

    def _variables(self) -> list[str]:
        hidden = self._shell.user_ns_hidden
        names = [name for name in self._shell.user_ns if not name.startswith("_")]
        return sorted(name for name in names if name not in hidden)


class Names:
    """Names that MLflow holds, asked for in a thread; ``load`` gets `kernel.tracking`."""

    def __init__(self, load: Callable[[Any], list[str]]) -> None:
        self._load = load
        self._found: list[str] = []
        self._at = float("-inf")
        self._thread: threading.Thread | None = None

    def load(self) -> list[str]:
        """Return what is known after a short wait."""
        if self._thread is None or not self._thread.is_alive():
            if time.monotonic() - self._at < FRESH:
                return self._found
            self._thread = threading.Thread(target=self._ask, name="baton-names", daemon=True)
            self._thread.start()
        self._thread.join(PATIENCE)
        return self._found

    def _ask(self) -> None:
        from baton_lab.kernel import tracking

        with suppress(Exception):  # MLflow is away: there is nothing to offer.
            self._found = self._load(tracking)
        self._at = time.monotonic()


def _split(rest: str) -> tuple[list[str], str]:
    """Return the words before the one at the cursor, and what there is of that one."""
    words = rest.split()
    if rest and rest[-1].isspace():
        return words, ""
    if words and words[0] == "experiment" and len(words) > 1:
        return ["experiment"], rest.split(None, 1)[1]
    return words[:-1], words[-1] if words else ""


def _quoted(name: str) -> str:
    if not re.search(r"[\"'\\]", name):
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _files(word: str) -> list[str]:
    """Return the files and folders that a path begins, as the person writes it."""
    folder, slash, start = word.rpartition("/")
    beside = Path(folder + slash).expanduser().iterdir()
    named = (path for path in beside if path.name.startswith(start) and " " not in path.name)
    is_hidden = start.startswith(".")
    shown = (path for path in named if is_hidden or not path.name.startswith("."))
    return [folder + slash + path.name + "/" * path.is_dir() for path in islice(shown, MOST_FILES)]
