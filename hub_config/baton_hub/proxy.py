"""The proxy of one machine: configurable-http-proxy in Python, made to stream.

``python -m baton_hub.proxy`` takes the options of ``configurable-http-proxy``. As it
comes, the Python package holds every request and response whole in memory, up to
100 MB and 20 seconds, ten at a time: no event stream ever arrives and large
artifacts are refused. Here bodies pass through in both directions as they come,
each side at the other's pace. On Kubernetes the chart brings its own proxy.
"""

from __future__ import annotations

import asyncio
import contextlib
import urllib.parse
from collections.abc import AsyncIterator
from functools import partial

from aiohttp import (
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)
from configurable_http_proxy import cli, configproxy, handlers
from tornado.httpclient import HTTPRequest
from tornado.iostream import StreamClosedError
from tornado.web import stream_request_body
from tornado.websocket import WebSocketClosedError, websocket_connect
from yarl import URL

WITHOUT_LIMIT = 1 << 50
"""Bytes of a body: whoever receives it sets the limit."""
WEBSOCKET_BYTES = 256 * 1024 * 1024
"""The largest message of a websocket, such as a notebook's output; held in memory."""
HEADER_BYTES = 64 * 1024
"""The longest line of an answer's head: as much as tornado takes, on either side of it."""

# About one connection, not about what is sent over it.
_HOP = ("connection", "expect", "keep-alive", "transfer-encoding", "sec-websocket-extensions")
_ASCII = bytes(range(128))
_client: ClientSession | None = None


@stream_request_body
class StreamingHandler(handlers.ProxyHandler):  # type: ignore[misc]
    """Passes one request on, and its response back, without holding either."""

    _forwarding: asyncio.Task[None] | None = None

    def prepare(self) -> None:
        """Begin to forward a request with a body, before the body is here."""
        self._chunks: asyncio.Queue[bytes] = asyncio.Queue(1)
        self.request.connection.set_max_body_size(WITHOUT_LIMIT)
        headers = self.request.headers
        self._has_body = headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in headers
        if self._has_body:
            self._begin()

    def _begin(self) -> asyncio.Task[None]:
        self._forwarding = asyncio.ensure_future(self._forward())
        return self._forwarding

    async def data_received(self, chunk: bytes) -> None:
        """Pass a piece of the request on; the sender waits until it is taken."""
        if self._forwarding is None:
            return
        put = asyncio.ensure_future(self._chunks.put(chunk))
        # The answer may come early, a 401 for instance: then nobody takes the rest.
        await asyncio.wait({put, self._forwarding}, return_when=asyncio.FIRST_COMPLETED)
        put.cancel()

    async def call_proxy(self, path: str | None = None) -> None:  # noqa: ARG002
        """Answer with the target's response; called when the request is complete."""
        await self.data_received(b"")
        with contextlib.suppress(asyncio.CancelledError):
            await (self._forwarding or self._begin())

    def on_connection_close(self) -> None:
        """Leave the target at once when the client has left."""
        super().on_connection_close()
        if self._forwarding is not None:
            self._forwarding.cancel()

    async def _forward(self) -> None:
        url = await self.get_target_url(self.path_args[0])
        if url is None:
            return
        try:
            async with _session().request(
                self.request.method,
                URL(url, encoded=True),
                headers=self._get_proxy_request(url).headers,
                data=self._body() if self._has_body else None,
                allow_redirects=False,
            ) as response:
                await self._answer(response)
        except (ClientError, OSError) as error:
            if self._headers_written:
                # Too late for another status: the cut is what tells the client.
                self.request.connection.close()
            else:
                await self.handle_proxy_error(503, error)

    async def _answer(self, response: ClientResponse) -> None:
        self.clear()
        self.set_status(response.status, response.reason)
        for name in ("Content-Type", *(response.headers.keys() & {"Server", "Date"})):
            self.clear_header(name)
        for name, value in response.headers.items():
            if name.lower() not in _HOP:
                self.add_header(name, value)
        with contextlib.suppress(StreamClosedError):
            # An event stream's head must arrive before its first event.
            await self.flush()
            async for chunk in response.content.iter_any():
                self.write(chunk)
                await self.flush()
            await self.finish()

    async def _body(self) -> AsyncIterator[bytes]:
        while chunk := await self._chunks.get():
            yield chunk

    async def get_target_url(self, path: str) -> str | None:
        """Return the target's address, with the path as the client wrote it.

        Only slashes at its front are taken off, as the package takes them off: behind
        the target's host, ``//@elsewhere`` would be another host.
        """
        url: str | None = await super().get_target_url(path)
        quoted = urllib.parse.quote(path).lstrip("/")
        base, mark, query = (url or "").partition("?")
        if url is None or not base.endswith(f"/{quoted}"):
            return url
        written = f"{self.request.path.lstrip('/')}{mark}{query}"
        # Tornado reads a request's line as Latin-1; its bytes go on as they came.
        return base.removesuffix(quoted) + urllib.parse.quote(written, _ASCII, encoding="latin-1")

    def _get_proxy_request(self, url: str) -> HTTPRequest:
        request: HTTPRequest = super()._get_proxy_request(url)
        headers = request.headers.items()
        request.headers = {name: value for name, value in headers if name.lower() not in _HOP}
        return request

    def compute_etag(self) -> str | None:
        """Return None: tags are the target's own."""
        return None

    async def on_message(self, message: str | bytes) -> None:
        """Pass a client's message on, text as text and bytes as bytes."""
        if self.ws_client is None:
            return
        self.proxy.update_last_activity(self.target["prefix"])
        with contextlib.suppress(WebSocketClosedError):
            await self.ws_client.write_message(message, binary=isinstance(message, bytes))

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:  # noqa: ARG002
        """Agree to what the target agreed to: Jupyter's kernels speak two protocols."""
        chosen: str | None = self.ws_client.selected_subprotocol if self.ws_client else None
        return chosen


def _session() -> ClientSession:
    global _client
    if _client is None:
        _client = ClientSession(
            # A kept connection may close just as the next request is written to it.
            connector=TCPConnector(limit=0, force_close=True),
            timeout=ClientTimeout(total=None, sock_connect=10),
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            max_line_size=HEADER_BYTES,
            max_field_size=HEADER_BYTES,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )
    return _client


async def close() -> None:
    """Close the connections to targets."""
    global _client
    if _client is not None:
        await _client.close()
        _client = None


def install() -> None:
    """Make configurable-http-proxy use the streaming handler in this process."""
    # The package names the handler and the websocket's client in its own modules only.
    configproxy.ProxyHandler = StreamingHandler
    handlers.websocket_connect = partial(websocket_connect, max_message_size=WEBSOCKET_BYTES)
    application = configproxy.Application
    configproxy.Application = partial(application, websocket_max_message_size=WEBSOCKET_BYTES)


def main() -> None:
    """Run configurable-http-proxy with bodies that stream."""
    install()
    cli.main()


if __name__ == "__main__":
    main()
