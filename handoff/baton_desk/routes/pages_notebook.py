"""The notebook that a model comes from, shown so that it can do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baton_contract import NotFoundError, PublicError
from baton_desk.notebook import LARGEST, render_notebook
from baton_desk.routes.pages_handoff import HandoffPage

if TYPE_CHECKING:
    from baton_contract.types import Handoff, PacketFile

SANDBOX = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
"""No scripts, no origin and so no cookies, nothing loaded from anywhere."""


class NotebookHandler(HandoffPage):
    """GET handoffs/ID/notebook: the notebook with the way back (200; 404 when none was sent)."""

    async def get(self, handoff_id: str) -> None:
        """Show the frame that the notebook stands in."""
        handoff, snapshot = await self._snapshot(handoff_id)
        refused = ""
        if snapshot["size"] > LARGEST:
            refused = (
                f"This notebook is over {LARGEST // 2**20} MiB, too large to show here. "
                "It is stored whole: download it to read it."
            )
        self.render_page(
            "notebook.html",
            here=self.place(handoff),
            handoff=handoff,
            path=snapshot["path"],
            sha256=snapshot["sha256"],
            refused=refused,
        )

    async def _snapshot(self, handoff_id: str) -> tuple[Handoff, PacketFile]:
        handoff = await self.desk.handoff(self.caller, handoff_id)
        packet = await self.desk.packet(self.caller, handoff_id)
        notebook = packet["source"]["notebook"]
        path = notebook["snapshot"] if notebook else None
        for file in packet["files"]:
            if file["path"] == path:
                return handoff, file
        raise NotFoundError("not_found", "No notebook was sent along with this handoff.")


class NotebookContentHandler(NotebookHandler):
    """GET handoffs/ID/notebook/content: the rendered notebook, for the frame (200, 404, 413)."""

    async def get(self, handoff_id: str) -> None:
        """Answer with the notebook as HTML that may not run or load anything."""
        _, snapshot = await self._snapshot(handoff_id)
        stored = await self.desk.file(self.caller, handoff_id, snapshot["sha256"])
        html = await render_notebook(stored.path)
        self.set_header("Content-Security-Policy", SANDBOX)
        # The digest names the content, so that what was shown once need not be made again.
        self.set_header("Cache-Control", "private, max-age=3600")
        self.finish(html)

    def render_error(self, error: PublicError) -> None:
        """Answer in plain text: it stands in a frame."""
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(error.message)
