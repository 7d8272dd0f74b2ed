"""The Hub's record of what was decided and what runs: `Audit`."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from baton_contract import UnavailableError
from baton_contract.timestamp import render_timestamp
from baton_hub.audit.appender import MAX_BYTES, Appender, BusyError, repair

log = logging.getLogger(__name__)

MAX_WAITING = 10_000
"""How many events wait for a file that can't be written; of more, refusals are counted only."""

RETRY = 5.0
"""Seconds after which what waits is tried again."""


class Audit:
    """The record of one Hub: a file of chained lines, and what could not be written yet.

    `record` is for what must not happen unrecorded; `note` for what happened already.
    Without a path nothing is recorded, and nothing fails. ``rotate_at`` is the
    size in bytes at which the file is renamed and a new one begun; 0: never.
    """

    def __init__(
        self,
        path: Path | None,
        clock: Callable[[], datetime] | None = None,
        *,
        rotate_at: int = MAX_BYTES,
    ) -> None:
        self.path = path
        self._clock = clock or (lambda: datetime.now(UTC))
        self._file = Appender(path, self._clock, rotate_at) if path else None
        self._guard = Lock()
        self._waiting: deque[dict[str, Any]] = deque()
        self._dropped = 0
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="audit")
        self._synced: Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.decisions: Counter[tuple[str, str]] = Counter()
        """How many times each decision was taken, by its code, since the Hub started."""
        self.stops: Counter[str] = Counter()
        """How many servers stopped, by the stop's code, since the Hub started."""
        self.errors = 0
        """How many times the file could not be written since the Hub started."""

    @property
    def lines(self) -> int:
        """How many lines the chain has; 0 before this process wrote the first."""
        return self._file.head.seq if self._file else 0

    @property
    def waiting(self) -> int:
        """How many events happened that the file does not hold yet."""
        return len(self._waiting) + self._dropped

    def open(self) -> None:
        """Take the file, so that no other process writes it; raises `BusyError` if one does.

        A file that can't be written otherwise is logged: nothing will start, all else goes on.
        """
        if self._file is None:
            return
        try:
            with self._guard:
                self._file.open()
        except BusyError:
            raise
        except OSError as error:
            self._fail(error)
        else:
            self._sync(self._file)

    def record(self, event: str, **facts: Any) -> None:
        """Add one event, stamped with the time; it is in the file when this returns.

        It outlives the Hub's process from then on, and the machine once `durable` returned.
        Raises `UnavailableError` (audit_unavailable), and the event is not recorded.
        """
        if self._file is None:
            self._count(event, facts)
            return
        with self._guard:
            try:
                self._write_waiting(self._file)
                self._file.append({"time": self._now(), "event": event, **facts})
            except OSError as error:
                self._fail(error)
                raise _unavailable() from error
        self._count(event, facts)
        self._sync(self._file)

    def note(self, event: str, **facts: Any) -> None:
        """Add one event of what happened already; it waits in memory while the file can't take it.

        What waits is written, in order, before anything else is recorded.
        """
        self._count(event, facts)
        if self._file is None:
            return
        with self._guard:
            self._waiting.append({"time": self._now(), "event": event, **facts})
        self.retry()

    def retry(self) -> bool:
        """Write what waits; tells whether nothing waits any more."""
        if self._file is None or not self.waiting:
            return True
        with self._guard:
            try:
                self._write_waiting(self._file)
            except OSError as error:
                self._fail(error)
                self._drop()
                self._retry_later()
                return False
        self._sync(self._file)
        return True

    def _retry_later(self) -> None:
        """Try again without being asked, where there is an event loop to do it in."""
        if self._timer is None:
            with suppress(RuntimeError):
                self._timer = asyncio.get_running_loop().call_later(RETRY, self._retry_now)

    def _retry_now(self) -> None:
        self._timer = None
        self.retry()

    async def durable(self) -> None:
        """Return when everything recorded so far is on the disk; the event loop goes on meanwhile.

        Whoever asks at the same time waits for one and the same write. Raises
        `UnavailableError` (audit_unavailable) when the disk fails.
        """
        if self._synced is None:
            return
        try:
            # Shielded: who gives up waiting must not end the write that others wait for.
            await asyncio.shield(asyncio.wrap_future(self._synced))
        except OSError as error:
            raise _unavailable() from error

    def close(self) -> None:
        """Write what waits, wait for the disk, and let another process write."""
        self.retry()
        self._disk.shutdown()
        if self._file is not None:
            self._file.close()

    def _sync(self, file: Appender) -> None:
        """Have a thread bring what was added to the disk; one that has not begun covers it too."""
        with self._guard:
            running = self._synced
            if running is None or running.running() or running.done():
                self._synced = self._disk.submit(self._bring, file)

    def _bring(self, file: Appender) -> None:
        try:
            file.sync()
        except OSError as error:
            self._fail(error)
            raise

    def _write_waiting(self, file: Appender) -> None:
        if self._dropped:
            file.append(repair("events_dropped", dropped=self._dropped))
            self._dropped = 0
        while self._waiting:
            file.append(self._waiting[0])
            self._waiting.popleft()

    def _drop(self) -> None:
        """Forget the oldest refusals beyond what memory should hold; never a start or a stop."""
        excess = len(self._waiting) - MAX_WAITING
        if excess > 0:
            refusals = [e for e in self._waiting if e.get("decision") == "refused"][:excess]
            gone = {id(event) for event in refusals}
            self._waiting = deque(e for e in self._waiting if id(e) not in gone)
            self._dropped += len(refusals)

    def _count(self, event: str, facts: Mapping[str, Any]) -> None:
        if event == "spawn":
            self.decisions[facts["decision"], facts["code"]] += 1
        elif event == "stop":
            self.stops[facts["code"]] += 1

    def _fail(self, error: OSError) -> None:
        self.errors += 1
        reason = str(error) if isinstance(error, BusyError) else f"{self.path}: {error.strerror}"
        if not self.errors & (self.errors - 1):  # The first, second, fourth … time.
            log.error("The audit can't be written, so no server can start. %s", reason)

    def _now(self) -> str:
        return render_timestamp(self._clock())


def _unavailable() -> UnavailableError:
    return UnavailableError(
        "audit_unavailable",
        "Nothing can start now, because the Hub can't record it. What runs is not touched."
        " Please try again later, and tell those who run this Hub.",
    )
