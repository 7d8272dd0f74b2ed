"""Autologging in a kernel, as the person set it: on or off from the next cell on.

MLflow is loaded by the notebook's code, or at the moment in which the code has imported a
library that MLflow can log; never when the kernel starts. Where autologging is off, nothing
stands in the way of an import.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from baton_lab.kernel.autolog_imports import Imports
from baton_lab.settings import Settings, SettingsFile, parse_notebook, stamp_of

if TYPE_CHECKING:
    from baton_lab.autologging import Autologging

LIBRARIES = frozenset(
    {
        *("keras", "lightgbm", "lightning", "pyspark.ml", "pytorch_lightning"),
        *("sklearn", "statsmodels", "tensorflow", "xgboost"),
    }
)
"""What MLflow can log by itself, by the names under which code imports it."""
WORDS = {"on": "metrics", "metrics": "metrics", "models": "models", "off": "off", "default": None}
"""What the person says, and the setting that it stands for; None: as all notebooks do."""
MEANING = {
    "off": "off",
    "metrics": "metrics and parameters",
    "models": "metrics, parameters and models",
}


class Autolog:
    """Keeps one kernel's autologging as it is set, looking at the settings before each cell."""

    def __init__(self, file: SettingsFile) -> None:
        from baton_lab.offline.places import runtime_folder

        self._file = file
        self._sessions = runtime_folder() / "sessions.json"
        self._seen: Any = (None, None)
        self._wanted: str | None = "off"
        self._imports = Imports({"mlflow", *LIBRARIES}, self._imported)
        self._mlflow: Autologging | None = None

    def begin(self, info: Any = None) -> None:
        """Follow what changed since the last cell; IPython's event ``pre_run_cell``."""
        del info
        with suppress(Exception):  # No cell fails because of a setting.
            seen = (self._file.stamp(), stamp_of(self._sessions))
            if seen[0] != self._seen[0] or (seen[0] and seen != self._seen):
                self._seen = seen
                self.follow()

    def follow(self) -> None:
        """Do as is set now; where the settings can't be read, go on as before and say so."""
        from baton_contract.errors import PublicError

        try:
            wanted = load_effective(self._file.load())
        except PublicError as error:
            _say(error.message)
            return
        if wanted != self._wanted:
            self._wanted = wanted
            self._turn(wanted)

    def is_foreign(self) -> bool:
        """Tell whether the notebook's code decides itself, by a call of ``mlflow.autolog``."""
        return self._mlflow is not None and self._mlflow.is_foreign()

    def _turn(self, wanted: str) -> None:
        self._imports.end()
        if "mlflow" in sys.modules:
            self._apply()
        elif wanted != "off":
            if LIBRARIES.isdisjoint(sys.modules):
                self._imports.begin()
            else:
                self._apply()

    def _imported(self) -> None:
        self._imports.end()
        self._apply()

    def _apply(self) -> None:
        """Tell MLflow, which is loaded by now or here."""
        is_done = False
        try:
            from baton_lab.autologging import Autologging

            self._mlflow = self._mlflow or Autologging()
            self._mlflow.apply(self._wanted or "off")
            is_done = True
        except Exception as error:  # noqa: BLE001 - whatever MLflow trips over, the code goes on
            _say(f"Autologging could not be set: {error}".partition("\n")[0])
            is_done = True
        finally:
            if not is_done:  # The person interrupted it; the next cell tries again.
                self._seen, self._wanted = ((), ()), None


def watch(shell: Any) -> None:
    """Follow the person's settings in this kernel from now on; does nothing outside a kernel."""
    if getattr(shell, "kernel", None) is None:
        return
    made = Autolog(SettingsFile())
    shell.events.register("pre_run_cell", made.begin)
    # The magics find it where they find the shell.
    shell.baton_autolog = made


def choose(word: str) -> str:
    """Set autologging for the notebook of this kernel, at once; return a sentence on it.

    ``word`` is one of `WORDS`. Raises `PublicError` for another word, a kernel without a
    notebook, and settings that can't be read or saved.
    """
    from baton_contract.errors import BadRequestError

    if word not in WORDS:
        raise BadRequestError("unknown_autolog", f"Say one of {', '.join(WORDS)}.")
    path = current_notebook()
    if path is None:
        raise BadRequestError(
            "no_notebook",
            "This kernel belongs to no notebook below the server's folder, so nothing can be "
            "set for it alone. Baton's panel sets autologging for all your notebooks.",
        )
    SettingsFile().change(lambda settings: settings.with_notebook(path, WORDS[word]))
    made = _of_this_kernel()
    if made is not None:
        made.follow()
    return describe()


def describe() -> str:
    """Return a sentence that says what holds for this kernel; raises `PublicError`."""
    settings, path = SettingsFile().load(), current_notebook()
    autolog = MEANING[settings.effective(path)]
    name = (path or "this kernel").rpartition("/")[2]
    reason = "" if path in settings.notebooks else ", as for all your notebooks"
    made = _of_this_kernel()
    if made is not None and made.is_foreign():
        reason += "; until the kernel restarts, the notebook's own mlflow.autolog() decides"
    return f"Autologging for {name}: {autolog}{reason}."


def load_effective(settings: Settings) -> str:
    """Return what holds for this kernel's notebook as it is called now."""
    return settings.effective(current_notebook() if settings.notebooks else None)


def current_notebook() -> str | None:
    """Return the path of this kernel's notebook from the server's root; None without one."""
    from baton_contract.errors import PublicError
    from baton_lab.capture.place import find_place

    try:
        return parse_notebook(find_place().path)
    except PublicError:
        return None  # None at all, or outside.


def _of_this_kernel() -> Autolog | None:
    from baton_lab.capture.place import current_shell

    return getattr(current_shell(), "baton_autolog", None)


def _say(line: str) -> None:
    from baton_lab.offline.notice import say

    say(line)
