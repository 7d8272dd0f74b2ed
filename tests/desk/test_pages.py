"""The desk's pages, over real HTTP, signed in by the real Hub."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from html import unescape
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from baton_desk.service import Service

PAGES = ("", "handoffs/{id}", "handoffs/{id}/notebook", "teams/app-developers")
ROOT = "/services/desk/"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'>{{7*7}}"
NOTEBOOK = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {},
    "cells": [
        {
            "id": "a",
            "cell_type": "markdown",
            "metadata": {},
            "source": "# Tumours\n\n[click](javascript:alert(1)) <script>alert(2)</script>",
        },
        {
            "id": "b",
            "cell_type": "code",
            "execution_count": 1,
            "metadata": {},
            "source": "model.fit(X, y)",
            "outputs": [
                {
                    "output_type": "display_data",
                    "metadata": {},
                    "data": {
                        "text/html": "<table><thead><tr><th>radius</th></tr></thead></table>"
                        "<script>alert(3)</script><img src=x onerror=alert(4)>"
                        "<iframe src='https://example.org'></iframe>"
                        "<form action='https://example.org'><input></form>"
                        "<meta http-equiv='refresh' content='0;url=https://example.org'>"
                        "<a href='data:text/html,<script>alert(5)</script>'>x</a>",
                    },
                },
                {
                    "output_type": "display_data",
                    "metadata": {},
                    "data": {
                        "image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg' "
                        "onload='alert(6)'><script>alert(7)</script></svg>"
                    },
                },
                {
                    "output_type": "display_data",
                    "metadata": {},
                    "data": {"application/javascript": "alert(8)"},
                },
            ],
        },
    ],
}


class Marks(HTMLParser):
    """Reads a page's elements and attributes, as a browser would."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def runs_nothing(html: str) -> None:
    """Check that a page has no script, handler or style but those in its own files."""
    for tag, attributes in Marks(html).elements:
        if tag == "script":
            assert attributes.get("src"), html
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
        assert "style" not in attributes, (tag, attributes)
        for name in ("href", "src", "action"):
            assert not (attributes.get(name) or "").lower().startswith(("javascript:", "data:"))
    assert "<style" not in html


def words(html: str) -> str:
    """Return a page's text with single spaces."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def alert(html: str) -> str:
    """Return the text of the page's alert."""
    found = re.search(r'role="alert"[^>]*>(.*?)</div>', html, re.DOTALL)
    assert found, words(html)
    return words(found[1])


async def follow(person: Any, place: str) -> httpx.Response:
    """Return what stands at a path that a page or a redirect names."""
    answer: httpx.Response = await person.http.get(person.http.base_url.join(place))
    return answer


async def press(person: Any, place: str) -> httpx.Response:
    """Post a form without fields to the path that it names."""
    answer: httpx.Response = await person.http.post(person.http.base_url.join(place))
    return answer


def with_notebook(content: bytes) -> dict[str, Any]:
    """Return a packet's parts with a notebook snapshot."""
    import hashlib

    digest = hashlib.sha256(content).hexdigest()
    notebook = {
        "path": "tumours.ipynb",
        "sha256": digest,
        "snapshot": "notebook/tumours.ipynb",
        "executed_in_order": True,
    }
    return {
        "contents": {"model/MLmodel": b"flavors: {}\n", "notebook/tumours.ipynb": content},
        "source": {"notebook": notebook, "git": None, "cell": None},
    }


# Who sees what


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_sends_who_is_not_signed_in_to_the_hub(
    desk: Service, enter: Any, offer: Any, page: str
) -> None:
    handoff = await offer(desk)
    answer = await enter().http.get(page.format(id=handoff))
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/hub/api/oauth2/authorize?")


@pytest.mark.parametrize("page", [*PAGES[1:3], "handoffs/{id}/notebook/content", "nonsense"])
async def test_what_is_not_for_somebody_is_not_there(
    desk: Service, enter: Any, offer: Any, page: str
) -> None:
    handoff = await offer(desk, team="operations", **with_notebook(b"{}"))
    answer = await enter("developer").http.get(page.format(id=handoff))
    assert answer.status_code == 404
    assert "cancer" not in answer.text


