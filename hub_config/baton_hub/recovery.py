"""What nobody knows the end of: servers of a Hub that was killed, and stops that failed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from baton_contract import NotFoundError, PublicError
from baton_hub.account import Account
from baton_hub.audit import Audit
from baton_hub.audit.events import stopped
from baton_hub.audit.replay import load_account, read_events
from baton_hub.booking import Booking, Key
from baton_hub.hours import PERIODS, period_start
from baton_hub.reservations import Reservations

log = logging.getLogger(__name__)

EndLost = Callable[[frozenset[str]], Awaitable[None]]
"""Ends the processes or pods of servers with these ids; what does not run any more is fine."""
PATIENCE = 15.0
"""Seconds that an attempt to end lost servers may take."""
PAUSE = 30.0
"""Seconds between attempts."""


class Recovery:
    """Brings the account and the audit back to what is true, once, when a Hub has started.

    The Hub restores the servers that it has the state of. Two things it does not know:
    the hours that were used before, for budgets; and servers that the audit has as
    allowed, and without a stop, of which the Hub has no state. Those were lost: their
    processes or pods are ended, and a ``stop`` with the code ``lost`` is recorded. Until
    then they count against quotas, as they may still run.

    A server that could not be stopped is lost as well: the Hub forgets it all the same.
    """

    def __init__(
        self,
        audit: Audit,
        reservations: Reservations,
        clock: Callable[[], datetime] | None = None,
        pause: float = PAUSE,
    ) -> None:
        self._audit = audit
        self._reservations = reservations
        self._clock = clock or (lambda: datetime.now(UTC))
        self._pause = pause
        self._ready = asyncio.Event()
        self._lost: dict[Key, Booking] = {}
        self._unended: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    def begin(self, end_lost: EndLost) -> None:
        """Begin, unless it has begun. To be called in the Hub's loop whenever a spawner is made.

        JupyterHub makes the spawners of all servers that it has the state of in one go, with
        nothing awaited in between, before it serves anybody: when the task runs, all that can
        be restored has been.
        """
        if self._task is None and self._audit.path is not None:
            work = self._run(self._audit.path, self._clock(), end_lost)
            self._task = asyncio.get_running_loop().create_task(work)

    async def ready(self) -> None:
        """Return once decisions can be made; at once when there is nothing to recover."""
        if self._task is not None and not self._task.done():
            await self._ready.wait()

    async def finished(self) -> None:
        """Return once every lost server was ended."""
        for task in (self._task, self._ending):
            if task is not None:
                await asyncio.shield(task)

    def lose(self, booking: Booking, end_lost: EndLost) -> None:
        """Count a server on that may still run, and end it beside serving.

        To be called in the Hub's loop, in place of releasing what it holds.
        """
        self._lost[booking.key] = booking
        self._unended.add(booking.id)
        self._end_beside(end_lost)

    def settle(self, key: Key) -> None:
        """Record the stop of a lost server, if there is one: it ended, or is replaced now."""
        lost = self._lost.pop(key, None)
        if lost is not None:
            self._reservations.release(key, only=lost.id)
            self._audit.note("stop", **stopped(lost, "lost"))

    async def _run(self, path: Path, begun: datetime, end_lost: EndLost) -> None:
        try:
            self._take_up(await asyncio.to_thread(_account_before, path, begun))
            if self._unended:
                number = len(self._unended)
                log.warning("%d servers were lost when the Hub ended; they are ended now.", number)
                await self._end_beside(end_lost)
        except (PublicError, OSError) as error:
            log.error(  # noqa: TRY400 - what is wrong stands in the file
                "The audit can't be read back: %s Budgets count from now on, and servers that"
                " were lost are not ended.",
                error,
            )
        except Exception:  # The top of a task: nobody else would tell.
            log.exception("What the last Hub left behind is not known.")
        finally:
            self._ready.set()

    def _take_up(self, account: Account) -> None:
        self._reservations.spend_as(account)
        restored = self._reservations.restored
        for booking in account:
            if booking.id not in restored:
                self._lost[booking.key] = booking
                self._unended.add(booking.id)
                if self._reservations.get(booking.key) is None:
                    self._reservations.restore(booking)

    def _end_beside(self, end_lost: EndLost) -> asyncio.Task[None]:
        """Return the task that ends what was lost; one that runs takes up what comes new."""
        if self._ending is None or self._ending.done():
            self._ending = asyncio.get_running_loop().create_task(self._end(end_lost))
        return self._ending

    async def _end(self, end_lost: EndLost) -> None:
        while ids := frozenset(self._unended):
            if await self._try_to_end(end_lost, ids):
                self._note_end(ids)
            else:
                # Who starts a server need not wait for a cluster that does not answer.
                self._ready.set()
                await asyncio.sleep(self._pause)

    def _note_end(self, ids: frozenset[str]) -> None:
        self._unended -= ids
        for lost in tuple(self._lost.values()):
            if lost.id in ids:
                self.settle(lost.key)

    async def _try_to_end(self, end_lost: EndLost, ids: frozenset[str]) -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                await end_lost(ids)
        except Exception:  # Whatever a cluster's client raises: it is tried again.
            log.exception("Lost servers can't be ended yet.")
            return False
        return True


def _account_before(path: Path, moment: datetime) -> Account:
    """Return the account that an audit tells of, without what this process wrote to it."""
    since = min(period_start(period, moment) for period in PERIODS)
    # An audit's times are cut to milliseconds.
    last = moment.replace(microsecond=moment.microsecond // 1000 * 1000) - timedelta(milliseconds=1)
    try:
        return load_account(read_events(path, since), last)
    except NotFoundError:
        return Account()
