"""The desk's pages in a real browser: they stay current, and lose nothing that somebody types."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Error, Page, Route, async_playwright, expect
from tests.machine import browser as find_browser

from baton_desk.service import Service

HUB_FILES = Path(sys.prefix) / "share" / "jupyterhub" / "static"
SWITCHES = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]
WAIT = 15_000
"""Milliseconds that a loaded machine gets for what takes a tenth of a second."""

expect.set_options(timeout=WAIT)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """An installed Chromium."""
    program = find_browser()
    if program is None:
        pytest.fail("No browser: install Chromium, or set BATON_BROWSER to one.")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield started
        await started.close()


async def _hub_file(route: Route) -> None:
    """Answer for the Hub, which stands behind the same address in life."""
    path = HUB_FILES / route.request.url.partition("/hub/static/")[2].partition("?")[0]
    await route.fulfill(path=path) if path.is_file() else await route.fulfill(status=404)


async def look(browser: Browser, desk: Service, name: str, path: str, **more: Any) -> Page:
    """Open a page of the desk as somebody."""
    context = await browser.new_context(
        extra_http_headers={"Authorization": f"Bearer token-of-{name}"},
        base_url=f"http://127.0.0.1:{desk.port}/services/desk/",
        **more,
    )
    await context.route("**/hub/static/**", _hub_file)
    page = await context.new_page()
    page.set_default_timeout(WAIT)
    await page.goto(path)
    return page


async def test_a_handoff_appears_in_an_open_inbox(
    browser: Browser, desk: Service, offer: Any
) -> None:
    page = await look(browser, desk, "developer", "")
    await expect(page.get_by_text("Nothing has been handed to you yet")).to_be_visible()
    handoff = await offer(desk)
    row = page.locator(f"#row-{handoff}")
    await expect(row).to_be_visible()
    await expect(page).to_have_title("(1) Handoffs · Received")
    await expect(page.get_by_role("status").first).to_have_text(
        "scientist hands cancer version 1 to app-developers."
    )


async def test_what_somebody_types_or_opened_survives_what_arrives(
    browser: Browser, desk: Service, offer: Any, enter: Any
) -> None:
    handoff = await offer(desk)
    page = await look(browser, desk, "developer", f"handoffs/{handoff}")
    await page.get_by_text("Example as JSON").click()
    await page.get_by_text("Decline", exact=True).click()
    reason = page.get_by_label("Why does the team not take it?")
    await reason.fill("We lack a GPU.")
    box = page.get_by_label("Ask or say something")
    await box.press_sequentially("Which unit")
    await enter("tester").ask(
        "POST", f"api/handoffs/{handoff}/comments", 201, json={"body": "I look at it too."}
    )
    await expect(page.get_by_text("I look at it too.")).to_be_visible()
    await box.press_sequentially(" has the radius?")
    await expect(box).to_be_focused()
    await expect(box).to_have_value("Which unit has the radius?")
    await expect(page.get_by_role("button", name="Copy request")).to_be_visible()
    await enter("tester").ask("POST", f"api/handoffs/{handoff}/accept")
    await expect(page.locator("#state")).to_have_text("Accepted")
    await expect(page.get_by_role("button", name="Accept")).to_have_count(0)
    await expect(reason).to_have_value("We lack a GPU.")
    await expect(box).to_have_value("Which unit has the radius?")
    await box.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("#comments li").last).to_contain_text("Which unit has the radius?")
    await expect(page.get_by_label("Ask or say something")).to_have_value("")


async def test_a_refused_text_survives_what_arrives(
    browser: Browser, desk: Service, offer: Any, enter: Any
) -> None:
    handoff = await offer(desk)
    page = await look(browser, desk, "developer", f"handoffs/{handoff}")
    await enter("tester").ask("POST", f"api/handoffs/{handoff}/accept")
    await expect(page.locator("#state")).to_have_text("Accepted")
    await page.evaluate(
        """action => {
          const form = document.createElement('form');
          form.method = 'post';
          form.action = action;
          const field = document.createElement('input');
          form.append(Object.assign(field, {name: 'reason', value: 'No GPU'}));
          document.body.append(form);
          form.submit();
        }""",
        f"/services/desk/handoffs/{handoff}/decline",
    )
    await expect(page.get_by_role("alert")).to_be_visible()
    await enter("tester").ask(
        "POST", f"api/handoffs/{handoff}/comments", 201, json={"body": "Sorry, I was faster."}
    )
    await expect(page.get_by_text("Sorry, I was faster.")).to_be_visible()
    await expect(page.locator("#refused")).to_contain_text("No GPU")


async def test_pages_work_without_scripts(browser: Browser, desk: Service, offer: Any) -> None:
    handoff = await offer(desk)
    page = await look(browser, desk, "developer", f"handoffs/{handoff}", java_script_enabled=False)
    await expect(page.get_by_role("button", name="Copy pull command")).to_be_hidden()
    await page.get_by_text("Decline", exact=True).click()
    await page.get_by_label("Why does the team not take it?").fill("No GPU here.")
    await page.get_by_role("button", name="Decline handoff").click()
    await expect(page.locator("#state")).to_have_text("Declined")
    await expect(page.locator("#decision")).to_contain_text("No GPU here.")


async def test_a_decision_is_made_with_the_keyboard_alone(
    browser: Browser, desk: Service, offer: Any
) -> None:
    handoff = await offer(desk)
    page = await look(browser, desk, "developer", f"handoffs/{handoff}")
    await page.get_by_text("Request changes", exact=True).focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.type("Name the columns.")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("#state")).to_have_text("Changes requested")
    await expect(page.locator("#decision")).to_contain_text("Name the columns.")


async def test_a_desk_that_restarts_is_missed_and_caught_up_with(
    browser: Browser, start_desk: Any, offer: Any
) -> None:
    first = await start_desk()
    page = await look(browser, first, "developer", "")
    await expect(page.get_by_text("Nothing has been handed to you yet")).to_be_visible()
    await first.__aexit__(None, None, None)
    notice = page.get_by_text("Not live: connecting again")
    await expect(notice).to_be_visible()
    second = await start_desk(port=first.port)
    handoff = await offer(second)
    await expect(page.locator(f"#row-{handoff}")).to_be_visible()
    await expect(notice).to_be_hidden()


async def test_a_hostile_notebook_runs_nothing_in_a_browser(
    browser: Browser, desk: Service, offer: Any
) -> None:
    hostile = "<script>parent.owned=1</script><img src=x onerror='parent.owned=1'>"
    cell = {"id": "a", "cell_type": "markdown", "metadata": {}, "source": f"# Tumours\n{hostile}"}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}
    content = json.dumps(notebook).encode()
    source = {
        "path": "tumours.ipynb",
        "sha256": hashlib.sha256(content).hexdigest(),
        "snapshot": "tumours.ipynb",
        "executed_in_order": True,
    }
    handoff = await offer(
        desk,
        contents={"model/MLmodel": b"", "tumours.ipynb": content},
        source={"notebook": source, "git": None, "cell": None},
    )
    page = await look(browser, desk, "developer", f"handoffs/{handoff}")
    await page.get_by_role("link", name="tumours.ipynb").first.click()
    frame = page.frame_locator("iframe")
    await expect(frame.get_by_role("heading", name="Tumours")).to_be_visible()
    assert await page.evaluate("window.owned") is None
    with pytest.raises(Error):
        # Without an origin there are no cookies to read.
        await page.frames[-1].evaluate("document.cookie")