async def test_a_team_page_is_for_its_members(enter: Any) -> None:
    answer = await enter("scientist").http.get("teams/app-developers")
    assert answer.status_code in {403, 404}
    assert answer.headers["Content-Type"].startswith("text/html")


async def test_a_pipelines_token_opens_no_page(desk: Service, enter: Any, offer: Any) -> None:
    handoff = await offer(desk)
    made = await enter("developer").ask(
        "POST", "api/teams/app-developers/tokens", 201, json={"name": "ci"}
    )
    pipeline = enter(token=made["token"])
    for page in ("", f"handoffs/{handoff}", "live?after=0"):
        assert (await pipeline.http.get(page)).status_code == 403


@pytest.mark.parametrize("page", [*PAGES, "nonsense"])
async def test_pages_run_and_load_nothing_but_their_own(
    desk: Service, enter: Any, offer: Any, page: str
) -> None:
    handoff = await offer(desk, **with_notebook(json.dumps(NOTEBOOK).encode()))
    answer = await enter("developer").http.get(page.format(id=handoff))
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    runs_nothing(answer.text)


async def test_styles_and_scripts_need_no_sign_in(enter: Any) -> None:
    for path in ("desk.css", "desk.js", "live.js", "times.js"):
        assert (await enter().http.get(f"static/{path}")).status_code == 200
    assert (await enter().http.get("static/../pages.py")).status_code in {302, 403, 404}


# Hostile text


async def test_hostile_text_stays_text_everywhere(desk: Service, enter: Any, offer: Any) -> None:
    git = {"remote": HOSTILE, "commit": "0123456789", "dirty": True}
    field = {"name": HOSTILE, "type": HOSTILE, "required": False, "shape": None}
    handoff = await offer(
        desk,
        contents={f"model/{HOSTILE}": b"x"},
        model={
            "name": HOSTILE,
            "version": "<b>1",
            "run_id": HOSTILE,
            "uri": "x:/",
            "flavors": [HOSTILE],
        },
        signature={"inputs": [field] * 9, "outputs": [field], "params": [field]},
        examples=[{"request": {HOSTILE: [HOSTILE]}, "expected": [HOSTILE], "tolerance": 0.1}],
        environment={
            "image": HOSTILE,
            "digest": None,
            "profile": HOSTILE,
            "python": HOSTILE,
            "requirements": [HOSTILE],
        },
        source={
            "notebook": {
                "path": HOSTILE,
                "sha256": "a" * 64,
                "snapshot": None,
                "executed_in_order": False,
            },
            "git": git,
            "cell": None,
        },
        lineage={"datasets": [{"name": HOSTILE, "digest": HOSTILE, "source": HOSTILE}]},
        metrics={HOSTILE: 1.5},
        params={HOSTILE: HOSTILE},
        card=dict.fromkeys(
            ("summary", "intended_use", "limitations", "license", "contact"), HOSTILE
        ),
        routing={"team": "app-developers", "note": HOSTILE},
    )
    developer = enter("developer")
    await developer.ask("POST", f"api/handoffs/{handoff}/comments", 201, json={"body": HOSTILE})
    for page in ("", f"handoffs/{handoff}"):
        answer = await developer.http.get(page)
        assert answer.status_code == 200
        runs_nothing(answer.text)
        assert "49" not in re.findall(r"\{\{7\*7\}\}|\b49\b", words(answer.text))
        assert HOSTILE in unescape(re.sub(r"<wbr>", "", answer.text))


async def test_a_hostile_address_and_token_name_stay_text(enter: Any) -> None:
    developer = enter("developer")
    for form, field in (("channels", "url"), ("tokens", "name")):
        answer = await developer.http.post(
            f"teams/app-developers/{form}", data={field: HOSTILE * 20}
        )
        assert answer.status_code == 400
        runs_nothing(answer.text)
        assert unescape(answer.text).count(HOSTILE * 20)


# The inbox


