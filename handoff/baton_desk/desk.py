"""What can be done at the desk; the API and the pages both call this."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, cast

from baton_contract import NotFoundError
from baton_desk import forms, rules, seal
from baton_desk.bell import Bell
from baton_desk.files import StoredFile, Upload
from baton_desk.identity import Caller
from baton_desk.intake import parse_packet, render_packet
from baton_desk.moments import render_moment
from baton_desk.records import HandoffRecord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from baton_contract.types import Comment, Deployment, Handoff, Packet, PacketFile
    from baton_desk.directory import Directory
    from baton_desk.files import FileStore
    from baton_desk.store import Store
    from baton_desk.views import (
        Channel,
        Delivery,
        HandoffPage,
        NewChannel,
        NewPipelineToken,
        PipelineToken,
        StreamedEvent,
        Team,
    )

P = ParamSpec("P")
T = TypeVar("T")


class AddressCheck(Protocol):
    """Says whether webhooks may go to an address."""

    async def require_allowed(self, url: str) -> None:
        """Raise `BadRequestError` ``address_refused``, with why, unless they may."""


class Desk:
    """The desk's application service.

    Every method takes the caller first and decides itself what they may see and
    do. What they may not see does not exist (`NotFoundError`, code ``not_found``);
    what they may not do is `ForbiddenError`; the wrong moment is `ConflictError`
    with code ``wrong_state``; everything else that a caller can get wrong is
    `BadRequestError`. All are `baton_contract.PublicError`.

    ``bell`` rings after everything that was committed.
    """

    def __init__(
        self,
        *,
        store: Store,
        files: FileStore,
        directory: Directory,
        addresses: AddressCheck,
        secrets: seal.Seal,
        max_packet_bytes: int,
    ) -> None:
        self.bell = Bell()
        self.store = store
        self.stored = files
        self._directory = directory
        self._addresses = addresses
        self._secrets = secrets
        self._max_packet_bytes = max_packet_bytes

    async def look(self, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a read of the store, beside the event loop."""
        return await asyncio.to_thread(step, *args, **kwargs)

    async def change(self, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a change of the store, beside the event loop, and ring the bell after it.

        It ends even when the caller goes away in the middle, so that nothing committed
        stays unheard.
        """
        work = asyncio.ensure_future(asyncio.to_thread(step, *args, **kwargs))
        work.add_done_callback(lambda _: self.bell.ring())
        return await asyncio.shield(work)

    # Handoffs

    async def handoffs(
        self,
        caller: Caller,
        *,
        box: str = "received",
        state: str | None = None,
        cursor: str | None = None,
        limit: int | str = 50,
    ) -> HandoffPage:
        """Return what the caller's teams received, or what the caller sent, newest first.

        All but the caller may come from outside: ``box`` is ``received`` or ``sent``,
        ``state`` keeps one state, ``cursor`` is a page's ``next_cursor``. Checks, thread
        and deployments are empty in lists.
        """
        records, end = await self.look(
            self.store.shelf.page,
            caller,
            forms.parse_box(box),
            forms.parse_state(state),
            forms.parse_cursor(cursor),
            forms.parse_limit(limit),
        )
        items = [_render(record, caller) for record in records]
        return {"items": items, "next_cursor": forms.render_cursor(end)}

    async def handoff(self, caller: Caller, handoff_id: str) -> Handoff:
        """Return one handoff whole, with what this caller may do to it now."""
        return await self._whole(await self._visible(caller, handoff_id), caller)

    async def create(self, caller: Caller, packet: Any) -> tuple[Handoff, bool]:
        """Open a draft for a packet; return it, and whether it is new.

        The same sender's open draft of the same packet is returned instead of a
        second one. Nothing is recorded of a packet that can't be taken in: see
        `baton_desk.intake` for the errors.
        """
        teams = await self._directory.teams()
        good = parse_packet(packet, teams=teams, max_bytes=self._max_packet_bytes)
        body = await asyncio.to_thread(render_packet, good)
        digest = hashlib.sha256(body).hexdigest()
        record, new = await self.change(
            self.store.handoffs.open_draft, caller.name, good, digest, body
        )
        return await self._whole(record, caller), new

    async def packet(self, caller: Caller, handoff_id: str) -> Packet:
        """Return the packet of a handoff."""
        _, body = await self.packet_bytes(caller, handoff_id)
        return cast("Packet", json.loads(body))

    async def packet_bytes(self, caller: Caller, handoff_id: str) -> tuple[str, bytes]:
        """Return the packet's digest and its canonical JSON."""
        record = await self._visible(caller, handoff_id)
        body = await self.look(self.store.shelf.packet, record.packet_digest)
        return record.packet_digest, body

    async def file(self, caller: Caller, handoff_id: str, sha256: str) -> StoredFile:
        """Return where one of the packet's files is; ``unknown_file`` when it is not here."""
        record, file = await self._packet_file(caller, handoff_id, sha256)
        path = self.stored.path(sha256)
        here = await self.look(self.store.shelf.uploaded, record.sender, [sha256])
        if not here or not path.is_file():
            raise NotFoundError("unknown_file", "The desk does not have this file of the packet.")
        return StoredFile(path=path, name=PurePosixPath(file["path"]).name, size=file["size"])

    async def upload(self, caller: Caller, handoff_id: str, sha256: str) -> Upload:
        """Open the upload of one of a draft's files; only for its sender, only in a draft.

        Write to it, then ``await finish()``; ``abort()`` in any other case.
        """
        record, file = await self._packet_file(caller, handoff_id, sha256)
        rules.require_upload(record, caller)
        incoming = await asyncio.to_thread(self.stored.receive, sha256, file["size"])

        async def record_upload() -> None:
            await self.change(self.store.handoffs.record_upload, record.sender, sha256)

        return Upload(incoming, file["size"], record_upload)

    async def act(
        self, caller: Caller, handoff_id: str, action: str, reason: str | None = None
    ) -> Handoff:
        """Do ``action`` (submit, withdraw, reoffer, accept, request_changes, decline, revoke).

        request_changes, decline and revoke need a reason (code ``reason_required``).
        submit starts the checks and returns at once, in ``checking``; it needs every
        file (code ``files_missing``).
        """
        said = forms.parse_reason(reason)
        if action == "submit":
            record = await self._visible(caller, handoff_id)
            needed = {file["sha256"] for file in (await self._packet(record))["files"]}
            record = await self.change(self.store.handoffs.submit, handoff_id, caller, needed)
        else:
            record = await self.change(self.store.handoffs.act, handoff_id, caller, action, said)
        return await self._whole(record, caller)

    async def comment(self, caller: Caller, handoff_id: str, body: str) -> Comment:
        """Add to the thread: 1 to 4000 characters."""
        text = forms.parse_text(body, "body", 4000)
        return await self.change(self.store.handoffs.comment, handoff_id, caller, text)

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
        """Record a deployment of an accepted handoff; for the team and its pipeline."""
        return await self.change(
            self.store.handoffs.report,
            handoff_id,
            caller,
            environment=forms.parse_text(environment, "environment", 100),
            status=forms.parse_status(status),
            description=forms.parse_text(description, "description", 1000, empty=True),
            url=forms.parse_url(url),
        )

    # Teams: members only, except for the list itself

    async def teams(self, caller: Caller) -> list[Team]:
        """Return every team, by name, and whether the caller is in it."""
        names = await self._directory.teams()
        return [{"name": name, "member": caller.member_of(name)} for name in names]

    async def channels(self, caller: Caller, team: str) -> list[Channel]:
        """Return the team's channels, oldest first."""
        rules.require_member(caller, team)
        return await self.look(self.store.channels.of_team, team)

    async def add_channel(self, caller: Caller, team: str, url: str) -> NewChannel:
        """Notify ``team`` at ``url`` from now on; code ``address_refused`` says why not.

        The answer is the only time that the signing secret is shown.
        """
        rules.require_member(caller, team)
        address = forms.parse_text(url, "url", 2000)
        await self._addresses.require_allowed(address)
        secret = seal.new_webhook_secret()
        sealed = self._secrets.close(secret)
        channel = await self.change(self.store.channels.add, team, address, sealed, caller.name)
        return {**channel, "secret": secret}

    async def remove_channel(self, caller: Caller, team: str, channel_id: str) -> None:
        """Notify there no more; its deliveries go with it."""
        rules.require_member(caller, team)
        await self.change(self.store.channels.remove, team, channel_id)

    async def resume_channel(self, caller: Caller, team: str, channel_id: str) -> Channel:
        """Take a paused or disabled channel into use again; what waited is sent now."""
        rules.require_member(caller, team)
        return await self.change(self.store.channels.resume, team, channel_id)

    async def test_channel(self, caller: Caller, team: str, channel_id: str) -> Delivery:
        """Send a test notification (``baton.channel.test``); return its delivery, pending."""
        rules.require_member(caller, team)
        return await self.change(self.store.channels.test, team, channel_id, caller)

    async def deliveries(self, caller: Caller, team: str) -> list[Delivery]:
        """Return the team's last 100 deliveries, newest first."""
        rules.require_member(caller, team)
        return await self.look(self.store.outbox.of_team, team)

    async def replay(self, caller: Caller, team: str, delivery_id: str) -> Delivery:
        """Send a delivery once more, under the same id."""
        rules.require_member(caller, team)
        return await self.change(self.store.outbox.replay, team, delivery_id)

    async def tokens(self, caller: Caller, team: str) -> list[PipelineToken]:
        """Return the team's pipeline tokens that are not revoked, oldest first."""
        rules.require_member(caller, team)
        return await self.look(self.store.tokens.of_team, team)

    async def add_token(self, caller: Caller, team: str, name: str) -> NewPipelineToken:
        """Make a pipeline token; the answer is the only time that it is shown."""
        rules.require_member(caller, team)
        label = forms.parse_text(name, "name", 100)
        token = seal.new_token()
        kept = seal.token_digest(token)
        made = await self.change(self.store.tokens.add, team, label, kept, caller.name)
        return {**made, "token": token}

    async def revoke_token(self, caller: Caller, team: str, token_id: str) -> None:
        """End a pipeline token at once."""
        rules.require_member(caller, team)
        await self.change(self.store.tokens.revoke, team, token_id)

    async def identify(self, token: str) -> Caller | None:
        """Return the caller that a pipeline's token (``baton_…``) stands for, or None."""
        found = await self.look(self.store.tokens.use, seal.token_digest(token))
        return Caller.pipeline(found) if found else None

    # Events

    async def last_event(self) -> int:
        """Return the sequence number of the newest event; 0 when there is none."""
        return await self.look(self.store.journal.last)

    async def events(self, caller: Caller, after: int) -> AsyncIterator[StreamedEvent]:
        """Yield each event after ``after`` of the handoffs that the caller sent or receives.

        In order, each once, as it is committed, and without end; nobody polls.
        """
        while True:
            heard = self.bell.rings
            for streamed in await self.look(self.store.journal.after, after, caller):
                after = streamed["seq"]
                yield streamed
                heard = -1  # There may be more than one reading takes.
            await self.bell.wait(heard)

    async def _visible(self, caller: Caller, handoff_id: str) -> HandoffRecord:
        record = await self.look(self.store.shelf.get, handoff_id)
        return rules.require_visible(record, caller)

    async def _packet(self, record: HandoffRecord) -> Packet:
        body = await self.look(self.store.shelf.packet, record.packet_digest)
        return cast("Packet", json.loads(body))

    async def _packet_file(
        self, caller: Caller, handoff_id: str, sha256: str
    ) -> tuple[HandoffRecord, PacketFile]:
        record = await self._visible(caller, handoff_id)
        files = (await self._packet(record))["files"]
        file = next((file for file in files if file["sha256"] == sha256), None)
        if file is None:
            raise NotFoundError("unknown_file", "The packet has no file with this SHA-256.")
        return record, file

    async def _whole(self, record: HandoffRecord, caller: Caller) -> Handoff:
        shelf = self.store.shelf
        handoff = _render(record, caller)
        handoff["checks"] = await self.look(shelf.checks, record.id)
        handoff["thread"] = await self.look(shelf.thread, record.id)
        handoff["deployments"] = await self.look(shelf.deployments, record.id)
        if record.state == "draft":
            digests = {file["sha256"] for file in (await self._packet(record))["files"]}
            handoff["missing_files"] = sorted(
                digests - await self.look(shelf.uploaded, record.sender, digests)
            )
        return handoff


def _render(record: HandoffRecord, caller: Caller) -> Handoff:
    return {
        "id": record.id,
        "state": record.state,
        "team": record.team,
        "sender": record.sender,
        "note": record.note,
        "packet_digest": record.packet_digest,
        "model": {"name": record.model_name, "version": record.model_version},
        "created_at": render_moment(record.created_at),
        "updated_at": render_moment(record.updated_at),
        "offered_at": _moment(record.offered_at),
        "expires_at": _moment(record.expires_at),
        "decided_at": _moment(record.decided_at),
        "decided_by": record.decided_by,
        "reason": record.reason,
        "supersedes": record.supersedes,
        "comment_count": record.comment_count,
        "latest_deployment": record.latest_deployment,
        "checks": [],
        "thread": [],
        "deployments": [],
        "missing_files": [],
        "actions": rules.actions(record, caller),
    }


def _moment(value: int | None) -> str | None:
    return None if value is None else render_moment(value)
