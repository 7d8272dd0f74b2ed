"""Hints that something was recorded, so that no panel has to poll.

A hint names a run and the kind of change, nothing that was recorded: whoever gets
one asks MLflow. Hints are kept nowhere; a client that reconnects asks anew.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Change = Literal["run", "metrics", "params", "tags", "artifacts", "model"]

PACE_SECONDS = 0.5
"""A subscriber gets the same hint at most once in this time."""
HEARTBEAT_SECONDS = 15.0
WAITING = 200
"""How many different hints may wait for a slow subscriber; then the oldest go."""


@dataclass(frozen=True)
class Hint:
    """What changed, and where."""

    run_id: str | None
    experiment_id: str | None
    change: Change


class Hints:
    """Passes hints from requests to the subscribers of this process."""

    def __init__(self) -> None:
        self._subscribers: set[Waiting] = set()
        self._closed = False
        self.elsewhere: Callable[[Hint], None] | None = None
        """Gives a hint to the other workers, if there are any; must not wait."""

    def publish(self, hint: Hint) -> None:
        """Give the hint to everybody who listens now, here or elsewhere; never waits."""
        self.deliver(hint)
        if self.elsewhere is not None:
            self.elsewhere(hint)

    def deliver(self, hint: Hint) -> None:
        """Give the hint to everybody who listens to this process now."""
        for waiting in self._subscribers:
            waiting.add(hint)

    @property
    def listeners(self) -> int:
        """How many streams are open."""
        return len(self._subscribers)

    def close(self) -> None:
        """End every stream, those that are paused within `PACE_SECONDS`."""
        self._closed = True
        for waiting in self._subscribers:
            waiting.wake()

    async def stream(
        self,
        still_welcome: Callable[[], Awaitable[bool]],
        hears: Callable[[Hint], Awaitable[bool]] | None = None,
    ) -> AsyncIterator[str]:
        """Yield server-sent events until the client leaves, is no longer welcome, or `close`.

        ``hears`` says which hints the client may know of; without it, all.

        The first line is a comment, sent at once; so is one every 15 s without news.
        """
        waiting = Waiting()
        self._subscribers.add(waiting)
        try:
            yield ": listening\n\n"
            while not self._closed:
                hints = await waiting.take()
                if not hints:
                    if self._closed or not await still_welcome():
                        return
                    yield ": still here\n\n"
                    continue
                if hears is not None:
                    hints = [hint for hint in hints if await hears(hint)]
                yield "".join(f"data: {json.dumps(asdict(hint))}\n\n" for hint in hints)
                await asyncio.sleep(PACE_SECONDS)
        finally:
            self._subscribers.discard(waiting)


class Waiting:
    """The different hints that one receiver has not been given yet."""

    def __init__(self, most: int = WAITING) -> None:
        self._most = most
        self._hints: dict[Hint, None] = {}
        self._some = asyncio.Event()

    def add(self, hint: Hint) -> None:
        """Keep the hint until it is taken; the oldest goes where there are too many."""
        self._hints[hint] = None
        if len(self._hints) > self._most:
            del self._hints[next(iter(self._hints))]
        self._some.set()

    def wake(self) -> None:
        """Have `take` return now, with what there is."""
        self._some.set()

    async def take(self) -> list[Hint]:
        """Return and forget what there is, as soon as there is some; nothing after 15 s."""
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                await self._some.wait()
        except TimeoutError:
            return []
        hints = list(self._hints)
        self._hints.clear()
        self._some.clear()
        return hints


def find_changes(method: str, path: str) -> tuple[Change, ...]:
    """Return what a request to this route changes, or nothing if nobody need know."""
    if method in ("PUT", "DELETE") and _ARTIFACT.fullmatch(path):
        return ("artifacts",)
    api = _API.fullmatch(path)
    if api is None:
        return ()
    for verb, route, changes in _ROUTES:
        if verb == method and route.fullmatch(api[1]):
            return changes
    return ()


def render_hints(
    changes: tuple[Change, ...], path: str, request: dict[str, Any], response: dict[str, Any]
) -> list[Hint]:
    """Return the hints for a request that succeeded, from its and MLflow's JSON."""
    artifact = _ARTIFACT.fullmatch(path)
    if artifact:
        # EXPERIMENT/RUN/artifacts/… for a run, EXPERIMENT/models/MODEL/… for a model.
        experiment, owner = artifact[1], artifact[2]
        run = None if owner == "models" else owner
        return [Hint(run, experiment, "artifacts" if run else "model")]
    info = (response.get("run") or {}).get("info") or {}
    run = info.get("run_id") or _text(request, "run_id", "run_uuid", "source_run_id")
    experiment_id = info.get("experiment_id") or _text(request, "experiment_id")
    if changes == _BATCH:
        changes = tuple(kind for kind in _BATCH if request.get(kind))
    return [Hint(run, experiment_id, change) for change in changes]


def _text(body: dict[str, Any], *names: str) -> str | None:
    for name in names:
        if isinstance(value := body.get(name), str) and value:
            return value
    return None


_API = re.compile(r"/(?:ajax-)?api/2\.0/mlflow/(.+)")
_ARTIFACT = re.compile(r"/(?:ajax-)?api/2\.0/mlflow-artifacts/artifacts/([^/]+)/([^/]+)/.+")
_BATCH: tuple[Change, ...] = ("metrics", "params", "tags")
_ROUTES: tuple[tuple[str, re.Pattern[str], tuple[Change, ...]], ...] = tuple(
    (method, re.compile(route), changes)
    for method, route, changes in (
        ("POST", "runs/(create|update|delete|restore|create-promptlab-run)", ("run",)),
        ("POST", "runs/log-batch", _BATCH),
        ("POST", "runs/log-metric", ("metrics",)),
        ("POST", "runs/log-parameter", ("params",)),
        ("POST", "runs/(set|delete)-tag", ("tags",)),
        ("POST", "runs/(log-model|outputs)", ("model",)),
        ("POST", "runs/log-inputs", ("run",)),
        ("POST", "upload-artifact", ("artifacts",)),
        ("POST", "logged-models", ("model",)),
        ("PATCH", "logged-models/.+", ("model",)),
        ("DELETE", "logged-models/.+", ("model",)),
        ("POST", "experiments/(create|update|delete|restore)", ("run",)),
        ("POST", "(registered-models|model-versions)/(?!get-|search).+", ("model",)),
        ("PATCH", "(registered-models|model-versions)/.+", ("model",)),
        ("DELETE", "(registered-models|model-versions)/.+", ("model",)),
    )
)