async def test_the_inbox_shows_what_waits_first(desk: Service, enter: Any, offer: Any) -> None:
    first = await offer(desk)
    second = await offer(desk, model={**_model("cancer"), "version": "2"})
    developer = enter("developer")
    await developer.ask("POST", f"api/handoffs/{second}/accept")
    html = (await developer.http.get("")).text
    assert "(1) Handoffs" in html
    waiting, others = html.split("Everything else")
    assert f"row-{first}" in waiting
    assert f"row-{second}" in others
    assert "Please have a look" in html


async def test_the_inbox_filters_by_state_and_ignores_nonsense(
    desk: Service, enter: Any, offer: Any
) -> None:
    handoff = await offer(desk)
    developer = enter("developer")
    declined = (await developer.http.get("?state=declined")).text
    assert f"row-{handoff}" not in declined
    assert "Nothing here is declined" in words(declined)
    assert f"row-{handoff}" in (await developer.http.get("?state=offered")).text
    assert f"row-{handoff}" in (await developer.http.get("?state=nonsense&box=x")).text


async def test_older_handoffs_are_a_page_away(desk: Service, enter: Any, offer: Any) -> None:
    made = {
        await offer(desk, model={**_model("cancer"), "version": str(number)})
        for number in range(32)
    }
    developer = enter("developer")
    first = (await developer.http.get("?state=offered")).text
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older
    second = (await follow(developer, unescape(older[1]))).text
    shown = [*re.findall(r'id="row-(\w+)"', first), *re.findall(r'id="row-(\w+)"', second)]
    assert len(shown) == len(set(shown)) == 32
    assert set(shown) == made


async def test_an_empty_inbox_teaches_the_next_step(enter: Any) -> None:
    assert "Add a channel" in words((await enter("developer").http.get("")).text)
    assert "Open JupyterLab" in words((await enter("scientist").http.get("?box=sent")).text)


def _model(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "version": "1",
        "run_id": None,
        "uri": "models:/m-1",
        "flavors": ["sklearn"],
    }


# A handoff


async def test_a_developer_reads_what_the_model_takes_and_returns(
    desk: Service, enter: Any, offer: Any, model_packet: Any
) -> None:
    packet = model_packet()
    signature = {
        "inputs": [
            {"name": name, "type": "double", "required": True, "shape": None}
            for name in packet["examples"][0]["request"]["dataframe_split"]["columns"]
        ],
        "outputs": [{"name": None, "type": "long", "required": True, "shape": None}],
        "params": [],
    }
    handoff = await offer(desk, examples=packet["examples"], signature=signature)
    html = (await enter("developer").http.get(f"handoffs/{handoff}")).text
    text = words(html)
    for part in ("mean radius double 17.99", "30 columns", "22 more", "long 0", "All there."):
        assert part in text
    assert f"baton pull {handoff} \\ --to cancer-1" in text
    assert "model.predict(pd.DataFrame(**request))" in text


async def test_accepting_by_form_works_and_shows(desk: Service, enter: Any, offer: Any) -> None:
    handoff = await offer(desk)
    developer = enter("developer")
    answer = await developer.http.post(f"handoffs/{handoff}/accept")
    assert answer.status_code == 303
    html = (await follow(developer, answer.headers["Location"])).text
    assert 'data-state="accepted"' in html
    assert "Accepted by developer" in words(html)
    assert f"{ROOT}handoffs/{handoff}/accept" not in html


@pytest.mark.parametrize("action", ["decline", "request_changes"])
async def test_sending_back_needs_a_reason_and_shows_it(
    desk: Service, enter: Any, offer: Any, action: str
) -> None:
    handoff = await offer(desk)
    developer = enter("developer")
    refused = await developer.http.post(f"handoffs/{handoff}/{action}", data={"reason": "  "})
    assert refused.status_code == 400
    assert "reason" in alert(refused.text)
    done = await developer.http.post(f"handoffs/{handoff}/{action}", data={"reason": "No GPU here"})
    assert done.status_code == 303
    assert "No GPU here" in (await enter("scientist").http.get(f"handoffs/{handoff}")).text


