"""The event stream: as it happens, and again from where it stopped."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from baton_contract import validate
from baton_desk.routes import stream


async def blocks(lines: AsyncIterator[str]) -> AsyncIterator[dict[str, str]]:
    """Yield the stream's blocks: field → value, comments under the empty field."""
    block: dict[str, str] = {}
    async for line in lines:
        if not line:
            yield block
            block = {}
            continue
        field, _, value = line.partition(":")
        block[field] = value.strip()


@contextlib.asynccontextmanager
async def listening(person: Any, last: str | None = None) -> AsyncIterator[Any]:
    """Open the stream; yields a function that returns the next block."""
    headers = {"Last-Event-ID": last} if last is not None else {}
    async with person.http.stream("GET", "api/events", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream"
        found = blocks(answer.aiter_lines())

        async def following() -> dict[str, str]:
            return await asyncio.wait_for(anext(found), 20)

        yield following


async def test_a_stream_begins_now_says_where_and_resumes_there(
    desk: Any, enter: Any, offer: Any
) -> None:
    scientist, developer = enter("scientist"), enter("developer")
    first = await offer(desk)
    async with listening(scientist) as following:
        opening = await following()
        assert opening["id"] == "2"
        assert "event" not in opening
        await developer.ask("POST", f"api/handoffs/{first}/comments", 201, json={"body": "Why?"})
        heard = await following()
        assert (heard["id"], heard["event"]) == ("3", "baton.handoff.commented")
        event = json.loads(heard["data"])
        validate("event.v1", event)
        assert (event["data"]["text"], event["data"]["actor"]) == ("Why?", "developer")
    await developer.ask("POST", f"api/handoffs/{first}/accept")
    async with listening(scientist, heard["id"]) as following:
        await following()
        assert (await following())["event"] == "baton.handoff.accepted"
    async with listening(scientist, "0") as following:
        await following()
        assert [(await following())["id"] for _ in range(4)] == ["1", "2", "3", "4"]


async def test_everybody_hears_only_of_their_own(desk: Any, enter: Any, offer: Any) -> None:
    async with (
        listening(enter("developer")) as developer,
        listening(enter("operator")) as operator,
    ):
        await developer()
        await operator()
        await offer(desk)
        await offer(desk, team="operations", contents={"model/x": b"2"})
        heard = [json.loads((await each())["data"]) for each in (developer, operator)]
        assert [event["type"] for event in heard] == ["baton.handoff.offered"] * 2
        assert [event["data"]["team"] for event in heard] == ["app-developers", "operations"]


async def test_silence_is_broken_by_a_heartbeat(
    desk: Any, enter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT", 0.05)
    async with listening(enter("developer")) as following:
        await following()
        assert await following() == {"": "still here"}


@pytest.mark.parametrize("last", ["x", "-1", "1" * 30, "²"])
async def test_a_last_event_id_that_is_no_number_is_refused(
    desk: Any, enter: Any, last: str
) -> None:
    headers = {"Last-Event-ID": last.encode()}
    await enter("developer").refused("GET", "api/events", 400, "schema", headers=headers)


async def test_many_listeners_hear_everything_in_order(desk: Any, enter: Any, offer: Any) -> None:
    handoff_id = await offer(desk)
    async with contextlib.AsyncExitStack() as stack:
        listeners = [
            await stack.enter_async_context(listening(enter("scientist"))) for _ in range(5)
        ]
        for following in listeners:
            await following()
        bodies = [f"word {number}" for number in range(20)]
        developer = enter("developer")
        for body in bodies:
            path = f"api/handoffs/{handoff_id}/comments"
            await developer.ask("POST", path, 201, json={"body": body})
        for following in listeners:
            texts = [json.loads((await following())["data"])["data"]["text"] for _ in bodies]
            assert texts == bodies


async def test_a_desk_that_stops_hangs_up_at_once(start_desk: Any, enter: Any) -> None:
    desk = await start_desk()
    async with listening(enter("scientist", at=desk)) as following:
        await following()
        await asyncio.wait_for(desk.__aexit__(), 5)
        with contextlib.suppress(httpx.RemoteProtocolError, StopAsyncIteration):
            assert await following() is None
