"""What is pushed to the panel, as Jupyter events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from baton_contract.timestamp import render_timestamp

SCHEMA = "urn:baton:lab:push:1"


class Push:
    """Tells the panel, through the Jupyter server's own event stream.

    Every method must be called in the server's event loop. Nobody needs to listen.
    """

    def __init__(self, emit: Callable[..., Any]) -> None:
        self._emit = emit

    def runs(self, *, experiment_id: str | None, run_id: str | None) -> None:
        """A run of the experiment changed; None where it is not known which."""
        self._send("runs", experiment_id=experiment_id, run_id=run_id)

    def handoff(self, event: dict[str, Any]) -> None:
        """``event`` (event.v1) happened to a handoff."""
        self._send("handoff", event=event)

    def job(self, job: dict[str, Any]) -> None:
        """A handover went on, as ``GET baton/jobs`` lists it."""
        self._send("job", job=job)

    def service(self, service: dict[str, Any]) -> None:
        """A service came or went."""
        self._send("services", service=service)

    def server(self, *, stops_at: datetime | None) -> None:
        """This server is about to be stopped for being idle, or, with None, no longer is."""
        self._send("server", server={"stops_at": stops_at and render_timestamp(stops_at)})

    def unsent(self) -> None:
        """What waits on this machine to be sent to MLflow changed: ask ``GET baton/unsent``."""
        self._send("unsent")

    def _send(self, kind: str, **known: Any) -> None:
        fields = ("experiment_id", "run_id", "event", "job", "service", "server")
        data = {
            "kind": kind,
            "occurred_at": render_timestamp(datetime.now(UTC)),
            **{name: known.get(name) for name in fields},
        }
        self._emit(schema_id=SCHEMA, data=data)
