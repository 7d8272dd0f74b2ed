"""Whether a pod that comes up is still worth waiting for. No I/O; told the pod and the time."""

from __future__ import annotations

from typing import Any

from baton_hub.spawner.trouble import Trouble, read_trouble


class Vigil:
    """One start of a pod, looked at again and again until there is no hope or no time left.

    ``began`` and the times given to `look` are seconds of one clock that never goes
    back; ``patience`` and ``limit`` are lengths of time in seconds: how long what may
    pass is waited for, and how long the start may take altogether.
    """

    def __init__(self, began: float, patience: float, limit: float) -> None:
        self._began = began
        self._patience = patience
        self._limit = limit
        self._was_there = False
        self._waiting_since: float | None = None

    def look(self, pod: dict[str, Any] | None, now: float) -> Trouble | None:
        """Return the trouble that ends the start; None while it is worth waiting."""
        trouble = self._read(pod)
        if trouble is not None and not trouble.may_pass:
            return trouble
        if trouble is not None and self._waited(now) >= self._patience:
            return trouble
        if trouble is None:
            self._waiting_since = None
        if now - self._began >= self._limit:
            return trouble or Trouble("server_slow", f"not ready after {self._limit:g} s")
        return None

    def _read(self, pod: dict[str, Any] | None) -> Trouble | None:
        if pod is not None:
            self._was_there = True
            return read_trouble(pod)
        return Trouble("cluster_evicted", "the pod is gone") if self._was_there else None

    def _waited(self, now: float) -> float:
        if self._waiting_since is None:
            self._waiting_since = now
        return now - self._waiting_since
