"""The tables. Moments are milliseconds since 1970, UTC; ids are UUIDv7 in hexadecimal."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, MetaData, String, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# Named constraints, because a migration can't drop what has no name.
_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Every table of the desk."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map = {int: BigInteger, str: Text}  # noqa: RUF012


class PacketRow(Base):
    """A packet under its digest, in the bytes that the digest is of."""

    __tablename__ = "packets"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[int]


class UploadRow(Base):
    """A file that a sender has uploaded once.

    Kept per sender: knowing a digest does not open somebody else's file.
    """

    __tablename__ = "uploads"
    sender: Mapped[str] = mapped_column(String(255), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    created_at: Mapped[int]


class HandoffRow(Base):
    """A handoff."""

    __tablename__ = "handoffs"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    state: Mapped[str] = mapped_column(String(20))
    team: Mapped[str] = mapped_column(String(255))
    sender: Mapped[str] = mapped_column(String(255))
    note: Mapped[str]
    packet_digest: Mapped[str] = mapped_column(ForeignKey("packets.digest"))
    model_name: Mapped[str]
    model_version: Mapped[str]
    created_at: Mapped[int]
    updated_at: Mapped[int]
    offered_at: Mapped[int | None]
    expires_at: Mapped[int | None]
    decided_at: Mapped[int | None]
    decided_by: Mapped[str | None]
    reason: Mapped[str | None]
    supersedes: Mapped[str | None] = mapped_column(ForeignKey("handoffs.id"))


_OFFERED = text("offered_at IS NOT NULL")
_AT_WORK = text("state IN ('checking', 'offered')")
Index(
    "ix_handoffs_inbox",
    HandoffRow.team,
    HandoffRow.offered_at,
    HandoffRow.id,
    sqlite_where=_OFFERED,
    postgresql_where=_OFFERED,
)
Index("ix_handoffs_sent", HandoffRow.sender, HandoffRow.created_at, HandoffRow.id)
Index(
    "ix_handoffs_at_work",
    HandoffRow.state,
    HandoffRow.expires_at,
    sqlite_where=_AT_WORK,
    postgresql_where=_AT_WORK,
)


class CheckRow(Base):
    """What a check found."""

    __tablename__ = "checks"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    handoff_id: Mapped[str] = mapped_column(ForeignKey("handoffs.id"), index=True)
    tool: Mapped[str]
    version: Mapped[str]
    verdict: Mapped[str] = mapped_column(String(10))
    details: Mapped[str]
    finished_at: Mapped[int]


class CommentRow(Base):
    """A word in a handoff's thread."""

    __tablename__ = "comments"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    handoff_id: Mapped[str] = mapped_column(ForeignKey("handoffs.id"), index=True)
    author: Mapped[str]
    body: Mapped[str]
    created_at: Mapped[int]


class DeploymentRow(Base):
    """What a pipeline or a member reported of one environment."""

    __tablename__ = "deployments"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    handoff_id: Mapped[str] = mapped_column(ForeignKey("handoffs.id"), index=True)
    environment: Mapped[str]
    status: Mapped[str] = mapped_column(String(20))
    description: Mapped[str]
    url: Mapped[str | None]
    reported_by: Mapped[str]
    created_at: Mapped[int]


class EventRow(Base):
    """Everything that happened, append-only: the audit, and what streams are read from."""

    __tablename__ = "events"
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    handoff_id: Mapped[str] = mapped_column(ForeignKey("handoffs.id"), index=True)
    team: Mapped[str] = mapped_column(String(255))
    sender: Mapped[str] = mapped_column(String(255))
    team_sees: Mapped[bool]
    body: Mapped[str]


class ChannelRow(Base):
    """Where a team is notified."""

    __tablename__ = "channels"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    team: Mapped[str] = mapped_column(String(255), index=True)
    url: Mapped[str]
    sealed_secret: Mapped[str]
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None]
    consecutive_failures: Mapped[int]
    created_by: Mapped[str]
    created_at: Mapped[int]


class DeliveryRow(Base):
    """The outbox: one notification to one channel."""

    __tablename__ = "deliveries"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    channel_id: Mapped[str] = mapped_column(
        ForeignKey("channels.id", ondelete="CASCADE"), index=True
    )
    handoff_id: Mapped[str | None] = mapped_column(ForeignKey("handoffs.id"))
    event_type: Mapped[str]
    body: Mapped[str]
    status: Mapped[str] = mapped_column(String(10))
    tries: Mapped[int]
    next_attempt_at: Mapped[int | None]
    claimed_until: Mapped[int | None]
    created_at: Mapped[int]


_PENDING = text("status = 'pending'")
Index(
    "ix_deliveries_due",
    DeliveryRow.next_attempt_at,
    sqlite_where=_PENDING,
    postgresql_where=_PENDING,
)


class AttemptRow(Base):
    """One try to deliver."""

    __tablename__ = "attempts"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    delivery_id: Mapped[str] = mapped_column(
        ForeignKey("deliveries.id", ondelete="CASCADE"), index=True
    )
    at: Mapped[int]
    status_code: Mapped[int | None]
    error: Mapped[str | None]
    duration_ms: Mapped[int]


class TokenRow(Base):
    """A team's pipeline token; only its SHA-256 is kept."""

    __tablename__ = "tokens"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    team: Mapped[str] = mapped_column(String(255), index=True)
    name: Mapped[str] = mapped_column(String(100))
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_by: Mapped[str]
    created_at: Mapped[int]
    last_used_at: Mapped[int | None]
    revoked_at: Mapped[int | None]
