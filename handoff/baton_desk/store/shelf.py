"""Looking handoffs up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select, tuple_

from baton_desk.store import convert
from baton_desk.store.models import (
    CheckRow,
    CommentRow,
    DeploymentRow,
    HandoffRow,
    PacketRow,
    UploadRow,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.orm import Session

    from baton_contract.types import Check, Comment, Deployment
    from baton_desk.identity import Caller
    from baton_desk.records import HandoffRecord
    from baton_desk.store.database import Database
    from baton_desk.views import Box

Place = tuple[int, str]
"""Where a page ended: the moment it is sorted by, and the id."""


class Shelf:
    """Reads; changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, handoff_id: str) -> HandoffRecord | None:
        """Return a handoff, or None."""
        with self._database.read() as session:
            row = session.get(HandoffRow, handoff_id)
            return _records(session, [row])[0] if row else None

    def page(
        self, caller: Caller, box: Box, state: str | None, before: Place | None, limit: int
    ) -> tuple[list[HandoffRecord], Place | None]:
        """Return handoffs newest first, and where the page ended when there are more.

        Received ones count from their last offer, sent ones from their draft.
        """
        moment = HandoffRow.created_at if box == "sent" else HandoffRow.offered_at
        query = select(HandoffRow).order_by(moment.desc(), HandoffRow.id.desc()).limit(limit + 1)
        if box == "sent":
            query = query.where(HandoffRow.sender == caller.name)
        else:
            query = query.where(HandoffRow.team.in_(caller.groups), moment.is_not(None))
        if state is not None:
            query = query.where(HandoffRow.state == state)
        if before is not None:
            query = query.where(tuple_(moment, HandoffRow.id) < tuple_(*before))
        with self._database.read() as session:
            rows = list(session.scalars(query))
            shown, more = rows[:limit], len(rows) > limit
            end = _place(shown[-1], box) if more else None
            return _records(session, shown), end

    def packet(self, digest: str) -> bytes:
        """Return a recorded packet's canonical JSON."""
        with self._database.read() as session:
            row = session.get_one(PacketRow, digest)
            return row.body

    def checks(self, handoff_id: str) -> list[Check]:
        """Return what checks found, oldest first."""
        query = select(CheckRow).where(CheckRow.handoff_id == handoff_id).order_by(CheckRow.id)
        with self._database.read() as session:
            return [convert.check(row) for row in session.scalars(query)]

    def thread(self, handoff_id: str) -> list[Comment]:
        """Return the thread, oldest first."""
        query = (
            select(CommentRow).where(CommentRow.handoff_id == handoff_id).order_by(CommentRow.id)
        )
        with self._database.read() as session:
            return [convert.comment(row) for row in session.scalars(query)]

    def deployments(self, handoff_id: str) -> list[Deployment]:
        """Return what was reported, newest first."""
        query = select(DeploymentRow).where(DeploymentRow.handoff_id == handoff_id)
        with self._database.read() as session:
            rows = session.scalars(query.order_by(DeploymentRow.id.desc()))
            return [convert.deployment(row) for row in rows]

    def uploaded(self, sender: str, digests: Iterable[str]) -> set[str]:
        """Return which of the files the sender has uploaded."""
        with self._database.read() as session:
            return uploaded(session, sender, digests)

    def in_checking(self) -> list[HandoffRecord]:
        """Return what waits to be checked, oldest first; also after the desk was cut off."""
        query = select(HandoffRow).where(HandoffRow.state == "checking")
        with self._database.read() as session:
            rows = session.scalars(query.order_by(HandoffRow.updated_at))
            return [convert.handoff(row) for row in rows]


def uploaded(session: Session, sender: str, digests: Iterable[str]) -> set[str]:
    """Return which of the files the sender has uploaded, inside a transaction."""
    query = select(UploadRow.sha256).where(
        UploadRow.sender == sender, UploadRow.sha256.in_(sorted(set(digests)))
    )
    return set(session.scalars(query))


def record_of(session: Session, row: HandoffRow) -> HandoffRecord:
    """Return a row's record, inside a transaction."""
    return _records(session, [row])[0]


def _place(row: HandoffRow, box: Box) -> Place:
    return (row.created_at if box == "sent" else row.offered_at or 0, row.id)


def _records(session: Session, rows: Sequence[HandoffRow]) -> list[HandoffRecord]:
    ids = [row.id for row in rows]
    counted = session.execute(
        select(CommentRow.handoff_id, func.count().label("number"))
        .where(CommentRow.handoff_id.in_(ids))
        .group_by(CommentRow.handoff_id)
    )
    counts: dict[str, int] = {row.handoff_id: row.number for row in counted}
    newest = (
        select(func.max(DeploymentRow.id))
        .where(DeploymentRow.handoff_id.in_(ids))
        .group_by(DeploymentRow.handoff_id)
    )
    latest = {
        row.handoff_id: row
        for row in session.scalars(select(DeploymentRow).where(DeploymentRow.id.in_(newest)))
    }
    return [convert.handoff(row, counts.get(row.id, 0), latest.get(row.id)) for row in rows]
