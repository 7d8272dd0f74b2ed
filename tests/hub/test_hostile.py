"""Whatever is asked, whichever way: nothing starts that is not offered, and the Hub stays up."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from html import unescape
from typing import Any, NamedTuple

import httpx
import jupyterhub
import psutil
import pytest
from tests.hub.hostile import bodies, choices, fields
from tests.hub.running import Platform, asking, wait_for, xsrf

IS_SIX = jupyterhub.version_info >= (6,)
TOO_MANY_FIELDS = 1_000
"""The web server itself refuses to count on."""
CHOICES = choices()
BODIES = list(bodies())
FIELDS = [form for form in fields() if form.count("&") < TOO_MANY_FIELDS]
CROWDED = [form for form in fields() if form.count("&") >= TOO_MANY_FIELDS]
EDITS = (b"{}", b"[]", b'{"image": "evil"}', b'{"name": 5}', b'{"name": null}')
LONGEST_ADDRESS = 30_000
AT_ONCE = 4
"""Servers that are asked for at a time; each asks for its own."""
ME = "users/scientist"


class Before(NamedTuple):
    """How far the shared platform's records had come before this file's tests."""

    events: int
    lines: int
    log: int


@pytest.fixture(scope="module", autouse=True)
def before(platform: Platform) -> Before:
    assert platform.url
    return Before(len(platform.audit()), len(platform.lines), len(log_of(platform)))


def log_of(platform: Platform) -> str:
    return (platform.folder / "logs" / "hub.log").read_text("utf-8", "replace")


@pytest.fixture(scope="module")
def token(platform: Platform) -> str:
    with platform.api("scientist") as client:
        return str(client.headers["Authorization"])


@asynccontextmanager
async def program(platform: Platform, token: str) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a session of the scientist's program."""
    headers = {"Authorization": token, "Content-Type": "application/json"}
    base = f"{platform.url}/hub/api/"
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=60) as client:
        yield client


