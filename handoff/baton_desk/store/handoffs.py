"""Changing handoffs: each change with its event and its notifications, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from baton_contract import ConflictError
from baton_desk import rules
from baton_desk.moments import Clock, new_id
from baton_desk.store import convert
from baton_desk.store.journal import Happening, Journal
from baton_desk.store.models import (
    CheckRow,
    CommentRow,
    DeploymentRow,
    HandoffRow,
    PacketRow,
    UploadRow,
)
from baton_desk.store.shelf import record_of, uploaded

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy.orm import Session

    from baton_contract.types import Comment, Deployment, DeploymentStatus, Packet
    from baton_desk.identity import Caller
    from baton_desk.records import Finding, HandoffRecord
    from baton_desk.store.database import Database


class Handoffs:
    """Takes handoffs from state to state, as `baton_desk.rules` says.

    An offer that nobody decides ends after ``lifetime`` milliseconds.
    """

    def __init__(self, database: Database, journal: Journal, clock: Clock, lifetime: int) -> None:
        self._database = database
        self._journal = journal
        self._clock = clock
        self._lifetime = lifetime

    def open_draft(
        self, sender: str, packet: Packet, digest: str, body: bytes
    ) -> tuple[HandoffRecord, bool]:
        """Return a new draft; or the sender's open draft of the same packet, and False."""
        now = self._clock()
        with self._database.write() as session:
            same = session.scalar(
                select(HandoffRow).where(
                    HandoffRow.sender == sender,
                    HandoffRow.packet_digest == digest,
                    HandoffRow.state == "draft",
                )
            )
            if same:
                return record_of(session, same), False
            if session.get(PacketRow, digest) is None:
                session.add(PacketRow(digest=digest, body=body, created_at=now))
                session.flush()
            row = HandoffRow(
                id=new_id(now),
                state="draft",
                team=packet["routing"]["team"],
                sender=sender,
                note=packet["routing"]["note"],
                packet_digest=digest,
                model_name=packet["model"]["name"],
                model_version=packet["model"]["version"],
                created_at=now,
                updated_at=now,
            )
            session.add(row)
            return convert.handoff(row), True

    def record_upload(self, sender: str, sha256: str) -> None:
        """Remember that the sender has shown the content of a file."""
        with self._database.write(in_order=False) as session:
            session.merge(UploadRow(sender=sender, sha256=sha256, created_at=self._clock()))

    def forget_upload(self, sha256: str) -> None:
        """Forget that anybody uploaded the file, so that it counts as missing again."""
        with self._database.write(in_order=False) as session:
            session.execute(delete(UploadRow).where(UploadRow.sha256 == sha256))

    def submit(self, handoff_id: str, caller: Caller, needed: Collection[str]) -> HandoffRecord:
        """Take a draft whose files are all here to its checks; code ``files_missing`` otherwise."""
        with self._database.write() as session:
            row, record = self._find(session, handoff_id, caller)
            transition = rules.decide(record, caller, "submit")
            missing = sorted(set(needed) - uploaded(session, record.sender, needed))
            if missing:
                raise ConflictError(
                    "files_missing",
                    f"{len(missing)} of the packet's files are not uploaded yet. Upload them, then "
                    "submit again.",
                    files=missing,
                )
            return self._take(session, row, transition, caller, None)

    def act(
        self, handoff_id: str, caller: Caller, action: str, reason: str | None = None
    ) -> HandoffRecord:
        """Do what the caller asks, if the rules let them."""
        with self._database.write() as session:
            row, record = self._find(session, handoff_id, caller)
            transition = rules.decide(record, caller, action, reason)
            return self._take(session, row, transition, caller, (reason or "").strip() or None)

    def finish_checks(
        self, handoff_id: str, findings: Sequence[Finding], supersedes: str | None
    ) -> HandoffRecord:
        """Record what the checks found; offer the handoff when all passed, else send it back.

        ``supersedes`` is the digest of the packet that this one replaces.
        """
        now = self._clock()
        with self._database.write() as session:
            row = session.get_one(HandoffRow, handoff_id)
            offer = rules.desk_transition(record_of(session, row), "offer")
            for order, finding in enumerate(findings):
                session.add(_check_row(handoff_id, finding, now, order))
            fault = next((found for found in findings if found.verdict != "passed"), None)
            if fault:
                transition = rules.desk_transition(record_of(session, row), "send_back")
                return self._take(session, row, transition, None, fault.details)
            if supersedes:
                row.supersedes = self._supersede(session, row, supersedes)
            return self._take(session, row, offer, None, None)

    def comment(self, handoff_id: str, caller: Caller, body: str) -> Comment:
        """Add to the thread."""
        now = self._clock()
        with self._database.write() as session:
            row, record = self._find(session, handoff_id, caller)
            rules.require_comment(record, caller)
            said = CommentRow(
                id=new_id(now), handoff_id=row.id, author=caller.name, body=body, created_at=now
            )
            session.add(said)
            row.updated_at = now
            what = Happening("baton.handoff.commented", caller, text=body)
            self._journal.write(session, record_of(session, row), what, now)
            return convert.comment(said)

    def report(
        self,
        handoff_id: str,
        caller: Caller,
        *,
        environment: str,
        status: DeploymentStatus,
        description: str,
        url: str | None,
    ) -> Deployment:
        """Record a deployment of an accepted handoff."""
        now = self._clock()
        with self._database.write() as session:
            row, record = self._find(session, handoff_id, caller)
            rules.require_report(record, caller)
            reported = DeploymentRow(
                id=new_id(now),
                handoff_id=row.id,
                environment=environment,
                status=status,
                description=description,
                url=url,
                reported_by=caller.name,
                created_at=now,
            )
            session.add(reported)
            row.updated_at = now
            what = Happening(
                "baton.handoff.deployment_reported",
                caller,
                text=description or None,
                environment=environment,
                status=status,
            )
            self._journal.write(session, record_of(session, row), what, now)
            return convert.deployment(reported)

    def expire(self) -> int:
        """End the offers whose time is over; return how many."""
        now = self._clock()
        query = select(HandoffRow).where(
            HandoffRow.state == "offered", HandoffRow.expires_at <= now
        )
        with self._database.write() as session:
            rows = list(session.scalars(query))
            for row in rows:
                transition = rules.desk_transition(record_of(session, row), "expire")
                self._take(session, row, transition, None, None)
            return len(rows)

    def _find(
        self, session: Session, handoff_id: str, caller: Caller
    ) -> tuple[HandoffRow, HandoffRecord]:
        row = session.get(HandoffRow, handoff_id)
        found = rules.require_visible(record_of(session, row) if row else None, caller)
        assert row is not None  # noqa: S101 - visible, so it is there
        return row, found

    def _take(
        self,
        session: Session,
        row: HandoffRow,
        transition: rules.Transition,
        actor: Caller | None,
        reason: str | None,
    ) -> HandoffRecord:
        now = self._clock()
        row.state = transition.target
        row.updated_at = now
        row.reason = reason
        if transition.target == "offered":
            row.offered_at, row.expires_at = now, now + self._lifetime
        else:
            row.expires_at = None
        if transition.who in {"receiver", "operations"}:
            row.decided_at, row.decided_by = now, actor.name if actor else None
        session.flush()
        record = record_of(session, row)
        text = record.note or None if transition.action == "offer" else reason
        self._journal.write(session, record, Happening(transition.event, actor, text=text), now)
        return record

    def _supersede(self, session: Session, new: HandoffRow, digest: str) -> str | None:
        """End the sender's open offers of the packet that is replaced; return the newest's id."""
        query = select(HandoffRow).where(
            HandoffRow.sender == new.sender,
            HandoffRow.team == new.team,
            HandoffRow.packet_digest == digest,
            HandoffRow.state.in_(("offered", "changes_requested")),
            HandoffRow.id != new.id,
        )
        replaced = None
        for row in session.scalars(query.order_by(HandoffRow.id)).all():
            transition = rules.desk_transition(record_of(session, row), "supersede")
            again = (row.model_name, row.model_version) == (new.model_name, new.model_version)
            what = "a new packet of it" if again else f"{new.model_name} {new.model_version}"
            reason = f"Replaced by {what}."
            self._take(session, row, transition, None, reason)
            replaced = row.id
        return replaced


def _check_row(handoff_id: str, finding: Finding, now: int, order: int) -> CheckRow:
    return CheckRow(
        id=new_id(now, order),
        handoff_id=handoff_id,
        tool=finding.tool,
        version=finding.version,
        verdict=finding.verdict,
        details=finding.details,
        finished_at=now,
    )
