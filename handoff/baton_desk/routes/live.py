"""The pages' stream: hints about what changed, for the person who looks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from baton_desk.routes.pages_base import PageHandler
from baton_desk.routes.stream import StreamHandler, parse_place

if TYPE_CHECKING:
    from baton_contract.types import Event
    from baton_desk.views import StreamedEvent

SENTENCES = {
    "checking": "{model} version {version} is being checked.",
    "check_failed": "A check found a fault in {model} version {version}.",
    "offered": "{sender} hands {model} version {version} to {team}.",
    "changes_requested": "{actor} asks for changes to {model} version {version}.",
    "accepted": "{actor} accepted {model} version {version}.",
    "declined": "{actor} declined {model} version {version}.",
    "withdrawn": "{actor} took {model} version {version} back.",
    "expired": "The offer of {model} version {version} has expired.",
    "superseded": "A newer version takes the place of {model} version {version}.",
    "revoked": "{actor} revoked {model} version {version}.",
    "commented": "{actor} wrote about {model} version {version}.",
    "deployment_reported": "{actor} reports {model} version {version} in {environment}: {status}.",
}


class LiveHandler(StreamHandler, PageHandler):
    """GET live?after=SEQ: server-sent hints, each ``{"handoff", "type", "text"}`` (200, 400, 401).

    Only about handoffs that the caller sent or receives; the page fetches what
    changed. Begins after ``after`` or ``Last-Event-ID``.
    """

    async def get(self) -> None:
        """Stream until the browser goes, or has to sign in again."""
        last = self.request.headers.get("Last-Event-ID") or self.get_query_argument("after", "")
        await self.stream(": live\n\n", parse_place(last), render_hint)


def render_hint(streamed: StreamedEvent) -> str:
    """Return an event as a server-sent hint: which handoff, what kind, one sentence."""
    event = streamed["event"]
    hint = {
        "handoff": event["data"]["handoff"],
        "type": event["type"],
        "text": _sentence(event),
    }
    return f"id: {streamed['seq']}\nevent: hint\ndata: {json.dumps(hint)}\n\n"


def _sentence(event: Event) -> str:
    kind = event["type"].rpartition(".")[2]
    return SENTENCES.get(kind, "").format(**event["data"])
