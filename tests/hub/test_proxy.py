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


class Onward(RequestHandler):
    """Redirects to an address as long as the request's, as a sign-in page does."""

    def get(self) -> None:
        self.redirect(f"/login?next={self.request.query}")


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
    routes = [("/drip", Drip), ("/echo", Echo), ("/onward", Onward), ("/.*", Path)]
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


@pytest.mark.parametrize("length", [8_300, 60_000])
async def test_an_answer_s_header_may_be_long(address: str, length: int) -> None:
    """A redirect to sign in repeats an address that a browser could send."""
    query = "x" * length
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://{address}/onward?{query}")
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/login?next={query}"


async def _ask(address: str, target: bytes) -> tuple[int, str]:
    """Send a request's target as it is, which no client library would; return status and body."""
    reader, writer = await asyncio.open_connection(*address.split(":"))
    writer.write(b"GET %s HTTP/1.1\r\nHost: front\r\nConnection: close\r\n\r\n" % target)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    head, _, body = answer.decode("latin-1").partition("\r\n\r\n")
    return int(head.split()[1]), body


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [
        (b"//services/mlflow/x?y=//z", "/services/mlflow/x?y=//z"),
        (b"////a//b", "/a//b"),
        (b"///", "/"),
        (b"//?x", "/?x"),
        (b"//[::1/x", "/[::1/x"),
        (b"//:80/x", "/:80/x"),
        (b"//user:word@host:99999/x", "/user:word@host:99999/x"),
        (b"//%zz/x", "/%zz/x"),
        (b"/%2f/", "/%2f/"),
        (b"/%2F%2Fa/x", "/%2F%2Fa/x"),
        (b"/services/mlflow/%", "/services/mlflow/%"),
        (b"/\\", "/\\"),
        (b"/..//x", "/..//x"),
        (b"/\xc3\xa9?\xff", "/%C3%A9?%FF"),
    ],
)
async def test_an_odd_path_goes_to_the_target(address: str, sent: bytes, arrives: str) -> None:
    assert await _ask(address, sent) == (200, arrives)


async def test_no_path_names_another_host(address: str) -> None:
    """Behind the target's host and port, ``@`` would make them a user and a password."""
    reached = asyncio.Event()
    elsewhere = await asyncio.start_server(lambda *_: reached.set(), "127.0.0.1", 0)
    host = f"127.0.0.1:{elsewhere.sockets[0].getsockname()[1]}"
    path = f"/@{host}/x"
    assert await _ask(address, f"/{path}".encode()) == (200, path)
    assert not reached.is_set()
    elsewhere.close()


@pytest.mark.parametrize(
    ("sent", "status"),
    [(b"http://host/path", 404), (b"*", 404), (b"", 400), (b"/%ff", 400), (b"//gone/x", 503)],
)
async def test_what_names_no_path_here_is_refused(address: str, sent: bytes, status: int) -> None:
    assert (await _ask(address, sent))[0] == status


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
