"""Sending a stored file."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

from tornado.iostream import StreamClosedError

if TYPE_CHECKING:
    from baton_desk.files import StoredFile
    from baton_desk.routes.base import DeskHandler

_CHUNK = 256 * 1024


async def send_file(handler: DeskHandler, file: StoredFile, sha256: str) -> None:
    """Answer with the file as an attachment that no browser interprets; memory stays flat."""
    handler.set_header("Content-Type", "application/octet-stream")
    handler.set_header("Content-Length", str(file.size))
    handler.set_header("Content-Security-Policy", "sandbox")
    handler.set_header("ETag", f'"{sha256}"')
    name = quote(file.name, safe="")
    handler.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{name}")
    with file.path.open("rb") as stream:
        while chunk := await asyncio.to_thread(stream.read, _CHUNK):
            handler.write(chunk)
            try:
                await handler.flush()
            except StreamClosedError:
                return
