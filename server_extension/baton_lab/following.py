"""A notebook's own settings go with it when it is renamed, copied or deleted."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from baton_contract.errors import PublicError
from baton_lab.settings import Settings, SettingsFile, parse_notebook

CONTENTS = "https://events.jupyter.org/jupyter_server/contents_service/v1"
Json = dict[str, Any]


class Following:
    """Follows what the Jupyter server does to files; a settings file that is broken is let be."""

    def __init__(self, event_logger: Any, log: logging.Logger) -> None:
        self._events = event_logger
        self._log = log
        self._turn: asyncio.Lock | None = None

    def listen(self) -> None:
        """Follow every change from now on."""
        self._events.add_listener(schema_id=CONTENTS, listener=self._changed)

    async def _changed(self, logger: Any, schema_id: str, data: Json) -> None:
        del logger, schema_id
        if data.get("action") not in {"rename", "copy", "delete"}:
            return
        self._turn = self._turn or asyncio.Lock()
        async with self._turn:  # In the order in which it happened.
            try:
                await asyncio.to_thread(follow, SettingsFile(), data)
            except PublicError as error:
                self._log.warning("Settings don't follow a notebook: %s", error.message)


def follow(file: SettingsFile, data: Json) -> None:
    """Change the settings as an event of Jupyter's contents service says."""
    if file.load().notebooks:
        file.change(lambda settings: followed(settings, data))


def followed(settings: Settings, data: Json) -> Settings:
    """Return the settings after what an event says: the fields are Jupyter's own."""
    path = _path(data.get("path"))
    if data["action"] == "delete":
        return settings.deleted(path)
    source = _path(data.get("source_path"))
    if data["action"] == "copy":
        return settings.copied(source, path) if source != path else settings
    return settings.moved(source, path)


def _path(said: Any) -> str:
    # Jupyter writes some paths with a slash before or after them.
    return parse_notebook(str(said).strip("/"))
