"""The loop that checks what was submitted."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, cast

from baton_contract import ConflictError
from baton_desk.checks.content import check_digests, check_formats, is_spoilt
from baton_desk.checks.version import baton_version
from baton_desk.records import Finding

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from baton_contract.types import Packet
    from baton_desk.checks.predict import Predict
    from baton_desk.desk import Desk
    from baton_desk.records import HandoffRecord

log = logging.getLogger(__name__)

_AFTER_FAULT = 5.0


class Checker:
    """Checks one handoff after the other, oldest first.

    What waits is read from the store, so a check that was cut off by a restart is
    made again. Wakes when the desk's bell rings.
    """

    def __init__(self, desk: Desk, predict: Predict) -> None:
        self._desk = desk
        self._predict = predict

    async def run(self) -> None:
        """Check until cancelled."""
        while True:
            heard = self._desk.bell.rings
            try:
                waiting = await self._desk.look(self._desk.store.shelf.in_checking)
                for handoff in waiting:
                    await self.check(handoff)
            # The top of the loop: a fault of the desk must not end all checking.
            except Exception:
                log.exception("checks can't be made; trying again soon")
                await asyncio.sleep(_AFTER_FAULT)
                continue
            if not waiting:
                await self._desk.bell.wait(heard)

    async def check(self, handoff: HandoffRecord) -> None:
        """Make every check, stopping at the first that fails, and record what was found."""
        body = await self._desk.look(self._desk.store.shelf.packet, handoff.packet_digest)
        packet = cast("Packet", json.loads(body))
        findings = [finding async for finding in self._findings(handoff, packet)]
        if findings[0].verdict != "passed":
            await self._forget_spoilt(packet)
        log.info("checked %s: %s", handoff.id, ", ".join(f"{f.tool} {f.verdict}" for f in findings))
        try:
            await self._desk.change(
                self._desk.store.handoffs.finish_checks,
                handoff.id,
                findings,
                packet["supersedes"],
            )
        except ConflictError:
            log.warning("%s left its checks before they ended", handoff.id)

    async def _forget_spoilt(self, packet: Packet) -> None:
        for sha256 in {file["sha256"] for file in packet["files"]}:
            if await asyncio.to_thread(is_spoilt, sha256, self._desk.stored.path):
                await self._desk.change(self._desk.store.handoffs.forget_upload, sha256)

    async def _findings(self, handoff: HandoffRecord, packet: Packet) -> AsyncIterator[Finding]:
        try:
            path = self._desk.stored.path
            for check in (check_digests, check_formats):
                finding = await asyncio.to_thread(check, packet, path)
                yield finding
                if finding.verdict != "passed":
                    return
            yield await self._predict.check(packet, path)
        # The top of the checks: a check that breaks is reported to the sender, not lost.
        except Exception:
            log.exception("a check of %s broke", handoff.id)
            yield Finding(
                "desk",
                baton_version(),
                "error",
                "The check itself broke; the model was not judged. Nothing was sent. Try again, "
                "and tell operations if it happens again.",
            )
