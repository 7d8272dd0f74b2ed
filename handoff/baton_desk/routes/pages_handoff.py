"""The page of one handoff, and what people do there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from baton_contract import PublicError
from baton_desk.routes import pages_view
from baton_desk.routes.pages_base import PageHandler

if TYPE_CHECKING:
    from baton_contract.types import Handoff


@dataclass(frozen=True)
class FilledForm:
    """What somebody had typed when their request was refused, and why it was."""

    action: str = ""
    text: str = ""
    problem: str = ""


class HandoffPage(PageHandler):
    """Shows one handoff; also to somebody whose form was refused."""

    async def show(self, handoff_id: str, form: FilledForm) -> None:
        """Answer with the handoff's page; ``form`` is what could not be done, if anything."""
        live = await self.live_url()
        handoff = await self.desk.handoff(self.caller, handoff_id)
        packet = await self.desk.packet(self.caller, handoff_id)
        here = self.place(handoff)
        self.render_page(
            "handoff.html",
            live=live,
            refresh=here,
            here=here,
            handoff=handoff,
            packet=packet,
            form=form,
            mine=handoff["sender"] == self.caller.name,
            faulty=any(check["verdict"] != "passed" for check in handoff["checks"]),
            desk_url=self.desk_settings.url,
            situation=pages_view.render_situation(handoff, self.caller),
            inputs=pages_view.input_rows(packet),
            outputs=pages_view.output_rows(packet),
            params=pages_view.param_rows(packet),
            snippet=pages_view.render_snippet(handoff, packet),
            folder=pages_view.folder_name(handoff),
            history=pages_view.render_history(handoff),
        )

    def place(self, handoff: Handoff) -> str:
        """Return the path of a handoff's page."""
        return f"{self.prefix}handoffs/{handoff['id']}"

    async def refuse(self, handoff_id: str, form: FilledForm, error: PublicError) -> None:
        """Show the page again with the person's text and one sentence."""
        if error.status == 404:
            raise error
        self.set_status(error.status)
        await self.show(handoff_id, form)


class HandoffHandler(HandoffPage):
    """GET handoffs/ID: everything about one handoff, for its sender and its team (200, 404)."""

    async def get(self, handoff_id: str) -> None:
        """Show the handoff."""
        await self.show(handoff_id, FilledForm())


class ActionHandler(HandoffPage):
    """POST handoffs/ID/ACTION: a decision by form (303 to the handoff; 4xx the page, text kept)."""

    async def get(self, handoff_id: str, _: str) -> None:
        """Show the handoff: somebody reloads what a refused form had answered."""
        self.redirect(f"{self.prefix}handoffs/{handoff_id}")

    async def post(self, handoff_id: str, action: str) -> None:
        """Do it, and show the handoff as it is then."""
        reason = self.get_body_argument("reason", "")
        try:
            await self.desk.act(self.caller, handoff_id, action, reason or None)
        except PublicError as error:
            await self.refuse(handoff_id, FilledForm(action, reason, error.message), error)
        else:
            self.redirect(f"{self.prefix}handoffs/{handoff_id}", status=303)


class CommentHandler(HandoffPage):
    """POST handoffs/ID/comment: a question or an answer (303 to it; 4xx the page, text kept)."""

    async def get(self, handoff_id: str) -> None:
        """Show the handoff."""
        self.redirect(f"{self.prefix}handoffs/{handoff_id}#thread")

    async def post(self, handoff_id: str) -> None:
        """Add it, and show it in the thread."""
        body = self.get_body_argument("body", "", strip=True)
        try:
            comment = await self.desk.comment(self.caller, handoff_id, body)
        except PublicError as error:
            await self.refuse(handoff_id, FilledForm("comment", body, error.message), error)
        else:
            place = f"{self.prefix}handoffs/{handoff_id}#comment-{comment['id']}"
            self.redirect(place, status=303)
