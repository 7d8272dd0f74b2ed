"""What the store hands out: plain values, never rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from baton_contract.types import Deployment, EventType, HandoffState


Verdict = Literal["passed", "failed", "error"]


@dataclass(frozen=True)
class HandoffRecord:
    """A handoff as recorded; moments are milliseconds since 1970, UTC."""

    id: str
    state: HandoffState
    team: str
    sender: str
    note: str
    packet_digest: str
    model_name: str
    model_version: str
    created_at: int
    updated_at: int
    offered_at: int | None = None
    expires_at: int | None = None
    decided_at: int | None = None
    decided_by: str | None = None
    reason: str | None = None
    supersedes: str | None = None
    comment_count: int = 0
    latest_deployment: Deployment | None = None

    @property
    def was_offered(self) -> bool:
        """Whether the team has ever been shown it; a draft is the sender's own affair."""
        return self.offered_at is not None


@dataclass(frozen=True)
class Finding:
    """What a check found; see the contract's ``Check``."""

    tool: str
    version: str
    verdict: Verdict
    details: str


@dataclass(frozen=True)
class DueDelivery:
    """A delivery that has been claimed and is to be tried now."""

    id: str
    event_type: EventType
    body: str
    url: str
    sealed_secret: str
    attempt: int
    """Which try this is, from 1."""


@dataclass(frozen=True)
class Outcome:
    """How a try ended.

    Exactly one of: ``delivered``; ``retry_in`` milliseconds; neither, for failed.
    ``gone`` disables the channel.
    """

    delivered: bool = False
    retry_in: int | None = None
    gone: bool = False
    status_code: int | None = None
    error: str | None = None
    duration_ms: int = 0
