"""Request and response bodies that have to be read on their way through."""

from __future__ import annotations

import json
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from baton_contract.errors import BadRequestError, TooLargeError

REQUEST_BYTES = 64 * 1024 * 1024
"""The largest JSON request that is read; artifacts are never read, they stream."""
DISCARDED_BYTES = 1024 * 1024 * 1024
"""How much of a refused upload is taken, so that its sender reads the answer."""
RESPONSE_BYTES = 1024 * 1024
"""How much of a response is looked at for the id of what was made."""


def parse_json(raw: bytes) -> dict[str, Any]:
    """Return the request's JSON object, decoded as MLflow decodes it.

    An empty body is an empty object, and a string that holds JSON is decoded once
    more, as old clients need. Raises BadRequestError.
    """
    try:
        value = json.loads(raw) if raw.strip() else {}
        if isinstance(value, str):
            value = json.loads(value)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise BadRequestError("schema", "The request's body must be a JSON object.")
    return value


async def read_body(receive: Receive) -> bytes:
    """Return the request's whole body; raises TooLargeError."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > REQUEST_BYTES:
            raise TooLargeError(
                "request_too_large",
                f"A request may have {REQUEST_BYTES >> 20} MiB. Nothing of it was recorded; "
                "send it in parts, or log it as an artifact.",
            )
        if not message.get("more_body") or message["type"] != "http.request":
            return b"".join(chunks)


class Arriving:
    """A receive that knows whether the request has arrived whole."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._whole = False

    async def __call__(self) -> Message:
        """Return the next message."""
        message = await self._receive()
        self._whole = not message.get("more_body")
        return message

    async def discard(self) -> None:
        """Take what is left of a refused request, up to a limit, and drop it.

        A client that is still sending when the connection closes never sees why.
        """
        size = 0
        while not self._whole and size < DISCARDED_BYTES:
            size += len((await self()).get("body", b""))


def replay(scope: Scope, receive: Receive, raw: bytes) -> tuple[Scope, Receive]:
    """Return a scope and a receive that hand on ``raw`` as the whole body."""
    headers = [pair for pair in scope["headers"] if pair[0] not in _FRAMING]
    headers.append((b"content-length", str(len(raw)).encode()))
    pending: list[Message] = [{"type": "http.request", "body": raw, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return {**scope, "headers": headers}, again


class Overheard:
    """A send that passes everything on and remembers status and JSON of the response."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._chunks: list[bytes] = []
        self._size = 0
        self.status = 0

    async def __call__(self, message: Message) -> None:
        """Pass the message on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif self._size < RESPONSE_BYTES:
            self._chunks.append(message.get("body", b""))
            self._size += len(self._chunks[-1])
        await self._send(message)

    def json(self) -> dict[str, Any]:
        """Return the response's JSON object; an empty one if it was something else."""
        try:
            value = json.loads(b"".join(self._chunks))
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


_FRAMING = frozenset({b"content-length", b"transfer-encoding"})
