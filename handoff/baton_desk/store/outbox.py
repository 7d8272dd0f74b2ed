"""Deliveries that are to be made, claimed by one notifier at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sqlalchemy import case, func, select, update

from baton_contract import ConflictError, NotFoundError
from baton_desk.moments import Clock, new_id
from baton_desk.records import DueDelivery, Outcome
from baton_desk.store import convert
from baton_desk.store.models import AttemptRow, ChannelRow, DeliveryRow

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from baton_contract.types import EventType
    from baton_desk.store.database import Database
    from baton_desk.views import Delivery

PAUSE_AFTER = 10
"""Failures in a row after which a channel is paused."""

LEASE = 120_000
"""Milliseconds after which a claimed delivery that never ended may be claimed again."""


class Outbox:
    """At least once: what was claimed and never finished is claimed again after `LEASE`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def claim(self, limit: int = 20) -> list[DueDelivery]:
        """Return due deliveries of active channels; nobody else gets them meanwhile."""
        now = self._clock()
        due = (
            select(DeliveryRow.id)
            .join(ChannelRow)
            .where(_due(now), ChannelRow.state == "active")
            .order_by(DeliveryRow.next_attempt_at, DeliveryRow.id)
            .limit(limit)
            # Says nothing on SQLite, where the transaction is the only writer anyway.
            .with_for_update(skip_locked=True, of=DeliveryRow)
        )
        claim = (
            update(DeliveryRow)
            .where(DeliveryRow.id.in_(due))
            .values(claimed_until=now + LEASE, tries=DeliveryRow.tries + 1)
            .returning(DeliveryRow)
        )
        with self._database.write(in_order=False) as session:
            rows = sorted(session.scalars(claim), key=lambda row: row.id)
            return [_due_delivery(row, session.get_one(ChannelRow, row.channel_id)) for row in rows]

    def next_due(self) -> int | None:
        """Return when the next delivery of an active channel is due or its claim ends, or None."""
        # The due moment, or the end of the claim where that is later.
        moment = case(
            (DeliveryRow.claimed_until > DeliveryRow.next_attempt_at, DeliveryRow.claimed_until),
            else_=DeliveryRow.next_attempt_at,
        )
        query = (
            select(func.min(moment))
            .select_from(DeliveryRow)
            .join(ChannelRow)
            .where(DeliveryRow.status == "pending", ChannelRow.state == "active")
        )
        with self._database.read() as session:
            return cast("int | None", session.scalar(query))

    def finish(self, due: DueDelivery, outcome: Outcome) -> None:
        """Record how a try ended, and what follows from it for delivery and channel."""
        now = self._clock()
        with self._database.write(in_order=False) as session:
            row = session.get(DeliveryRow, due.id)
            if row is None:
                return  # The channel was removed meanwhile.
            session.add(_attempt(due.id, outcome, now))
            row.claimed_until = None
            if outcome.retry_in is not None:
                row.next_attempt_at = now + outcome.retry_in
            else:
                row.status = "delivered" if outcome.delivered else "failed"
                row.next_attempt_at = None
            _count(session.get_one(ChannelRow, row.channel_id), outcome)

    def of_team(self, team: str, limit: int = 100) -> list[Delivery]:
        """Return the team's last deliveries, newest first, each with its attempts."""
        query = select(DeliveryRow).join(ChannelRow).where(ChannelRow.team == team)
        with self._database.read() as session:
            rows = list(session.scalars(query.order_by(DeliveryRow.id.desc()).limit(limit)))
            tries = _attempts(session, [row.id for row in rows])
            return [convert.delivery(row, tries.get(row.id, [])) for row in rows]

    def replay(self, team: str, delivery_id: str) -> Delivery:
        """Make a delivery due again, under the same id."""
        now = self._clock()
        with self._database.write() as session:
            row = session.get(DeliveryRow, delivery_id)
            channel = session.get(ChannelRow, row.channel_id) if row else None
            if row is None or channel is None or channel.team != team:
                raise NotFoundError("not_found", f"{team} has no such delivery.")
            if channel.state != "active":
                raise ConflictError(
                    "channel_not_active",
                    f"The channel is {channel.state}. Resume it first, then send this again.",
                    state=channel.state,
                )
            row.status, row.tries, row.next_attempt_at = "pending", 0, now
            return convert.delivery(row, _attempts(session, [row.id]).get(row.id, []))


def _due(now: int) -> ColumnElement[bool]:
    free = DeliveryRow.claimed_until.is_(None) | (DeliveryRow.claimed_until <= now)
    return (DeliveryRow.status == "pending") & (DeliveryRow.next_attempt_at <= now) & free


def _due_delivery(row: DeliveryRow, channel: ChannelRow) -> DueDelivery:
    return DueDelivery(
        id=row.id,
        event_type=cast("EventType", row.event_type),
        body=row.body,
        url=channel.url,
        sealed_secret=channel.sealed_secret,
        attempt=row.tries,
    )


def _attempt(delivery_id: str, outcome: Outcome, now: int) -> AttemptRow:
    return AttemptRow(
        id=new_id(now),
        delivery_id=delivery_id,
        at=now,
        status_code=outcome.status_code,
        error=outcome.error,
        duration_ms=outcome.duration_ms,
    )


def _attempts(session: Session, delivery_ids: list[str]) -> dict[str, list[AttemptRow]]:
    query = select(AttemptRow).where(AttemptRow.delivery_id.in_(delivery_ids))
    found: dict[str, list[AttemptRow]] = {}
    for row in session.scalars(query.order_by(AttemptRow.id)):
        found.setdefault(row.delivery_id, []).append(row)
    return found


def _count(channel: ChannelRow, outcome: Outcome) -> None:
    if outcome.delivered:
        channel.consecutive_failures = 0
        return
    channel.consecutive_failures += 1
    if outcome.gone:
        channel.state = "disabled"
        channel.reason = "The receiver answered 410: it is gone. Resume the channel if it is back."
    elif channel.consecutive_failures >= PAUSE_AFTER and channel.state == "active":
        channel.state = "paused"
        channel.reason = (
            f"Paused after {channel.consecutive_failures} failures in a row; nothing is lost. "
            "Resume the channel when the receiver is back."
        )
