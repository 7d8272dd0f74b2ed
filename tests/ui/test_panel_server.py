"""The panel's view of the server: what is left, and the warning before an idle server stops.

A real platform with a culler of seconds: nobody waits for minutes.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tests.hub.running import PROFILES, Platform, wait_for
from tests.ui.conftest import STARTING_SECONDS, WAIT, Album, Person

LIMIT = 30
WARNING = 15
CULL_EVERY = 1
PATIENCE = 60_000
"""Milliseconds for what waits on a server or a kernel."""
BUSY = "import time; time.sleep(600)"
"""Code that computes in silence, as training with little to say does."""


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform that stops servers soon, with a retiring profile and limits of all scopes."""
    root = tmp_path_factory.mktemp("hasty")
    shutil.copytree(PROFILES, root / "profiles")
    python = root / "profiles" / "python.yaml"
    life = "lifecycle: {deprecated: 2026-01-01, blocked: 2099-01-01, replaced_by: scikit-learn}\n"
    python.write_text(python.read_text() + life)
    (root / "profiles" / "quotas.yaml").write_text(
        "each_user: {servers: 3, cpu: 4, memory: 8G, budget: {period: month, cpu_hours: 40}}\n"
        "groups: {data-science: {cpu: 2}}\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BATON_IDLE_LIMIT", str(LIMIT))
        patch.setenv("BATON_IDLE_WARNING", str(WARNING))
        patch.setenv("BATON_CULL_EVERY", str(CULL_EVERY))
        platform = Platform(root / "lab", root / "profiles")
    try:
        platform.news("Baton is ready", seconds=STARTING_SECONDS)
        yield platform
    finally:
        platform.stop()


@pytest.fixture
def scientist(chromium: Browser, hasty: Platform) -> Iterator[Person]:
    """The scientist, signed in, without a server of an earlier test."""
    context = chromium.new_context(viewport={"width": 1200, "height": 800})
    context.set_default_timeout(WAIT)
    person = Person("scientist", context, hasty)
    person.sign_in()
    yield person
    context.close()
    with hasty.api("scientist") as api:
        api.delete("users/scientist/server")
        wait_for(lambda: not running(api), "the end of the server")
    # JupyterLab would open as it was left.
    shutil.rmtree(hasty.folder / "homes" / "scientist", ignore_errors=True)


def running(api: httpx.Client) -> Any:
    return api.get("users/scientist").json()["servers"].get("", {}).get("ready")


def open_lab(person: Person, profile: str = "scikit-learn") -> Page:
    """Start a server and open JupyterLab with the panel."""
    page = person.page
    page.goto(f"{person.platform.url}/hub/spawn/scientist?profile={profile}")
    page.wait_for_url(re.compile("/user/scientist/lab"), timeout=PATIENCE)
    open_panel(page)
    return page


def open_panel(page: Page) -> None:
    """Open the panel if JupyterLab did not: a second click would close it."""
    expect(page.get_by_role("tab", name="Launcher")).to_be_visible(timeout=PATIENCE)
    tab = page.get_by_role("tab", name="Baton")
    if tab.get_attribute("aria-selected") != "true":
        tab.click()


def panel(page: Page) -> Locator:
    return page.locator(".jp-Baton").first


def warning(page: Page) -> Locator:
    return panel(page).get_by_text("unless you use it")


def toast(page: Page) -> Locator:
    return page.locator(".Toastify__toast", has_text="unless you use it")


def test_the_panel_says_what_runs_and_what_is_left(scientist: Person, album: Album) -> None:
    """One line folded; unfolded the size, the limits with their scope, and the idle stop."""
    page = open_lab(scientist)
    fold = panel(page).get_by_role("button", name=re.compile("^Server"))
    expect(fold).to_contain_text("Scikit-learn · 1 CPU · 2 GB")
    fold.click()
    for text in (
        "1 of 2 CPUs",
        "shared in data-science",
        "2 of 3 servers",
        "of 40 CPU hours this month",
        "Stops after 30 seconds without use",
    ):
        expect(panel(page)).to_contain_text(text)
    album.take(page, "panel-server")


def test_a_retiring_profile_is_told_once_a_start(scientist: Person) -> None:
    """In the panel as long as the server runs, and once as a notification."""
    page = open_lab(scientist, "python")
    expect(panel(page)).to_contain_text("This profile is being retired.")
    expect(panel(page)).to_contain_text("Please move to Scikit-learn.")
    told = page.locator(".Toastify__toast", has_text="being retired")
    expect(told).to_have_count(1)
    page.reload()
    open_panel(page)
    expect(panel(page)).to_contain_text("This profile is being retired.")
    expect(told).to_have_count(0)


def test_an_idle_server_warns_is_kept_by_one_button_and_stops_when_nobody_does(
    scientist: Person, hasty: Platform, album: Album
) -> None:
    """An open page that only refreshes itself is no use; the button is."""
    page = open_lab(scientist)
    expect(warning(page)).to_be_visible(timeout=LIMIT * 1000)
    expect(toast(page)).to_be_visible()
    album.take(page, "panel-idle-warning")
    panel(page).get_by_role("button", name="Keep it running").click()
    kept = time.monotonic()
    expect(warning(page)).to_have_count(0)
    expect(toast(page)).to_have_count(0)
    with hasty.api("scientist") as api:
        expect(warning(page)).to_be_visible(timeout=LIMIT * 1000)
        assert running(api)
        wait_for(lambda: not running(api), "the stop", LIMIT + 30)
    # Not before its time, counted from the button.
    assert time.monotonic() - kept >= LIMIT - 1
    wait_for(lambda: hasty.audit()[-1]["event"] == "stop", "the stop's record")
    assert hasty.audit()[-1]["code"] == "culled"


def test_a_server_whose_kernel_computes_in_silence_is_neither_warned_of_nor_stopped(
    scientist: Person, hasty: Platform
) -> None:
    """Also with the page closed: nothing but the kernel's own state tells that it works."""
    page = open_lab(scientist)
    page.locator(".jp-LauncherCard[data-category=Console]").first.click()
    prompt = page.locator(".jp-CodeConsole-promptCell .cm-content")
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=PATIENCE)
    prompt.click()
    page.keyboard.type(BUSY)
    page.keyboard.press("Shift+Enter")
    with hasty.api("scientist") as api:
        kernels = f"{hasty.url}/user/scientist/api/kernels"
        wait_for(lambda: "busy" in api.get(kernels).text, "the start of the code")
        page.close()
        began = time.monotonic()
        while time.monotonic() - began < LIMIT + WARNING:
            assert running(api), "it was stopped while it computed"
            time.sleep(1)
