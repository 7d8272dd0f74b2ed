"""Where a notebook is: its experiment, run, MLflow, what waits, autologging."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator

from baton_contract.errors import PublicError
from baton_lab.kernel import tracking


def describe() -> Iterator[str]:
    """Yield a line each; a part that can't be told says so and keeps no other back."""
    for name, part in (
        ("Experiment", _experiment),
        ("Run", _run),
        ("MLflow", tracking.describe),
        ("Waiting", _unsent),
        ("Autologging", _autolog),
    ):
        yield f"{name + ':':<12} {_told(part)}"


def _told(part: Callable[[], str]) -> str:
    try:
        return part()
    except PublicError as error:
        return error.message
    except Exception as error:  # noqa: BLE001 - one part that fails hides no other
        return f"not known ({str(error).partition(chr(10))[0] or type(error).__name__})"


def _experiment() -> str:
    if "mlflow" in sys.modules:
        from baton_lab.fluent import experiment

        return experiment.current_name()
    named = os.environ.get("MLFLOW_EXPERIMENT_NAME") or os.environ.get("MLFLOW_EXPERIMENT_ID")
    return named or "Default"


def _run() -> str:
    if "mlflow" not in sys.modules:
        return "none yet in this kernel"
    from baton_lab.fluent import run

    return run.describe()


def _unsent() -> str:
    from baton_lab.offline.journal import Journal
    from baton_lab.offline.unsent import describe as describe_unsent

    found = describe_unsent(Journal())
    if not found["entries"]:
        return "nothing"
    what = counted(found["entries"], "call")
    return f"{what} of {counted(found['runs'], 'run')}, kept since {found['oldest']}"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" + "s" * (number != 1)


def _autolog() -> str:
    from baton_lab.kernel import autolog

    return autolog.describe().removeprefix("Autologging ")