async def test_a_decision_that_comes_too_late_keeps_the_text(
    desk: Service, enter: Any, offer: Any
) -> None:
    handoff = await offer(desk)
    await enter("tester").ask("POST", f"api/handoffs/{handoff}/accept")
    answer = await enter("developer").http.post(
        f"handoffs/{handoff}/decline", data={"reason": "We lack a GPU for this."}
    )
    assert answer.status_code == 409
    assert "We lack a GPU for this." in answer.text
    assert 'data-state="accepted"' in answer.text
    assert alert(answer.text)


async def test_a_comment_that_is_too_long_is_kept(desk: Service, enter: Any, offer: Any) -> None:
    handoff = await offer(desk)
    developer = enter("developer")
    text = "Which unit?\n" * 400
    answer = await developer.http.post(f"handoffs/{handoff}/comment", data={"body": text})
    assert answer.status_code == 400
    assert "4000" in alert(answer.text)
    assert text.strip() in unescape(answer.text)
    assert not (await developer.ask("GET", f"api/handoffs/{handoff}"))["thread"]


async def test_question_and_answer_by_form(desk: Service, enter: Any, offer: Any) -> None:
    handoff = await offer(desk)
    developer, scientist = enter("developer"), enter("scientist")
    asked = await developer.http.post(f"handoffs/{handoff}/comment", data={"body": "Which unit?"})
    assert asked.status_code == 303
    assert asked.headers["Location"].partition("#")[2].startswith("comment-")
    await scientist.http.post(f"handoffs/{handoff}/comment", data={"body": "Micrometres."})
    text = words((await developer.http.get(f"handoffs/{handoff}")).text)
    assert text.index("Which unit?") < text.index("scientist (sender)") < text.index("Micrometres.")


async def test_a_reloaded_form_leads_back_to_the_handoff(
    desk: Service, enter: Any, offer: Any
) -> None:
    handoff = await offer(desk)
    for action in ("accept", "decline", "comment"):
        answer = await enter("developer").http.get(f"handoffs/{handoff}/{action}")
        assert answer.status_code == 302
        assert f"{ROOT}handoffs/{handoff}" in answer.headers["Location"]


# Signing in with a cookie


class Browser:
    """Somebody who signs in at the Hub as a browser does; the Hub's paths go to the Hub."""

    def __init__(self, hub: str, service: Service) -> None:
        self.http = httpx.AsyncClient(trust_env=False, timeout=30)
        self.hub = hub.removesuffix("/hub/api")
        self.desk = f"http://127.0.0.1:{service.port}"

    def place(self, path: str) -> str:
        path = httpx.URL(path).raw_path.decode()
        return (self.hub if path.startswith("/hub/") else self.desk) + path

    async def get(self, path: str) -> httpx.Response:
        headers = {"Sec-Fetch-Mode": "navigate"}
        for _ in range(10):
            answer = await self.http.get(self.place(path), headers=headers)
            if not answer.is_redirect:
                return answer
            path = answer.headers["Location"]
        raise AssertionError(path)

    async def sign_in(self, name: str) -> None:
        form = (await self.get("/hub/login")).text
        token = re.search(r'name="_xsrf"\s+value="([^"]+)"', form)
        assert token
        answer = await self.http.post(
            self.place("/hub/login"),
            data={"username": name, "password": "", "_xsrf": unescape(token[1])},
        )
        assert answer.status_code == 302, answer.text

    async def post(self, path: str, **data: str) -> httpx.Response:
        headers = {"Sec-Fetch-Mode": "navigate"}
        return await self.http.post(self.place(path), data=data, headers=headers)


@pytest.fixture
async def browse(hub: str, desk: Service) -> AsyncIterator[Callable[[str], Any]]:
    """Sign somebody in with a cookie, and nothing else."""
    browsers: list[Browser] = []

    async def come(name: str) -> Browser:
        browser = Browser(hub, desk)
        browsers.append(browser)
        await browser.sign_in(name)
        return browser

    yield come
    for browser in browsers:
        await browser.http.aclose()


def form_token(html: str) -> str:
    """Return the token that the page's forms carry."""
    found = re.search(r'name="_xsrf" value="([^"]+)"', html)
    assert found
    return unescape(found[1])


