"""The event streams of the desk and of MLflow, passed on to the panel while the server runs."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from httpx_sse import ServerSentEvent, aconnect_sse

if TYPE_CHECKING:
    from baton_lab.platform import Platform

log = logging.getLogger("baton_lab.events")
SILENCE = httpx.Timeout(10, read=45)
"""A stream that says nothing for three heartbeats is taken for dead."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0


class Place:
    """The id of the last event that was passed on, kept in a file across restarts.

    A file that can't be read or written is not an error: then it lasts as long as
    the process.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self._path = folder / f"events-{hashlib.sha256(url.encode()).hexdigest()[:16]}"
        self._value = self._load()

    def get(self) -> str | None:
        """Return the last id; None before the first."""
        return self._value

    def set(self, value: str) -> None:
        """Remember ``value``."""
        if value == self._value:
            return
        self._value = value
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            arriving = self._path.with_suffix(".arriving")
            arriving.write_text(value, "utf-8")
            arriving.replace(self._path)
        except OSError as error:
            log.debug("The place in the event stream was not kept: %s", error)

    def _load(self) -> str | None:
        try:
            value = self._path.read_text("utf-8").strip()
        except (OSError, ValueError):
            return None
        return value if value.isascii() and value.isprintable() and value else None


class Stream:
    """One event stream, held open: comes back after every failure, with growing pauses.

    ``seen`` gets each event. ``turned`` is awaited whenever the stream opens, breaks
    or can't be opened, so that the service's state can be looked at. With a ``place``
    it resumes where it stopped, so that an event is passed on at least once.
    """

    def __init__(
        self,
        client: Callable[[], httpx.AsyncClient],
        path: str,
        *,
        seen: Callable[[ServerSentEvent], None],
        turned: Callable[[], Awaitable[object]],
        place: Place | None = None,
    ) -> None:
        self._client = client
        self._path = path
        self._seen = seen
        self._turned = turned
        self._place = place
        self._pause = FIRST_PAUSE

    async def run(self) -> None:
        """Hold the stream until cancelled."""
        while True:
            try:
                await self._listen()
            # Top of the loop: whatever one event does must not end the listening.
            except Exception:
                log.exception("An event of %s could not be passed on", self._path)
            await asyncio.sleep(self._pause * random.uniform(0.5, 1.5))  # noqa: S311
            self._pause = min(self._pause * 2, LONGEST_PAUSE)

    async def _listen(self) -> None:
        try:
            await self._hold()
        except (httpx.HTTPError, httpx.StreamError) as error:
            log.debug("The stream %s broke: %r", self._path, error)
        await self._turned()

    async def _hold(self) -> None:
        last = self._place.get() if self._place else None
        headers = {"Last-Event-ID": last} if last else {}
        async with aconnect_sse(
            self._client(), "GET", self._path, headers=headers, timeout=SILENCE
        ) as source:
            source.response.raise_for_status()
            self._pause = FIRST_PAUSE
            await self._turned()
            async for event in source.aiter_sse():
                if event.data:
                    self._seen(event)
                if event.id and self._place:
                    self._place.set(event.id)


class Streams:
    """Both streams, and what of them reaches the panel; ``memory`` is a folder to resume from."""

    def __init__(self, platform: Platform, *, memory: Path) -> None:
        self._platform = platform
        self._memory = memory

    async def run(self) -> None:
        """Hold both open until cancelled; a service that is absent has none."""
        settings = self._platform.settings
        held = [self._hints()] if settings.tracking_url else []
        held += [self._handoffs(settings.desk_url)] if settings.desk_url else []
        await asyncio.gather(*(stream.run() for stream in held))

    def _hints(self) -> Stream:
        return Stream(
            lambda: self._platform.tracking.http,
            "baton/events",
            seen=self._pass_hint,
            turned=lambda: self._platform.presence.check("mlflow"),
        )

    def _handoffs(self, url: str) -> Stream:
        return Stream(
            lambda: self._platform.desk.http,
            "api/events",
            seen=self._pass_event,
            turned=lambda: self._platform.presence.check("desk"),
            place=Place(self._memory, f"{self._platform.user}@{url}"),
        )

    def _pass_hint(self, event: ServerSentEvent) -> None:
        hint = _parse(event)
        if hint is not None:
            self._platform.push.runs(
                experiment_id=_text(hint.get("experiment_id")), run_id=_text(hint.get("run_id"))
            )

    def _pass_event(self, event: ServerSentEvent) -> None:
        body = _parse(event)
        if body is not None:
            self._platform.push.handoff(body)


def _parse(event: ServerSentEvent) -> dict[str, Any] | None:
    try:
        value = json.loads(event.data)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
