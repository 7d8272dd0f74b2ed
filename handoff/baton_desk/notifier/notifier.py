"""The loop that empties the outbox."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography.fernet import InvalidToken

from baton_desk.notifier.backoff import next_delay
from baton_desk.notifier.errors import DeliveryError, PermanentError, TemporaryError
from baton_desk.records import Outcome

if TYPE_CHECKING:
    from baton_desk.bell import Bell
    from baton_desk.moments import Clock
    from baton_desk.notifier.webhook import WebhookSender
    from baton_desk.records import DueDelivery
    from baton_desk.seal import Seal
    from baton_desk.store import Store

log = logging.getLogger(__name__)

AT_ONCE = 20
_LONGEST_REST = 60.0
_AFTER_FAULT = 5.0


class Notifier:
    """Delivers what is in the outbox, up to `AT_ONCE` at a time.

    Wakes when ``bell`` rings, when a delivery is done and when one is due: nothing
    is polled. A delivery that was cut off is tried again after its claim ends, so a
    receiver may see the same id twice.
    """

    def __init__(
        self, *, store: Store, bell: Bell, sender: WebhookSender, secrets: Seal, clock: Clock
    ) -> None:
        self._store = store
        self._bell = bell
        self._sender = sender
        self._secrets = secrets
        self._clock = clock
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            while True:
                try:
                    await self._step()
                # The top of the loop: whatever went wrong, the next delivery is owed its try.
                except Exception:
                    log.exception("the outbox can't be read; trying again soon")
                    await asyncio.sleep(_AFTER_FAULT)
        finally:
            for task in self._under_way:
                task.cancel()

    async def _step(self) -> None:
        heard = self._bell.rings
        free = AT_ONCE - len(self._under_way)
        due = await asyncio.to_thread(self._store.outbox.claim, free) if free else []
        for delivery in due:
            task = asyncio.create_task(self._deliver(delivery))
            self._under_way.add(task)
            task.add_done_callback(self._done)
        if not due:
            await self._bell.wait(heard, await self._rest())

    async def _rest(self) -> float:
        due = await asyncio.to_thread(self._store.outbox.next_due)
        if due is None or len(self._under_way) >= AT_ONCE:
            return _LONGEST_REST
        return min(max(due - self._clock(), 10) / 1000, _LONGEST_REST)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and task.exception():
            log.error("a delivery could not be recorded", exc_info=task.exception())
        self._bell.ring()

    async def _deliver(self, due: DueDelivery) -> None:
        started = time.monotonic()
        outcome = await self._try(due)
        took = round(1000 * (time.monotonic() - started))
        log.info(
            "delivery %s try %s: %s", due.id, due.attempt, outcome.status_code or outcome.error
        )
        timed = replace(outcome, duration_ms=took)
        await asyncio.to_thread(self._store.outbox.finish, due, timed)

    async def _try(self, due: DueDelivery) -> Outcome:
        try:
            status = await self._sender.send(
                due.url,
                secret=self._secret(due),
                webhook_id=due.id,
                timestamp=self._clock() // 1000,
                body=due.body.encode(),
            )
        except TemporaryError as error:
            return _failed(error, retry_in=next_delay(due.attempt, error.delay))
        except PermanentError as error:
            return _failed(error, gone=error.gone)
        return Outcome(delivered=True, status_code=status)

    def _secret(self, due: DueDelivery) -> str:
        try:
            return self._secrets.open(due.sealed_secret)
        except InvalidToken as error:
            raise PermanentError(
                "The channel's secret was sealed with another key. Remove the channel and add it "
                "again."
            ) from error


def _failed(error: DeliveryError, *, retry_in: int | None = None, gone: bool = False) -> Outcome:
    return Outcome(retry_in=retry_in, gone=gone, status_code=error.status_code, error=str(error))