async def test_a_form_without_the_pages_token_is_refused(
    desk: Service, browse: Any, enter: Any, offer: Any
) -> None:
    handoff = await offer(desk)
    page = f"{ROOT}handoffs/{handoff}"
    browser = await browse("developer")
    html = (await browser.get(page)).text
    for stolen in ({}, {"_xsrf": "guessed"}):
        answer = await browser.post(f"{page}/comment", body="Bought by me", **stolen)
        assert answer.status_code == 403
        # What they wrote can be copied from the page that says so.
        assert "Bought by me" in answer.text
        assert (await browser.post(f"{page}/accept", **stolen)).status_code == 403
    assert (await enter("developer").ask("GET", f"api/handoffs/{handoff}"))["state"] == "offered"
    token = form_token(html)
    assert (await browser.post(f"{page}/accept", _xsrf=token)).status_code == 303
    assert (await enter("developer").ask("GET", f"api/handoffs/{handoff}"))["state"] == "accepted"


async def test_the_stream_takes_the_cookie_with_the_pages_token_only(
    desk: Service, browse: Any, offer: Any
) -> None:
    await offer(desk)
    browser = await browse("developer")
    html = (await browser.get(ROOT)).text
    live = re.search(r'data-live="([^"]+)"', html)
    assert live
    cors = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}
    bare = re.sub(r"&_xsrf=.*", "", unescape(live[1]))
    assert (await browser.http.get(browser.place(bare), headers=cors)).status_code == 401
    async with browser.http.stream("GET", browser.place(unescape(live[1])), headers=cors) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/event-stream"


# Live


async def test_the_stream_hints_at_what_the_caller_may_see_and_nothing_else(
    desk: Service, enter: Any, offer: Any
) -> None:
    developer = enter("developer")
    lines: asyncio.Queue[str] = asyncio.Queue()

    async def listen() -> None:
        async with developer.http.stream("GET", "live?after=0") as answer:
            async for line in answer.aiter_lines():
                await lines.put(line)

    listening = asyncio.create_task(listen())
    try:
        assert await asyncio.wait_for(lines.get(), 10) == ": live"
        hidden = await offer(desk, team="operations")
        seen = await offer(desk)
        hints = []
        while not any(hint["type"] == "baton.handoff.offered" for hint in hints):
            line = await asyncio.wait_for(lines.get(), 10)
            if line.startswith("data: "):
                hints.append(json.loads(line.removeprefix("data: ")))
    finally:
        listening.cancel()
    assert {hint["handoff"] for hint in hints} == {seen}
    assert hidden not in json.dumps(hints)
    assert hints[-1] == {
        "handoff": seen,
        "type": "baton.handoff.offered",
        "text": "scientist hands cancer version 1 to app-developers.",
    }


async def test_the_stream_goes_on_where_the_page_was_made(
    desk: Service, enter: Any, offer: Any
) -> None:
    developer = enter("developer")
    html = (await developer.http.get("")).text
    live = re.search(r'data-live="([^"]+)"', html)
    assert live
    handoff = await offer(desk)
    async with developer.http.stream(
        "GET", developer.http.base_url.join(unescape(live[1]))
    ) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                assert json.loads(line.removeprefix("data: "))["handoff"] == handoff
                return
    pytest.fail("the event between page and stream was lost")


async def test_a_stream_from_nowhere_is_refused(enter: Any) -> None:
    for after in ("", "x", "-1", "9" * 30):
        assert (await enter("developer").http.get(f"live?after={after}")).status_code == 400


# Notebooks


async def test_a_hostile_notebook_is_shown_and_can_do_nothing(
    desk: Service, enter: Any, offer: Any
) -> None:
    handoff = await offer(desk, **with_notebook(json.dumps(NOTEBOOK).encode()))
    developer = enter("developer")
    page = (await developer.http.get(f"handoffs/{handoff}/notebook")).text
    frames = [attributes for tag, attributes in Marks(page).elements if tag == "iframe"]
    assert [frame["sandbox"] for frame in frames] == [None]
    answer = await follow(developer, str(frames[0]["src"]))
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith(
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
    )
    assert "Tumours" in answer.text
    assert "radius" in answer.text
    assert "<th>" in answer.text
    elements = Marks(re.sub(r"<style\b.*?</style>", "", answer.text, flags=re.DOTALL)).elements
    assert not {"script", "iframe", "form", "input", "object", "embed"} & {
        tag for tag, _ in elements
    }
    for tag, attributes in elements:
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
        assert not (attributes.get("href") or "").lower().startswith(("javascript", "data"))
        assert (attributes.get("src") or "data:image/").startswith("data:image/")
        assert attributes.get("http-equiv") in {None, "X-UA-Compatible"}


