"""A run around a cell: started, shown with a link, ended as the cell ended."""

from __future__ import annotations

import html
import time
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import mlflow
from IPython.display import display
from mlflow.environment_variables import MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT
from mlflow.tracking import fluent

from baton_lab.offline.local import is_local
from baton_lab.offline.notice import say

WORDS = {
    "RUNNING": "running",
    "FINISHED": "finished",
    "FAILED": "failed",
    "KILLED": "interrupted",
}


class MarkedRun:
    """One run that begins in a cell, nested in the one that is active, and ends with the cell."""

    def __init__(self, name: str | None, tags: dict[str, str]) -> None:
        self._name = name
        self._tags = tags
        self._run: Any = None
        self._shown: Any = None
        self._began = 0.0

    def start(self) -> None:
        """Start it, and show its name and where it is in MLflow."""
        self._run = mlflow.start_run(run_name=self._name, tags=self._tags, nested=True)
        self._began = time.monotonic()
        card = self._card("RUNNING")
        self._shown = display(card, display_id=True)  # type: ignore[no-untyped-call]

    def end(self, status: str) -> None:
        """End it, with what the cell left open within; nothing where the cell ended it itself.

        Never raises: the cell is over, and what it did is worth more than how its run ended.
        """
        if self._run is None:
            return
        try:
            if self._is_open():
                self._close(status)
            else:
                status = mlflow.get_run(self._run.info.run_id).info.status
        except Exception as error:  # noqa: BLE001 - whatever keeps MLflow from it
            say(f"The run could not be ended: {str(error).partition(chr(10))[0]}")
        if self._shown is not None:
            self._shown.update(self._card(status))

    def _is_open(self) -> bool:
        run_id = self._run.info.run_id
        return any(run.info.run_id == run_id for run in fluent._active_run_stack.get())

    def _close(self, status: str) -> None:
        # The card has the link that MLflow would print.
        before = MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.get_raw()
        MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.set(True)
        try:
            while self._is_open():
                mlflow.end_run(status)
        finally:
            if before is None:
                MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.unset()
            else:
                MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.set(before)

    def _card(self, status: str) -> Card:
        info = self._run.info
        seconds = None if status == "RUNNING" else time.monotonic() - self._began
        return Card(info.run_name or info.run_id, status, seconds, address(info))


class Card:
    """One line on a run, with a link where the run has a page."""

    def __init__(self, name: str, status: str, seconds: float | None, url: str | None) -> None:
        took = "" if seconds is None else f" after {seconds:.1f} s"
        self._name = name
        self._rest = f"{WORDS.get(status, status.lower())}{took}"
        self._url = url

    def __repr__(self) -> str:
        return f"Run {self._name}: {self._rest}" + (f" · {self._url}" if self._url else "")

    def _repr_html_(self) -> str:
        line = f"Run <b>{html.escape(self._name)}</b>: {html.escape(self._rest)}"
        if self._url is None:
            return line
        to = html.escape(self._url, quote=True)
        return f'{line} · <a href="{to}" target="_blank" rel="noopener">Open in MLflow</a>'


def address(info: Any) -> str | None:
    """Return the address of a run's page, without credentials; None where it has none (yet)."""
    parts = urlsplit(mlflow.get_tracking_uri())
    if parts.scheme not in {"http", "https"} or is_local(info.run_id):
        return None
    host = parts.netloc.rpartition("@")[2]
    base = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
    return f"{base}/#/experiments/{quote(info.experiment_id)}/runs/{quote(info.run_id)}"


def describe() -> str:
    """Return a line on the active run, else on this kernel's last one."""
    active = mlflow.active_run()
    if active is None:
        last = mlflow.last_active_run()
        return "none active" + (f"; the last was {last.info.run_name}" if last else "")
    url = address(active.info)
    return f"{active.info.run_name} is active" + (f" · {url}" if url else "")


def current_id() -> str | None:
    """Return the id of the active run, else of this kernel's last one; None without any."""
    run = mlflow.active_run() or mlflow.last_active_run()
    return str(run.info.run_id) if run else None


def describe_tags(run_id: str) -> str:
    """Return a run's name and what its tags say of where it comes from, a line each."""
    run = mlflow.get_run(run_id)
    told = {
        key: value
        for key, value in sorted(run.data.tags.items())
        if key.startswith(("baton.", "mlflow.source."))
    }
    head = f"run {run_id} ({run.info.run_name}), {run.info.status.lower()}"
    return "\n".join([head, *(f"  {key:<28} {value}" for key, value in told.items())])
