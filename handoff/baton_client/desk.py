"""The desk's API as typed calls, for a command (`DeskClient`) and a server (`AsyncDeskClient`)."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self, TypedDict, cast

import httpx

from baton_client import calls
from baton_client.calls import Call
from baton_contract.errors import BadRequestError
from baton_contract.types import Comment, Deployment, Handoff, Packet

CHUNK = 1024 * 1024
TIMEOUT = httpx.Timeout(30, connect=5)
LIMITS = httpx.Limits(max_connections=10, keepalive_expiry=60)


class Team(TypedDict):
    """A Hub group that receives handoffs; ``member``: whether the caller belongs to it."""

    name: str
    member: bool


class HandoffPage(TypedDict):
    """One page of handoffs; ``next_cursor`` is None on the last one."""

    items: list[Handoff]
    next_cursor: str | None


def _settings(url: str, token: str, timeout: httpx.Timeout) -> dict[str, Any]:
    address = calls.parse_address(url)
    return {
        "base_url": address,
        "headers": {"Authorization": f"Bearer {token}", "Accept": "application/json"},
        "timeout": timeout,
        "limits": LIMITS,
        # A redirect could carry the token to another host; it is an error here.
        "follow_redirects": False,
        # A desk on this machine is never behind the proxy that the environment names.
        "trust_env": not calls.is_local(address),
    }


def _json(response: httpx.Response) -> Any:
    calls.check(response)
    try:
        return response.json()
    except ValueError as fault:
        raise BadRequestError(
            "not_the_desk", "The answer is not the desk's. Check the address."
        ) from fault


class Download:
    """A file on its way to ``path``: counts and hashes what arrives.

    ``finish`` raises `BadRequestError` (``file_digest_mismatch``) when size or
    SHA-256 are not as the packet says; ``write`` already when it grows too large.
    """

    def __init__(self, path: Path, *, sha256: str, size: int) -> None:
        self.path = path
        self._sha256 = sha256
        self._size = size
        self._arrived = 0
        self._hash = hashlib.sha256()
        self._stream = path.open("wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._stream.close()
        if kind is not None:
            self.path.unlink(missing_ok=True)

    def write(self, chunk: bytes) -> None:
        """Add what arrived."""
        self._arrived += len(chunk)
        if self._arrived > self._size:
            raise self._mismatch()
        self._hash.update(chunk)
        self._stream.write(chunk)

    def finish(self) -> None:
        """Check that everything arrived, unchanged."""
        if self._arrived != self._size or self._hash.hexdigest() != self._sha256:
            raise self._mismatch()

    def _mismatch(self) -> BadRequestError:
        return BadRequestError(
            "file_digest_mismatch",
            f"The file {self._sha256[:12]}… did not arrive as the packet describes it, "
            "so it was not kept. Try again; if it happens again, tell the sender.",
            sha256=self._sha256,
        )


class DeskClient:
    """The desk as one caller sees it, over a pool of connections; thread-safe.

    Every method raises a `PublicError`: the desk's own where it answered, and
    `UnavailableError` where it did not. The token goes to ``url``'s host only.
    """

    def __init__(self, url: str, token: str, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self._http = httpx.Client(**_settings(url, token, timeout))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def handoff(self, handoff_id: str) -> Handoff:
        """Return one handoff with its checks, thread and deployments."""
        return cast("Handoff", _json(self._send(calls.handoff(handoff_id))))

    def packet(self, handoff_id: str) -> bytes:
        """Return the packet's canonical bytes; not yet checked against any digest."""
        response = self._send(calls.packet(handoff_id))
        calls.check(response)
        return response.content

    def download(self, handoff_id: str, path: Path, *, sha256: str, size: int) -> None:
        """Write one file of the packet to ``path``; it is removed when it does not verify."""
        call = calls.file(handoff_id, sha256)
        try:
            with self._http.stream(call.method, call.path) as response:
                if not response.is_success:
                    response.read()
                calls.check(response)
                with Download(path, sha256=sha256, size=size) as arriving:
                    for chunk in response.iter_bytes(CHUNK):
                        arriving.write(chunk)
                    arriving.finish()
        except httpx.TransportError as error:
            raise calls.unreachable(error) from error

    def report(
        self,
        handoff_id: str,
        *,
        environment: str,
        status: str,
        description: str | None = None,
        url: str | None = None,
    ) -> Deployment:
        """Report a deployment's status in one environment."""
        values = {"environment": environment, "status": status, "description": description}
        report = {key: value for key, value in {**values, "url": url}.items() if value is not None}
        return cast("Deployment", _json(self._send(calls.deployment(handoff_id, report))))

    def _send(self, call: Call) -> httpx.Response:
        try:
            return self._http.request(call.method, call.path, params=call.params, json=call.body)
        except httpx.TransportError as error:
            raise calls.unreachable(error) from error


class AsyncDeskClient:
    """The desk as one caller sees it, for use inside an event loop; errors as `DeskClient`'s.

    ``http`` is the pooled connection, for the event stream.
    """

    def __init__(self, url: str, token: str, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self.http = httpx.AsyncClient(**_settings(url, token, timeout))

    async def close(self) -> None:
        """Close the connections."""
        await self.http.aclose()

    async def teams(self) -> list[Team]:
        """Return every team, by name."""
        return cast("list[Team]", _json(await self._send(calls.teams()))["items"])

    async def handoff(self, handoff_id: str) -> Handoff:
        """Return one handoff with its checks, thread and deployments."""
        return cast("Handoff", _json(await self._send(calls.handoff(handoff_id))))

    async def handoffs(
        self, *, box: str, state: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> HandoffPage:
        """Return one page of the caller's handoffs, newest first."""
        call = calls.handoffs(box=box, state=state, cursor=cursor, limit=limit)
        return cast("HandoffPage", _json(await self._send(call)))

    async def create(self, packet: Packet) -> Handoff:
        """Return a draft that carries ``packet``: a new one, or the same one as before."""
        return cast("Handoff", _json(await self._send(calls.create(packet))))

    async def upload(self, handoff_id: str, path: Path, *, sha256: str, size: int) -> None:
        """Send one file of the draft's packet."""
        call = calls.file(handoff_id, sha256, method="PUT")
        # The length is told, so that the desk can refuse before anything is sent.
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        try:
            response = await self.http.request(
                call.method, call.path, content=_chunks(path), headers=headers
            )
        except httpx.TransportError as error:
            raise calls.unreachable(error) from error
        calls.check(response)

    async def transition(self, handoff_id: str, action: str, reason: str | None = None) -> Handoff:
        """Take a step (submit, withdraw, reoffer) and return the handoff after it."""
        call = calls.transition(handoff_id, action, reason)
        return cast("Handoff", _json(await self._send(call)))

    async def comment(self, handoff_id: str, body: str) -> Comment:
        """Add a line to the thread."""
        return cast("Comment", _json(await self._send(calls.comment(handoff_id, body))))

    async def _send(self, call: Call) -> httpx.Response:
        try:
            return await self.http.request(
                call.method, call.path, params=call.params, json=call.body
            )
        except httpx.TransportError as error:
            raise calls.unreachable(error) from error


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            yield chunk
