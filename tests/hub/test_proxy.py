"""The one-machine proxy passes on what it gets, as it gets it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from configurable_http_proxy.configproxy import PythonProxy
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler, websocket_connect

from baton_hub import proxy as streaming


class Path(RequestHandler):
    """Answers with the path as it was sent."""

    def get(self) -> None:
        self.set_header("Content-Encoding", "identity")
        self.add_header("Set-Cookie", "a=1")
        self.add_header("Set-Cookie", "b=2")
        self.write(self.request.uri or "")


class Drip(RequestHandler):
    """Sends one piece and then waits until the client leaves."""

    left = asyncio.Event()

    async def get(self) -> None:
        self.write("first")
        await self.flush()
        await self.left.wait()

    def on_connection_close(self) -> None:
        self.left.set()


class Echo(WebSocketHandler):
    """Repeats what it is told, in a protocol that it chooses."""

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return "v1" if "v1" in subprotocols else None

    async def on_message(self, message: str | bytes) -> None:
        await self.write_message(message, binary=isinstance(message, bytes))


def _serve(application: Application, **settings: int) -> tuple[HTTPServer, int]:
    server = HTTPServer(application, **settings)
    (listening,) = bind_sockets(0, "127.0.0.1")
    server.add_socket(listening)
    return server, listening.getsockname()[1]


@pytest.fixture
async def address(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Start a target and the proxy before it; return the proxy's host and port."""
    for module, name in (
        (streaming.configproxy, "ProxyHandler"),
        (streaming.configproxy, "Application"),
        (streaming.handlers, "websocket_connect"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name))
    monkeypatch.setattr(streaming, "_client", None)
    streaming.install()
    routes = [("/drip", Drip), ("/echo", Echo), ("/.*", Path)]
    limit = streaming.WEBSOCKET_BYTES
    target, port = _serve(Application(routes, websocket_max_message_size=limit))  # type: ignore[arg-type]
    proxy = PythonProxy({"default_target": f"http://127.0.0.1:{port}"})
    proxy.add_route("/gone", {"target": "http://127.0.0.1:1"})
    front, front_port = _serve(proxy.proxy_app)
    yield f"127.0.0.1:{front_port}"
    front.stop()
    target.stop()
    await streaming.close()


async def test_paths_queries_and_repeated_headers_pass_unchanged(address: str) -> None:
    path = "/a%2Fb/c%20d/%C3%A9?x=%26&y"
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://{address}{path}")
    assert answer.text == path
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]


async def test_a_stream_arrives_at_once_and_ends_when_the_client_leaves(address: str) -> None:
    Drip.left = asyncio.Event()
    async with (
        httpx.AsyncClient(timeout=5) as client,
        client.stream("GET", f"http://{address}/drip") as response,
    ):
        assert await anext(response.aiter_text()) == "first"
    await asyncio.wait_for(Drip.left.wait(), 5)


async def test_many_streams_do_not_block_the_next_request(address: str) -> None:
    Drip.left = asyncio.Event()
    limits = httpx.Limits(max_connections=100)
    async with httpx.AsyncClient(timeout=5, limits=limits) as client:
        waiting = [asyncio.ensure_future(client.get(f"http://{address}/drip")) for _ in range(30)]
        await asyncio.sleep(0)
        assert (await client.get(f"http://{address}/next")).text == "/next"
        Drip.left.set()
        assert {answer.text for answer in await asyncio.gather(*waiting)} == {"first"}


async def test_websockets_keep_their_subprotocol_and_large_messages(address: str) -> None:
    connection = await websocket_connect(
        f"ws://{address}/echo", subprotocols=["v1"], max_message_size=streaming.WEBSOCKET_BYTES
    )
    assert connection.selected_subprotocol == "v1"
    message = b"x" * 20_000_000
    await connection.write_message(message, binary=True)
    assert await asyncio.wait_for(connection.read_message(), 20) == message
    connection.close()


async def test_a_target_that_is_gone_is_503(address: str) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.put(f"http://{address}/gone", content=b"x" * 1_000_000)
    assert answer.status_code == 503
