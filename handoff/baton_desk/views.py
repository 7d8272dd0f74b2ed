"""What the desk's API shows besides the contract's own types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from baton_contract.types import Event, Handoff, Timestamp

Box = Literal["received", "sent"]
ChannelState = Literal["active", "paused", "disabled"]
DeliveryStatus = Literal["pending", "delivered", "failed"]


class HandoffPage(TypedDict):
    """A page of a list, newest first; ``next_cursor`` is None on the last."""

    items: list[Handoff]
    next_cursor: str | None


class Team(TypedDict):
    """A Hub group that can receive, and whether the caller is in it."""

    name: str
    member: bool


class Channel(TypedDict):
    """Where a team is notified.

    ``reason`` says why it is paused (too many failures, resume it when the receiver
    is back) or disabled (the receiver answered 410 Gone).
    """

    id: str
    team: str
    url: str
    state: ChannelState
    reason: str | None
    consecutive_failures: int
    created_by: str
    created_at: Timestamp


class NewChannel(Channel):
    """A channel at the one moment when its signing secret (``whsec_…``) is shown."""

    secret: str


class Attempt(TypedDict):
    """One try to deliver; ``status_code`` is None when no answer came."""

    at: Timestamp
    status_code: int | None
    error: str | None
    duration_ms: int


class Delivery(TypedDict):
    """One notification to one channel, with its attempts, oldest first."""

    id: str
    channel: str
    event_type: str
    handoff: str | None
    status: DeliveryStatus
    attempts: list[Attempt]
    next_attempt_at: Timestamp | None
    created_at: Timestamp


class PipelineToken(TypedDict):
    """A team's token for its pipeline, without the token itself."""

    id: str
    name: str
    created_by: str
    created_at: Timestamp
    last_used_at: Timestamp | None


class NewPipelineToken(PipelineToken):
    """A token at the one moment when it (``baton_…``) is shown."""

    token: str


class StreamedEvent(TypedDict):
    """An event and its place in the stream; ``seq`` is what a client resumes after."""

    seq: int
    event: Event
