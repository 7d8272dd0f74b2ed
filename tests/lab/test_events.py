"""The streams that are held open, and what is told when a service comes or goes."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_sse import ServerSentEvent
from jupyter_events import EventLogger

from baton_lab.events import Place, Stream
from baton_lab.presence import STARTING_FOR, Presence
from baton_lab.push import Push

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


class Source:
    """An event source that breaks off after each chapter of what it has to say."""

    def __init__(self, *chapters: bytes) -> None:
        self._chapters = list(chapters)
        self.resumed: list[str | None] = []
        self.all_told = asyncio.Event()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        lines = dict(line.split(": ", 1) for line in request.splitlines()[1:] if ": " in line)
        self.resumed.append(lines.get("last-event-id"))
        if self._chapters:
            writer.write(HEAD + self._chapters.pop(0))
        else:
            self.all_told.set()
            writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()


async def hold(source: Source, place: Place) -> list[str]:
    """Hold a stream to the source until it has told everything; return what was seen."""
    server = await asyncio.start_server(source.answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    seen: list[str] = []

    def see(event: ServerSentEvent) -> None:
        seen.append(event.data)
        if event.data == "bad":
            raise ValueError(event.data)

    async def turned() -> None:
        """Nobody looks."""

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
        stream = Stream(lambda: http, "events", seen=see, turned=turned, place=place)
        task = asyncio.create_task(stream.run())
        await asyncio.wait_for(source.all_told.wait(), 30)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    server.close()
    return seen


async def test_a_broken_stream_resumes_after_the_last_event(tmp_path: Path) -> None:
    """Also after a restart: the place is kept in a file. An id without data counts too."""
    source = Source(b"id: 3\n\n", b": hi\nid: 7\ndata: first\n\n", b"id: 8\ndata: second\n\n")
    assert await hold(source, Place(tmp_path, "desk")) == ["first", "second"]
    assert source.resumed == [None, "3", "7", "8"]
    assert Place(tmp_path, "desk").get() == "8"
    assert Place(tmp_path, "another desk").get() is None


async def test_an_event_that_cannot_be_passed_on_is_asked_for_again(tmp_path: Path) -> None:
    """And does not end the listening."""
    source = Source(b"id: 1\ndata: bad\n\n", b"id: 1\ndata: good\n\n")
    assert await hold(source, Place(tmp_path, "desk")) == ["bad", "good"]
    assert source.resumed[:2] == [None, None]


async def test_a_place_that_cannot_be_kept_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    place = Place(tmp_path / "file" / "folder", "desk")
    place.set("5")
    assert place.get() == "5"


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def service() -> AsyncIterator[Any]:
    async def well(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        await writer.drain()
        writer.close()

    return await asyncio.start_server(well, "127.0.0.1", 0)


async def test_a_service_that_goes_is_told_once(service: asyncio.Server) -> None:
    url = f"http://127.0.0.1:{service.sockets[0].getsockname()[1]}"
    told: list[dict[str, Any]] = []
    presence = Presence({"desk": url, "mlflow": ""}, changed=told.append)
    first = await presence.look()
    assert (first["desk"]["state"], first["mlflow"]["state"]) == ("up", "absent")
    assert first["desk"]["ui"] == url + "/"
    service.close()
    await service.wait_closed()
    await presence.look()
    await presence.look()
    await presence.close()
    [change] = told
    assert (change["name"], change["state"]) == ("desk", "down")
    assert "nothing recorded is lost" in change["message"]


async def test_a_service_that_never_answered_is_starting_and_then_down() -> None:
    clock = Clock()
    url = "http://127.0.0.1:9"
    presence = Presence({"mlflow": url}, changed=lambda _: None, clock=clock)
    assert (await presence.check("mlflow")).state == "starting"
    clock.now = STARTING_FOR + 1
    assert (await presence.check("mlflow")).state == "down"
    await presence.close()


def test_every_kind_of_push_fits_the_published_schema() -> None:
    """Jupyter's own logger validates what is emitted, and raises for anything else."""
    text = io.StringIO()
    logger = EventLogger(handlers=[logging.StreamHandler(text)])
    logger.register_event_schema((files("baton_lab") / "schemas/push.v1.yaml").read_text())
    push = Push(logger.emit)
    push.runs(experiment_id="1", run_id=None)
    push.handoff({"type": "baton.handoff.offered"})
    push.job({"id": "1"})
    push.service({"name": "desk", "state": "up", "message": None, "ui": "http://x/"})
    emitted = [json.loads(line) for line in text.getvalue().splitlines()]
    assert [event["kind"] for event in emitted] == ["runs", "handoff", "job", "services"]
    assert {event["__schema__"] for event in emitted} == {"urn:baton:lab:push:1"}
