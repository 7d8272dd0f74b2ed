"""What can be done at the desk; the API and the pages both call this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from baton_contract.types import Comment, Deployment, Handoff, Packet
    from baton_desk.files import StoredFile, Upload
    from baton_desk.identity import Caller
    from baton_desk.views import (
        Box,
        Channel,
        Delivery,
        HandoffPage,
        NewChannel,
        NewPipelineToken,
        PipelineToken,
        StreamedEvent,
        Team,
    )


class Desk:
    """The desk's application service.

    Every method takes the caller first and decides itself what they may see and
    do. What they may not see does not exist (`NotFoundError`, code ``not_found``);
    what they may not do is `ForbiddenError`; the wrong moment is `ConflictError`
    with code ``wrong_state``; everything else that a caller can get wrong is
    `BadRequestError`. All are `baton_contract.PublicError`.
    """

    # Handoffs

    async def handoffs(
        self,
        caller: Caller,
        *,
        box: Box = "received",
        state: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> HandoffPage:
        """Return what the caller's teams received, or what the caller sent, newest first.

        ``state`` keeps one state. ``cursor`` is a page's ``next_cursor``. Checks,
        thread and deployments are empty in lists.
        """
        raise NotImplementedError

    async def handoff(self, caller: Caller, handoff_id: str) -> Handoff:
        """Return one handoff whole, with what this caller may do to it now."""
        raise NotImplementedError

    async def create(self, caller: Caller, packet: Any) -> tuple[Handoff, bool]:
        """Open a draft for a packet; return it and whether it is new."""
        raise NotImplementedError

    async def packet(self, caller: Caller, handoff_id: str) -> Packet:
        """Return the packet of a handoff."""
        raise NotImplementedError

    async def packet_bytes(self, caller: Caller, handoff_id: str) -> tuple[str, bytes]:
        """Return the packet's digest and its canonical JSON."""
        raise NotImplementedError

    async def file(self, caller: Caller, handoff_id: str, sha256: str) -> StoredFile:
        """Return where one of the packet's files is (``path``, ``name``, ``size``)."""
        raise NotImplementedError

    async def upload(self, caller: Caller, handoff_id: str, sha256: str) -> Upload:
        """Open the upload of one of a draft's files."""
        raise NotImplementedError

    async def act(
        self, caller: Caller, handoff_id: str, action: str, reason: str | None = None
    ) -> Handoff:
        """Do ``action`` (submit, withdraw, reoffer, accept, request_changes, decline, revoke).

        request_changes, decline and revoke need a reason (code ``reason_required``).
        """
        raise NotImplementedError

    async def comment(self, caller: Caller, handoff_id: str, body: str) -> Comment:
        """Add to the thread: 1 to 4000 characters."""
        raise NotImplementedError

    async def report(
        self,
        caller: Caller,
        handoff_id: str,
        *,
        environment: str,
        status: str,
        description: str = "",
        url: str | None = None,
    ) -> Deployment:
        """Record a deployment of an accepted handoff."""
        raise NotImplementedError

    # Teams: members only, except for the list itself

    async def teams(self, caller: Caller) -> list[Team]:
        """Return every team, by name, and whether the caller is in it."""
        raise NotImplementedError

    async def channels(self, caller: Caller, team: str) -> list[Channel]:
        """Return the team's channels, oldest first."""
        raise NotImplementedError

    async def add_channel(self, caller: Caller, team: str, url: str) -> NewChannel:
        """Notify ``team`` at ``url`` from now on; code ``address_refused`` says why not.

        The answer is the only time that the signing secret is shown.
        """
        raise NotImplementedError

    async def remove_channel(self, caller: Caller, team: str, channel_id: str) -> None:
        """Notify there no more; its deliveries go with it."""
        raise NotImplementedError

    async def resume_channel(self, caller: Caller, team: str, channel_id: str) -> Channel:
        """Take a paused or disabled channel into use again; what waited is sent now."""
        raise NotImplementedError

    async def test_channel(self, caller: Caller, team: str, channel_id: str) -> Delivery:
        """Send a test notification (``baton.channel.test``); return its delivery, pending."""
        raise NotImplementedError

    async def deliveries(self, caller: Caller, team: str) -> list[Delivery]:
        """Return the team's last 100 deliveries, newest first."""
        raise NotImplementedError

    async def replay(self, caller: Caller, team: str, delivery_id: str) -> Delivery:
        """Send a delivery once more, under the same id."""
        raise NotImplementedError

    async def tokens(self, caller: Caller, team: str) -> list[PipelineToken]:
        """Return the team's pipeline tokens that are not revoked, oldest first."""
        raise NotImplementedError

    async def add_token(self, caller: Caller, team: str, name: str) -> NewPipelineToken:
        """Make a pipeline token; the answer is the only time that it is shown."""
        raise NotImplementedError

    async def revoke_token(self, caller: Caller, team: str, token_id: str) -> None:
        """End a pipeline token at once."""
        raise NotImplementedError

    async def identify(self, token: str) -> Caller | None:
        """Return the caller that a pipeline's token (``baton_…``) stands for, or None."""
        raise NotImplementedError

    # Events

    async def last_event(self) -> int:
        """Return the sequence number of the newest event; 0 when there is none."""
        raise NotImplementedError

    def events(self, caller: Caller, after: int) -> AsyncIterator[StreamedEvent]:
        """Yield, without end, each event after ``after`` of handoffs that the caller sent or receives.

        In order, each once, as it is committed; nobody polls.
        """
        raise NotImplementedError
