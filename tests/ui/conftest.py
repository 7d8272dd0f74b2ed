"""The real platform, and people who sit in front of real browsers."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from tests.hub.running import PROFILES, Platform
from tests.machine import browser as find_browser

ROOT = Path(__file__).parents[2]
STARTING_SECONDS = 120
WAIT = 15_000
"""Milliseconds for what a page has to show. Where it matters how soon, a test says so itself."""
CHROMIUM = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]


expect.set_options(timeout=WAIT)


@dataclass
class Receiver:
    """A team's webhook endpoint: keeps what arrives."""

    url: str
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    """An HTTP server of this machine that answers every POST with 204."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            kept.received.append((headers, body))
            kept.arrived.set()
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept = Receiver(f"http://127.0.0.1:{server.server_port}/hooks/models")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield kept
    server.shutdown()
    thread.join()


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Platform]:
    """The whole platform as `baton up` starts it, in a folder of its own."""
    host = receiver.url.split("/")[2]
    folder = tmp_path_factory.mktemp("lab")
    platform = Platform(folder, PROFILES, "--allow-webhook-host", host)
    try:
        platform.news("Baton is ready", seconds=STARTING_SECONDS)
        yield platform
    finally:
        platform.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """An installed Chromium, without a window."""
    path = find_browser()
    assert path, "No browser: install Chromium, or set BATON_BROWSER to one."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM)
        yield browser
        browser.close()


class Person:
    """Somebody in front of a browser of their own."""

    def __init__(self, name: str, context: BrowserContext, platform: Platform) -> None:
        self.name = name
        self.context = context
        self.platform = platform
        self.page: Page = context.new_page()

    def sign_in(self) -> None:
        """Sign in at the Hub, as people do."""
        self.page.goto(self.platform.url)
        self.page.get_by_label("Username").fill(self.name)
        self.page.get_by_label("Password").fill(self.platform.password(self.name))
        self.page.get_by_role("button", name="Sign in").click()
        # To the spawn page, or to the server that already runs.
        self.page.wait_for_url(re.compile(r"/hub/(home|spawn)|/user/"))


@pytest.fixture
def people(
    chromium: Browser, platform: Platform, request: pytest.FixtureRequest
) -> Iterator[dict[str, Person]]:
    """The demo's scientist and developer, each in a browser context of their own.

    When the test fails, each one's last page and Playwright trace are kept in
    ``test-results``, with the platform's logs.
    """
    found = {}
    for name in ("scientist", "developer"):
        context = chromium.new_context(viewport={"width": 1400, "height": 880})
        context.set_default_timeout(WAIT)
        context.tracing.start(screenshots=True, snapshots=True)
        found[name] = Person(name, context, platform)
    failures = request.session.testsfailed
    yield found
    failed = request.session.testsfailed > failures or request.node.stash.get(FAILED, False)
    kept = ROOT / "test-results" / request.node.name
    for person in found.values():
        if failed:
            kept.mkdir(parents=True, exist_ok=True)
            for number, page in enumerate(person.context.pages):
                page.screenshot(path=kept / f"{person.name}-{number}.png")
            person.context.tracing.stop(path=kept / f"{person.name}.zip")
        person.context.close()
    if failed:
        for log in (platform.folder / "logs").glob("*.log"):
            (kept / log.name).write_text(log.read_text("utf-8", "replace"), "utf-8")


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Let the fixtures of a test know that it failed."""
    report = yield
    if report.when == "call":  # type: ignore[attr-defined]
        item.stash[FAILED] = report.failed  # type: ignore[attr-defined]
    return report  # type: ignore[return-value]


HIDE_PATHS = """() => {
  for (const output of document.querySelectorAll('.jp-OutputArea-child')) {
    output.hidden = output.textContent.includes('site-packages');
    output.style.display = output.hidden ? 'none' : '';
  }
}"""
"""Warnings of libraries name paths of the machine that took the picture."""


class Album:
    """Takes the pictures of README.md and docs/: into BATON_SCREENSHOTS, else test-results."""

    def __init__(self) -> None:
        self.results = ROOT / "test-results" / "screenshots"
        self.folder = ROOT / os.environ.get("BATON_SCREENSHOTS", self.results)
        for folder in (self.results, self.folder):
            folder.mkdir(parents=True, exist_ok=True)

    def take(self, page: Page, name: str, *, full: bool = False, shown: bool = True) -> None:
        """Keep a picture of what the person sees as ``name``.png.

        ``shown``: whether a guide shows it; what is only looked at stays in test-results.
        """
        folder = self.folder if shown else self.results
        page.evaluate(HIDE_PATHS)
        page.screenshot(path=folder / f"{name}.png", full_page=full, animations="disabled")


@pytest.fixture(scope="session")
def album() -> Album:
    """Where this session's pictures go."""
    return Album()
