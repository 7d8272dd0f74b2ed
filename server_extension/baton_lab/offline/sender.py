"""Sends what is kept on this machine: in order, once, and again and again until it is there."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from baton_lab.offline.delivery import Delivery
from baton_lab.offline.journal import Journal, describe_failure
from baton_lab.offline.lanes import Lane, load_lanes
from baton_lab.offline.mlflow_api import MlflowApi, SilentError
from baton_lab.offline.places import platform_address
from baton_lab.offline.tokens import HubToken

log = logging.getLogger("baton_lab.offline")
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between two tries while MLflow takes nothing."""
LOOK = 60.0
"""Seconds after which it looks whether something waits of which nobody told it."""
FAILURES, FAILING_SECONDS = 6, 300.0
"""How often, and for how long, MLflow may fail at one entry before that is set aside."""
OLD = 600.0
"""Seconds for which a file's content stays though nothing names it: its entry may be coming."""


@dataclass(frozen=True)
class Outcome:
    """What came of one round: entries sent and refused, and what stopped it.

    ``problem`` is a sentence for a person, None when all was sent. With ``is_busy``
    another process is sending.
    """

    sent: int = 0
    refused: int = 0
    problem: str | None = None
    is_busy: bool = False
    is_empty: bool = True


class Sender:
    """Sends a journal to its MLflow. Of all processes that try, one sends at a time.

    ``changed`` is called when sending begins, ends, or is stopped by something else.
    """

    def __init__(
        self,
        journal: Journal,
        api: MlflowApi,
        *,
        changed: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal = journal
        self._api = api
        self._changed = changed
        self._clock = clock
        self._woken = asyncio.Event()
        self._failures: dict[tuple[Path, int], tuple[int, float]] = {}
        self.problem: str | None = None
        """Why nothing is sent, a sentence for a person; None when nothing is in the way."""
        self.is_sending = False

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    def wake(self) -> None:
        """Try now: something was kept, MLflow is back, or a person asks."""
        self._woken.set()

    async def run(self, *, until_empty: bool = False) -> None:
        """Send whenever there is something, until cancelled; or once, until nothing waits."""
        pause = FIRST_PAUSE
        while True:
            self._woken.clear()
            outcome = await self._try()
            if outcome.is_empty and until_empty:
                return
            waits = not outcome.is_empty
            pause = FIRST_PAUSE if outcome.sent or not waits else min(pause * 2, LONGEST_PAUSE)
            seconds = pause * random.uniform(0.5, 1.0) if waits else LOOK  # noqa: S311
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._woken.wait()
                pause = FIRST_PAUSE

    async def _try(self) -> Outcome:
        try:
            return await self.send()
        # Top of the loop: whatever one entry does must not end the sending of others.
        except Exception:
            log.exception("What is kept could not be sent; it stays, and is tried again")
            return Outcome(problem="Sending failed unexpectedly.", is_empty=False)

    async def send(self) -> Outcome:
        """Send what waits now, as far as MLflow takes it; return what came of it."""
        if not load_lanes(self._journal.folder):
            self._tell(sending=False, problem=None)
            return Outcome()
        try:
            async with self._alone() as is_mine:
                if not is_mine:
                    return Outcome(is_busy=True, is_empty=False)
                self._tell(sending=True, problem=self.problem)
                outcome = await self._send_all()
                if outcome.is_empty:
                    await asyncio.to_thread(sweep, self._journal)
        except OSError as error:
            problem = f"{UNNOTED} {describe_failure(error)}."
            outcome = Outcome(problem=problem, is_empty=False)
        self._tell(sending=False, problem=outcome.problem)
        if outcome.is_empty and load_lanes(self._journal.folder):
            # Somebody wrote before the lock was free, found it taken, and left that to us.
            more = await self.send()
            sent, refused = outcome.sent + more.sent, outcome.refused + more.refused
            return replace(more, sent=sent, refused=refused)
        return outcome

    def _tell(self, *, sending: bool, problem: str | None) -> None:
        is_news = (self.is_sending, self.problem) != (sending, problem)
        self.is_sending, self.problem = sending, problem
        if is_news:
            self._changed()

    async def _send_all(self) -> Outcome:
        """Go round until nothing moves: what is made on one lane frees what waits on another."""
        outcome = Outcome()
        while lanes := load_lanes(self._journal.folder):
            before = outcome
            moved = False
            for lane in lanes:
                position = lane.position()
                outcome = await self._deliver(lane, outcome)
                if outcome.problem:
                    return replace(outcome, is_empty=False)
                moved = moved or not lane.path.exists() or lane.position() != position
            if not moved and outcome == before:
                return replace(outcome, problem=STUCK, is_empty=False)
        return outcome

    async def _deliver(self, lane: Lane, outcome: Outcome) -> Outcome:
        delivery = Delivery(
            self._journal, self._api, lane, waits=self._waits, gives_up=self._gives_up
        )
        problem = None
        try:
            await delivery.run()
        except SilentError as error:
            problem = error.text
        except FileNotFoundError:
            log.debug("%s was sent by another process", lane.path.name)
        return replace(
            outcome,
            sent=outcome.sent + delivery.sent,
            refused=outcome.refused + delivery.refused,
            problem=problem,
        )

    def _waits(self, local_id: str) -> bool:
        return self._journal.made(local_id) is None and self._journal.has_calls(local_id)

    def _gives_up(self, lane: Lane, end: int) -> bool:
        """Count a failure of MLflow's own at one place; tell whether it was the last."""
        now = self._clock()
        count, since = self._failures.get((lane.path, end), (0, now))
        self._failures[lane.path, end] = count + 1, since
        return count + 1 >= FAILURES and now - since >= FAILING_SECONDS

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[bool]:
        fd = os.open(self._journal.folder / "sending", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True
        finally:
            os.close(fd)


STUCK = "What is kept waits for a run that is not there. `baton sync` says which."
UNNOTED = "What was sent can't be noted on this machine:"


def make_sender(
    journal: Journal | None = None,
    address: str = "",
    *,
    changed: Callable[[], None] = lambda: None,
) -> Sender:
    """Return a sender of this person's journal to the platform's MLflow, with its token."""
    where = address or platform_address()
    return Sender(journal or Journal(), MlflowApi(where, HubToken()), changed=changed)


def sweep(journal: Journal) -> None:
    """Remove contents that nothing names any more; call it when nothing waits."""
    named = _named_by_refusals(journal)
    with suppress(OSError):
        for path in (journal.folder / "files").iterdir():
            is_old = time.time() - path.stat().st_mtime > OLD
            if is_old and path.name not in named and not load_lanes(journal.folder):
                path.unlink(missing_ok=True)


def _named_by_refusals(journal: Journal) -> set[str]:
    from baton_lab.offline.refusals import load_refusals

    entries = (refusal.entry for refusal in load_refusals(journal))
    return {e["sha256"] for e in entries if e["kind"] == "artifact" or e["kind"] == "file"}
