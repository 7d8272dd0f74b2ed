"""Times of runs and traces: each is one that everybody who reads it can make a date of.

MLflow stores whatever a client says in 64 bits, and then fails for every reader of the
experiment: over HTTP where a trace's time is no date, in ``mlflow.search_runs`` where a run's
is none for pandas.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import event, inspect

from baton_hub.tracking.access import refusal

MOST = 2**63 // 10**6
"""Milliseconds since 1970, or before: what 64 bits hold of nanoseconds, as spans and pandas
count them. Until the year 2262, and from 1677."""
_COLUMNS = frozenset({"start_time", "end_time", "timestamp_ms", "execution_time_ms"})


def refuse_beyond(kinds: Iterable[type[Any]]) -> None:
    """Have rows of MLflow's classes refuse a new time or duration that is longer than `MOST`.

    What is stored already stays, and the rest of its row may still be changed.
    """
    for kind in kinds:
        for moment in ("before_insert", "before_update"):
            event.listen(kind, moment, _check)


def _check(_: Any, __: Any, row: Any) -> None:
    state = inspect(row)
    for name in _COLUMNS.intersection(state.attrs.keys()):
        for value in state.attrs[name].history.added or ():
            if value is not None and abs(value) > MOST:
                raise refusal.invalid(
                    f"A time in this request, {value}, is too far away: times are milliseconds "
                    "since 1970, up to the year 2262, and not micro- or nanoseconds. "
                    "Nothing was changed."
                )
