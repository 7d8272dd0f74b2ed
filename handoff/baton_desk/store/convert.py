"""From rows to the values that leave the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from baton_desk.moments import render_moment
from baton_desk.records import HandoffRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from baton_contract.types import Check, Comment, Deployment, DeploymentStatus, HandoffState
    from baton_desk.records import Verdict
    from baton_desk.store.models import (
        AttemptRow,
        ChannelRow,
        CheckRow,
        CommentRow,
        DeliveryRow,
        DeploymentRow,
        HandoffRow,
        TokenRow,
    )
    from baton_desk.views import (
        Attempt,
        Channel,
        ChannelState,
        Delivery,
        DeliveryStatus,
        PipelineToken,
    )


def handoff(
    row: HandoffRow, comments: int = 0, latest: DeploymentRow | None = None
) -> HandoffRecord:
    """Return a handoff with what lists show of its thread and deployments."""
    return HandoffRecord(
        id=row.id,
        state=cast("HandoffState", row.state),
        team=row.team,
        sender=row.sender,
        note=row.note,
        packet_digest=row.packet_digest,
        model_name=row.model_name,
        model_version=row.model_version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        offered_at=row.offered_at,
        expires_at=row.expires_at,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        reason=row.reason,
        supersedes=row.supersedes,
        comment_count=comments,
        latest_deployment=deployment(latest) if latest else None,
    )


def check(row: CheckRow) -> Check:
    """Return what a check found."""
    return {
        "tool": row.tool,
        "version": row.version,
        "verdict": cast("Verdict", row.verdict),
        "details": row.details,
        "finished_at": render_moment(row.finished_at),
    }


def comment(row: CommentRow) -> Comment:
    """Return a word of a thread."""
    return {
        "id": row.id,
        "author": row.author,
        "body": row.body,
        "created_at": render_moment(row.created_at),
    }


def deployment(row: DeploymentRow) -> Deployment:
    """Return a reported deployment."""
    return {
        "id": row.id,
        "environment": row.environment,
        "status": cast("DeploymentStatus", row.status),
        "description": row.description,
        "url": row.url,
        "reported_by": row.reported_by,
        "created_at": render_moment(row.created_at),
    }


def channel(row: ChannelRow) -> Channel:
    """Return a channel without its secret."""
    return {
        "id": row.id,
        "team": row.team,
        "url": row.url,
        "state": cast("ChannelState", row.state),
        "reason": row.reason,
        "consecutive_failures": row.consecutive_failures,
        "created_by": row.created_by,
        "created_at": render_moment(row.created_at),
    }


def delivery(row: DeliveryRow, attempts: Iterable[AttemptRow] = ()) -> Delivery:
    """Return a delivery with its attempts."""
    due = row.next_attempt_at
    return {
        "id": row.id,
        "channel": row.channel_id,
        "event_type": row.event_type,
        "handoff": row.handoff_id,
        "status": cast("DeliveryStatus", row.status),
        "attempts": [attempt(tried) for tried in attempts],
        "next_attempt_at": None if due is None else render_moment(due),
        "created_at": render_moment(row.created_at),
    }


def attempt(row: AttemptRow) -> Attempt:
    """Return one try."""
    return {
        "at": render_moment(row.at),
        "status_code": row.status_code,
        "error": row.error,
        "duration_ms": row.duration_ms,
    }


def token(row: TokenRow) -> PipelineToken:
    """Return a pipeline token without the token."""
    used = row.last_used_at
    return {
        "id": row.id,
        "name": row.name,
        "created_by": row.created_by,
        "created_at": render_moment(row.created_at),
        "last_used_at": None if used is None else render_moment(used),
    }
