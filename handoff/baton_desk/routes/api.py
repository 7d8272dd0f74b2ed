"""The desk's API: handoffs.

Paths are under the service's prefix. Every answer is JSON but for packets and
files; every error is the contract's envelope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from tornado.web import stream_request_body

from baton_contract import BadRequestError
from baton_desk.routes.base import DeskHandler, fields
from baton_desk.routes.download import send_file
from baton_desk.routes.events import Events
from baton_desk.routes.teams import ROUTES as TEAM_ROUTES

if TYPE_CHECKING:
    from tornado.http1connection import HTTP1Connection

    from baton_desk.files import Upload

ID = "(?P<handoff_id>[0-9a-f]{32})"
SHA256 = "(?P<sha256>[0-9a-f]{64})"
ACTIONS = "(?P<action>withdraw|reoffer|accept|request_changes|decline|revoke)"


class Health(DeskHandler):
    """GET health: whether the desk answers (200). Nobody has to sign in."""

    anonymous = True

    def get(self) -> None:
        """Say that the desk answers, and nothing else."""
        self.write_json({"status": "ok"})


class HandoffList(DeskHandler):
    """GET, POST api/handoffs: list (200), or open a draft (201, or 200 if there is one).

    Any person. 400 for a packet that can't be taken in, 413 ``packet_too_large``.
    """

    async def get(self) -> None:
        """Answer a page of the caller's received or sent handoffs."""
        page = await self.desk.handoffs(
            self.caller,
            box=self.get_query_argument("box", "received"),
            state=self.get_query_argument("state", None),
            cursor=self.get_query_argument("cursor", None),
            limit=self.get_query_argument("limit", "50"),
        )
        self.write_json(page)

    async def post(self) -> None:
        """Open a draft for the packet in the body."""
        handoff, new = await self.desk.create(self.caller, self.json_body())
        self.set_header("Location", f"{self.desk_settings.prefix}api/handoffs/{handoff['id']}")
        self.write_json(handoff, 201 if new else 200)


class HandoffItem(DeskHandler):
    """GET api/handoffs/ID: sender, team, operations; the team's pipeline once accepted."""

    pipelines = True

    async def get(self, handoff_id: str) -> None:
        """Answer the handoff whole."""
        self.write_json(await self.desk.handoff(self.caller, handoff_id))


class HandoffPacket(DeskHandler):
    """GET api/handoffs/ID/packet: the same callers. 304 when the digest is known."""

    pipelines = True

    async def get(self, handoff_id: str) -> None:
        """Answer the packet's canonical JSON, its digest as ETag."""
        digest, body = await self.desk.packet_bytes(self.caller, handoff_id)
        self.set_header("Content-Type", "application/json")
        self.set_header("ETag", f'"{digest}"')
        if self.check_etag_header():
            self.set_status(304)
        else:
            self.write(body)


@stream_request_body
class HandoffFile(DeskHandler):
    """GET, PUT api/handoffs/ID/files/SHA256.

    GET: the same callers; 404 ``unknown_file``. PUT: the sender, in a draft (204);
    400 ``file_digest_mismatch``, 409 ``wrong_state``. Twice is harmless.
    """

    pipelines = True
    _upload: Upload | None = None

    async def prepare(self) -> None:
        """Sign in and open the upload, before the body is read."""
        # The packet's declared size is the limit, byte by byte; this only lifts the server's.
        connection = cast("HTTP1Connection", self.request.connection)
        connection.set_max_body_size(self.desk_settings.max_packet_bytes)
        await super().prepare()
        if self.request.method == "PUT":
            self._upload = await self.desk.upload(
                self.caller, self.path_kwargs["handoff_id"], self.path_kwargs["sha256"]
            )

    def data_received(self, chunk: bytes) -> None:
        """Take the next bytes of an upload."""
        if self._upload is not None:
            self._upload.write(chunk)

    async def put(self, handoff_id: str, sha256: str) -> None:  # noqa: ARG002
        """Check what came and keep it."""
        if self._upload is None:
            raise BadRequestError("bad_request", "There is no upload to finish.")
        await self._upload.finish()
        self.set_status(204)

    async def get(self, handoff_id: str, sha256: str) -> None:
        """Answer the file, as an attachment."""
        await send_file(self, await self.desk.file(self.caller, handoff_id, sha256), sha256)

    def on_finish(self) -> None:
        """Throw away what was not finished."""
        if self._upload is not None:
            self._upload.abort()

    def on_connection_close(self) -> None:
        """Throw away what was cut off."""
        if self._upload is not None:
            self._upload.abort()
        super().on_connection_close()


class Submit(DeskHandler):
    """POST api/handoffs/ID/submit: the sender (202). 409 ``files_missing``, ``wrong_state``."""

    async def post(self, handoff_id: str) -> None:
        """Start the checks; what they find arrives as an event."""
        self.write_json(await self.desk.act(self.caller, handoff_id, "submit"), 202)


class Act(DeskHandler):
    """POST api/handoffs/ID/ACTION ``{"reason"?}`` (200): who may is in `baton_desk.rules`.

    400 ``reason_required``, 403, 409 ``wrong_state``.
    """

    async def post(self, handoff_id: str, action: str) -> None:
        """Take the handoff to its next state."""
        reason = fields(self.json_body() if self.request.body else {}, reason=None)["reason"]
        self.write_json(await self.desk.act(self.caller, handoff_id, action, reason))


class Comments(DeskHandler):
    """POST api/handoffs/ID/comments ``{"body"}``: sender, team, operations (201)."""

    async def post(self, handoff_id: str) -> None:
        """Add to the thread."""
        said = fields(self.json_body(), body=...)
        self.write_json(await self.desk.comment(self.caller, handoff_id, said["body"]), 201)


class Deployments(DeskHandler):
    """POST api/handoffs/ID/deployments: the team or its pipeline, once accepted (201)."""

    pipelines = True

    async def post(self, handoff_id: str) -> None:
        """Record ``{"environment", "status", "description"?, "url"?}``."""
        said = fields(self.json_body(), environment=..., status=..., description="", url=None)
        self.write_json(await self.desk.report(self.caller, handoff_id, **said), 201)


ROUTES: list[tuple[str, Any]] = [
    ("health", Health),
    ("api/events", Events),
    ("api/handoffs", HandoffList),
    (f"api/handoffs/{ID}", HandoffItem),
    (f"api/handoffs/{ID}/packet", HandoffPacket),
    (f"api/handoffs/{ID}/files/{SHA256}", HandoffFile),
    (f"api/handoffs/{ID}/submit", Submit),
    (f"api/handoffs/{ID}/{ACTIONS}", Act),
    (f"api/handoffs/{ID}/comments", Comments),
    (f"api/handoffs/{ID}/deployments", Deployments),
    *TEAM_ROUTES,
]