@pytest.mark.parametrize("content", [b"\xff\xfe", b'{"cells": 3, "nbformat": 4}', b"[" * 100000])
async def test_a_broken_notebook_is_one_sentence(
    desk: Service, enter: Any, offer: Any, content: bytes
) -> None:
    handoff = await offer(desk, **with_notebook(content))
    answer = await enter("developer").http.get(f"handoffs/{handoff}/notebook/content")
    assert answer.status_code == 400
    assert answer.text.startswith("This notebook can't be shown here.")
    assert answer.headers["Content-Type"].startswith("text/plain")


async def test_a_notebook_that_is_too_large_can_still_be_downloaded(
    desk: Service, enter: Any, offer: Any
) -> None:
    handoff = await offer(desk, **with_notebook(b" " * (10 * 2**20 + 1)))
    developer = enter("developer")
    page = (await developer.http.get(f"handoffs/{handoff}/notebook")).text
    assert "too large to show" in alert(page)
    assert "<iframe" not in page
    assert (await developer.http.get(f"handoffs/{handoff}/notebook/content")).status_code == 413


# Teams


async def test_a_token_is_shown_once(enter: Any) -> None:
    developer = enter("developer")
    answer = await developer.http.post("teams/app-developers/tokens", data={"name": "ci-staging"})
    assert answer.status_code == 303
    place = answer.headers["Location"]
    first = (await follow(developer, place)).text
    token = re.search(r"baton_[A-Za-z0-9_-]{20,}", first)
    assert token
    assert token[0] not in place
    again = (await follow(developer, place)).text
    assert token[0] not in again
    assert "ci-staging" in again
    assert "never used" in words(again)
    ended = re.search(r'action="([^"]+/tokens/[^"]+/revoke)"', again)
    assert ended
    assert (await press(developer, ended[1])).status_code == 303
    assert (
        "ci-staging"
        not in words((await developer.http.get("teams/app-developers")).text).split(
            "Name of the pipeline"
        )[0]
    )


async def test_a_secret_is_for_who_made_it(enter: Any) -> None:
    answer = await enter("developer").http.post(
        "teams/app-developers/tokens", data={"name": "mine"}
    )
    other = await follow(enter("tester"), answer.headers["Location"])
    assert not re.search(r"baton_[A-Za-z0-9_-]{20,}", other.text)


async def test_a_channel_is_added_tested_and_removed_by_form(enter: Any, desk: Service) -> None:
    developer = enter("developer")
    refusing = f"http://127.0.0.1:{desk.port}/services/desk/health"
    answer = await developer.http.post("teams/app-developers/channels", data={"url": refusing})
    assert answer.status_code == 303, words(answer.text)
    html = (await follow(developer, answer.headers["Location"])).text
    assert re.search(r"whsec_[A-Za-z0-9+/=]+", html)
    test = re.search(r'action="([^"]+/test)"', html)
    assert test
    assert (await press(developer, test[1])).status_code == 303
    text = words((await developer.http.get("teams/app-developers")).text)
    assert "baton.channel.test" in text
    assert "1 attempt" in text
    assert "405" in text
    assert (await press(developer, test[1].replace("/test", "/remove"))).status_code == 303
    assert "No channel yet" in (await developer.http.get("teams/app-developers")).text


async def test_a_refused_address_is_kept_with_why(enter: Any) -> None:
    answer = await enter("developer").http.post(
        "teams/app-developers/channels", data={"url": "https://10.0.0.7/hook"}
    )
    assert answer.status_code == 400
    assert 'value="https://10.0.0.7/hook"' in answer.text
    assert alert(answer.text)
