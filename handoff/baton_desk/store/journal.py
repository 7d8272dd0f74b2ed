"""What happened: the audit, the event streams and the outbox, written together."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from sqlalchemy import func, select

from baton_desk import rules
from baton_desk.moments import new_id, render_moment
from baton_desk.store.models import ChannelRow, DeliveryRow, EventRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from baton_contract.types import Event, EventData, EventType
    from baton_desk.identity import Caller
    from baton_desk.records import HandoffRecord
    from baton_desk.store.database import Database
    from baton_desk.views import StreamedEvent


@dataclass(frozen=True)
class Happening:
    """What is to be written down of a handoff; ``actor`` is None for the desk itself."""

    type: EventType
    actor: Caller | None
    text: str | None = None
    environment: str | None = None
    status: str | None = None


class Journal:
    """Numbers events from 1 without gaps, in the order in which they are committed."""

    def __init__(self, database: Database, source: str) -> None:
        self._database = database
        self._source = source

    def write(self, session: Session, handoff: HandoffRecord, what: Happening, now: int) -> None:
        """Write the event, and a delivery to each of the team's channels that is to hear of it.

        Belongs inside the transaction of the change itself, under `Database.write`.
        """
        event = self._event(handoff, what, now)
        seq = (session.scalar(select(func.max(EventRow.seq))) or 0) + 1
        session.add(
            EventRow(
                seq=seq,
                handoff_id=handoff.id,
                team=handoff.team,
                sender=handoff.sender,
                team_sees=handoff.was_offered,
                body=json.dumps(event),
            )
        )
        if rules.team_hears(what.type, handoff, what.actor):
            channels = session.scalars(
                select(ChannelRow).where(
                    ChannelRow.team == handoff.team, ChannelRow.state != "disabled"
                )
            )
            add_deliveries(session, channels, event, now)
        session.flush()

    def last(self) -> int:
        """Return the newest event's number; 0 when there is none."""
        with self._database.read() as session:
            return session.scalar(select(func.max(EventRow.seq))) or 0

    def after(self, seq: int, caller: Caller, limit: int = 200) -> list[StreamedEvent]:
        """Return the next events of what the caller sent or, once offered, receives."""
        received = EventRow.team_sees & EventRow.team.in_(caller.groups)
        query = (
            select(EventRow)
            .where(EventRow.seq > seq, (EventRow.sender == caller.name) | received)
            .order_by(EventRow.seq)
            .limit(limit)
        )
        with self._database.read() as session:
            return [
                {"seq": row.seq, "event": json.loads(row.body)} for row in session.scalars(query)
            ]

    def channel_test(self, channel: ChannelRow, actor: Caller, now: int) -> Event:
        """Return the event of a channel's test; it is about no handoff."""
        data = _data(channel.team, actor.name)
        return self._envelope("baton.channel.test", channel.id, data, now)

    def _event(self, handoff: HandoffRecord, what: Happening, now: int) -> Event:
        data = _data(handoff.team, what.actor.name if what.actor else "desk")
        data["handoff"] = handoff.id
        data["state"] = handoff.state
        data["sender"] = handoff.sender
        data["model"] = handoff.model_name
        data["version"] = handoff.model_version
        data["packet_digest"] = handoff.packet_digest
        data["text"] = what.text
        data["environment"] = what.environment
        data["status"] = what.status
        return self._envelope(what.type, handoff.id, data, now)

    def _envelope(self, kind: EventType, subject: str, data: EventData, now: int) -> Event:
        return {
            "specversion": "1.0",
            "id": new_id(now),
            "source": self._source,
            "type": kind,
            "subject": subject,
            "time": render_moment(now),
            "datacontenttype": "application/json",
            "dataschema": "urn:baton:event:1",
            "data": data,
        }


def add_deliveries(
    session: Session, channels: Iterable[ChannelRow], event: Event, now: int
) -> list[DeliveryRow]:
    """Put one delivery of ``event`` for each channel into the outbox, due at once."""
    rows = []
    for channel in channels:
        # In a webhook the event's id is the delivery's, constant over retries and replays.
        body = cast("Event", {**event, "id": new_id(now)})
        row = DeliveryRow(
            id=body["id"],
            channel_id=channel.id,
            handoff_id=event["data"]["handoff"],
            event_type=event["type"],
            body=json.dumps(body, ensure_ascii=False),
            status="pending",
            tries=0,
            next_attempt_at=now,
            claimed_until=None,
            created_at=now,
        )
        session.add(row)
        rows.append(row)
    return rows


def _data(team: str, actor: str) -> EventData:
    return {
        "handoff": None,
        "state": None,
        "team": team,
        "sender": None,
        "model": None,
        "version": None,
        "packet_digest": None,
        "actor": actor,
        "text": None,
        "environment": None,
        "status": None,
    }
