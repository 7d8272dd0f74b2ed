"""Handoffs that this person sent, and the handovers that go on in the background."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from baton_contract.errors import BadRequestError
from baton_lab.handlers.base import BatonHandler, parse_fields

HANDOFF = r"(?P<handoff_id>[0-9a-f]{32})"
CARD = {"summary", "intended_use", "limitations", "license", "contact"}


class HandoffList(BatonHandler):
    """GET, POST baton/handoffs: those sent by me (200), or hand a version over (202, a job)."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """Ask the desk, newest first."""
        page = await self.platform.desk.handoffs(box="sent")
        self.answer({"items": page["items"]})

    @authenticated
    @authorized
    async def post(self) -> None:
        """Begin in the background; how it goes is pushed."""
        from baton_lab.packet import Request

        body = self.parse_body()
        card = parse_card(body.pop("card", {}))
        given = parse_fields(body, model=None, version=None, team=None, note="")
        # Asked for here, so that a platform without them answers at once.
        _ = self.platform.tracking, self.platform.desk
        job = self.platform.handovers.start(Request(**given, card=card), self.read_file)
        self.answer(job.render(), 202)


class HandoffItem(BatonHandler):
    """GET baton/handoffs/ID: one handoff with checks, thread and deployments (200)."""

    @authenticated
    @authorized
    async def get(self, handoff_id: str) -> None:
        """Ask the desk."""
        self.answer(await self.platform.desk.handoff(handoff_id))


class Comments(BatonHandler):
    """POST baton/handoffs/ID/comments ``{"body"}``: a line in the thread (201)."""

    @authenticated
    @authorized
    async def post(self, handoff_id: str) -> None:
        """Say it."""
        body = self.fields(body=None)["body"]
        self.answer(await self.platform.desk.comment(handoff_id, body), 201)


class Step(BatonHandler):
    """POST baton/handoffs/ID/withdraw or /reoffer: take the step (200). 409 ``wrong_state``."""

    @authenticated
    @authorized
    async def post(self, handoff_id: str, action: str) -> None:
        """Ask the desk to take it."""
        reason = self.fields(reason="")["reason"]
        self.answer(await self.platform.desk.transition(handoff_id, action, reason or None))


class Jobs(BatonHandler):
    """GET baton/jobs: handovers that go on or were not dismissed, newest first (200)."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """Answer them all."""
        self.answer({"items": [job.render() for job in self.platform.handovers.jobs()]})


class JobItem(BatonHandler):
    """DELETE baton/jobs/ID: dismiss an ended handover (204). 409 while it goes on."""

    @authenticated
    @authorized
    async def delete(self, job_id: str) -> None:
        """Forget it."""
        self.platform.handovers.dismiss(job_id)
        self.set_status(204)
        self.finish()


def parse_card(value: Any) -> dict[str, str]:
    """Return what the sender says of the model; a field that is left out is empty."""
    if not isinstance(value, dict) or not value.keys() <= CARD:
        known = ", ".join(sorted(CARD))
        raise BadRequestError("schema", f"The card has the fields {known}.", path="card")
    if not all(isinstance(text, str) for text in value.values()):
        raise BadRequestError("schema", "Every field of the card is text.", path="card")
    return value


ROUTES: list[tuple[str, type[BatonHandler]]] = [
    (r"baton/handoffs", HandoffList),
    (rf"baton/handoffs/{HANDOFF}", HandoffItem),
    (rf"baton/handoffs/{HANDOFF}/comments", Comments),
    (rf"baton/handoffs/{HANDOFF}/(?P<action>withdraw|reoffer)", Step),
    (r"baton/jobs", Jobs),
    (r"baton/jobs/(?P<job_id>[0-9a-f]{32})", JobItem),
]