@asynccontextmanager
async def browser(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a session of the scientist's browser."""
    with platform.sign_in("scientist") as signed_in:
        cookies = signed_in.cookies
    async with httpx.AsyncClient(base_url=platform.url, cookies=cookies, timeout=60) as client:
        yield client


def encoded(choice: Any) -> bytes:
    """Return a choice as JSON, with whatever a JSON parser lets pass."""
    return json.dumps(asking(choice)).encode()


async def each(things: Iterable[Any], ask: Any) -> None:
    """Ask for every thing, several at once, each of those for a server of its own."""
    waiting = list(enumerate(things))

    async def work(server: str) -> None:
        while waiting:
            _, thing = waiting.pop(0)
            await ask(server, thing)

    async with asyncio.TaskGroup() as group:
        for number in range(AT_ONCE):
            group.create_task(work(f"hostile-{number}"))


def check(answer: httpx.Response, asked: Any, *, is_ours: bool = True) -> None:
    """Check that an answer of the API is a refusal that names its reason."""
    said = f"{answer.status_code} {answer.text[:300]} to {str(asked)[:200]}"
    assert 400 <= answer.status_code < 500, said
    assert answer.json()["message"].strip(), said
    if is_ours:
        assert answer.headers.get("Baton-Refusal"), said
        assert answer.json()["message"].endswith((".", "?")), said
        assert len(answer.json()["message"]) < 500, said


async def check_page(client: httpx.AsyncClient, answer: httpx.Response, asked: Any) -> None:
    """Check that a page refuses, and says why."""
    if answer.status_code == 302:
        # JupyterHub waits a second for the spawner, then goes on to a page that waits longer.
        assert "/hub/spawn-pending/" in answer.headers["Location"], str(asked)[:200]
        while answer.status_code < 400:
            await asyncio.sleep(0.1)
            answer = await client.get(answer.headers.get("Location") or answer.url)
        assert answer.status_code < 500, str(asked)[:200]
        assert "has failed" in answer.text, str(asked)[:200]
        return
    page = unescape(answer.text)
    told = " ".join(re.findall(r"<h1>.*?</h1>|<strong>.*", page))
    said = f"{answer.status_code} {told} to {str(asked)[:200]}"
    assert 400 <= answer.status_code < 500, said
    assert answer.headers.get("Baton-Refusal"), said
    assert "Not started." in page or "must be text" in page or "too long" in page, said


def test_there_are_at_least_two_hundred_of_each() -> None:
    assert len({repr(choice) for choice in CHOICES}) >= 200
    assert len(set(FIELDS)) >= 200


async def test_no_program_starts_one_by_post(platform: Platform, token: str) -> None:
    """POST of the default server, and of named ones; then with what the Hub has stored."""
    async with program(platform, token) as client:

        async def post(path: str, choice: Any) -> None:
            check(await client.post(path, content=encoded(choice)), choice)

        await each(CHOICES, lambda server, choice: post(f"{ME}/servers/{server}", choice))
        for choice in CHOICES[::5]:
            await post(f"{ME}/server", choice)
            check(await client.post(f"{ME}/server"), choice)


async def test_no_body_that_is_no_choice_starts_one(platform: Platform, token: str) -> None:
    async with program(platform, token) as client:

        async def send(server: str, body: bytes) -> None:
            for path in ("server", f"servers/{server}"):
                answer = await client.post(f"{ME}/{path}", content=body)
                # JupyterHub itself refuses what is no JSON.
                check(answer, body, is_ours=False)

        for body in BODIES:
            await send("hostile-0", body)


@pytest.mark.skipif(not IS_SIX, reason="JupyterHub 6 brought it")
async def test_no_edit_starts_one(platform: Platform, token: str) -> None:
    """PATCH stores the options, or refuses them; the start that follows decides on them."""
    async with program(platform, token) as client:

        async def edit(server: str, choice: Any) -> None:
            patched = await client.patch(f"{ME}/servers/{server}", content=encoded(choice))
            assert patched.status_code < 500, (patched.text, str(choice)[:200])
            if patched.status_code >= 400:
                check(patched, choice)
            else:
                check(await client.post(f"{ME}/servers/{server}"), choice)

        for number in range(AT_ONCE):
            await client.put(f"{ME}/servers/hostile-{number}", content=b"{}")
        await each(CHOICES, edit)
        # JupyterHub stores what has the form of a choice; it is decided on at the start.
        others = [body for body in BODIES if b"display_name" not in body]
        for body in (*others, *EDITS):
            answer = await client.patch(f"{ME}/servers/hostile-0", content=body)
            check(answer, body, is_ours=False)


@pytest.mark.skipif(not IS_SIX, reason="JupyterHub 6 brought it")
async def test_none_starts_that_was_stored_when_its_server_was_made(
    platform: Platform, token: str
) -> None:
    async with program(platform, token) as client:
        for number, choice in enumerate(CHOICES[::5]):
            path = f"{ME}/servers/made-{number}"
            made = await client.put(path, content=encoded(choice))
            assert made.status_code == 201 or 400 <= made.status_code < 500, str(choice)[:200]
            check(await client.post(path), choice)
            await client.request("DELETE", path, content=b'{"remove": true}')


async def test_no_form_starts_one(platform: Platform) -> None:
    async with browser(platform) as client:
        form = {"Content-Type": "application/x-www-form-urlencoded"}

        async def post(server: str, body: str) -> None:
            path = f"/hub/spawn/scientist/{server}?_xsrf={xsrf(client)}"
            await check_page(client, await client.post(path, content=body, headers=form), body)

        await each(FIELDS, post)
        await post("hostile-0", "profile=" + "x" * 2_000_000)
        for body in CROWDED:
            address = f"/hub/spawn/scientist?_xsrf={xsrf(client)}"
            answer = await client.post(address, content=body, headers=form)
            assert 400 <= answer.status_code < 500, answer.text
            # JupyterHub takes the cookie away with such an answer; another page brings it back.
            await client.get("/hub/home")
        files = {"profile": ("tables", b"tables"), "image": ("x", b"\xff")}
        address = f"/hub/spawn/scientist?_xsrf={xsrf(client)}"
        await check_page(client, await client.post(address, files=files), "files")


async def test_no_address_starts_one(platform: Platform) -> None:
    async with browser(platform) as client:

        async def get(server: str, query: str) -> None:
            await check_page(
                client, await client.get(f"/hub/spawn/scientist/{server}?{query}"), query
            )

        queries = [query for query in FIELDS if query and len(query) < LONGEST_ADDRESS]
        # JupyterHub 6 would have the fields of an address begin with opt-, and takes both.
        marked = ["&".join(f"opt-{part}" for part in query.split("&")) for query in queries]
        await each((pair[n % 2] for n, pair in enumerate(zip(queries, marked, strict=True))), get)


async def test_afterwards_the_hub_serves_as_if_nothing_had_been(
    platform: Platform, token: str, before: Before
) -> None:
    """The last test of this file: after thousands of refusals in a row, a good start works."""
    spawns = [event for event in platform.audit()[before.events :] if event["event"] == "spawn"]
    refused = [event for event in spawns if event["decision"] == "refused"]
    assert len(refused) > 1_000
    assert all(event["code"] and event["reason"] for event in refused)
    assert not [event for event in spawns if event["decision"] == "allowed"]
    log = log_of(platform)[before.log :]
    assert "Uncaught exception" not in log
    assert "consecutive spawns failed" not in log
    assert "The Hub stopped" not in "\n".join(platform.lines[before.lines :])
    assert httpx.get(f"{platform.url}/hub/health").status_code == 200
    async with program(platform, token) as client:
        assert not (await client.get(ME)).json()["servers"]
        answer = await client.post(f"{ME}/server", content=encoded({"profile": "python"}))
        assert answer.status_code in (201, 202), answer.text
    with platform.api("scientist") as waiting:
        wait_for(lambda: waiting.get(ME).json()["servers"].get("", {}).get("ready"), "the server")
        assert waiting.delete(f"{ME}/server").status_code < 300
        wait_for(lambda: not waiting.get(ME).json()["servers"], "the stop")
    every = psutil.Process(platform.process.pid).children(recursive=True)
    assert not [p for p in every if "jupyterhub.singleuser" in p.cmdline()]
