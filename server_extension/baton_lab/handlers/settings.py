"""What a person set for their notebooks."""

from __future__ import annotations

import asyncio
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from baton_contract.errors import BadRequestError
from baton_lab.handlers.base import BatonHandler
from baton_lab.settings import Settings, SettingsFile, parse_autolog, parse_notebook


class AutologSettings(BatonHandler):
    """GET, PUT baton/settings: what notebooks log by themselves (200).

    GET takes ``?notebook=PATH`` and answers ``{"autolog", "notebook", "effective"}``: what
    holds for all, the notebook's own (null where it does as all do), and what holds for it.
    PUT takes ``{"autolog"}`` or ``{"notebook", "autolog"}``, where null takes the notebook's
    own away, and answers the same. 400 for other words and paths, 409 ``broken_settings``
    for a file that can't be read (it stays as it is), 503 ``not_saved`` where the home takes
    nothing.
    """

    @authenticated
    @authorized
    async def get(self) -> None:
        """Answer what is set."""
        asked = self.get_query_argument("notebook", None, strip=False)
        notebook = None if asked is None else parse_notebook(asked)
        settings = await asyncio.to_thread(SettingsFile().load)
        self.answer(render_settings(settings, notebook))

    @authenticated
    @authorized
    async def put(self) -> None:
        """Set it for one notebook, or for all."""
        notebook, autolog = parse_change(self.parse_body())

        def changed(settings: Settings) -> Settings:
            if notebook is not None:
                return settings.with_notebook(notebook, autolog)
            return settings.with_all(parse_autolog(autolog))

        settings = await asyncio.to_thread(SettingsFile().change, changed)
        self.answer(render_settings(settings, notebook))


def parse_change(body: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return the notebook (None: all of them) and what is asked for it (None: as all do)."""
    unknown = sorted(body.keys() - {"notebook", "autolog"})
    if unknown:
        raise BadRequestError("schema", f"Unknown fields: {', '.join(unknown)}.", path=unknown[0])
    if "autolog" not in body:
        raise BadRequestError("schema", "The field 'autolog' is missing.", path="autolog")
    notebook = parse_notebook(body["notebook"]) if "notebook" in body else None
    if body["autolog"] is None and notebook is not None:
        return notebook, None
    return notebook, parse_autolog(body["autolog"])


def render_settings(settings: Settings, notebook: str | None) -> dict[str, str | None]:
    """Return what the panel shows."""
    return {
        "autolog": settings.autolog,
        "notebook": settings.notebooks.get(notebook or ""),
        "effective": settings.effective(notebook),
    }


ROUTES: list[tuple[str, type[BatonHandler]]] = [(r"baton/settings", AutologSettings)]
