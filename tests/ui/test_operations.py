"""The operations page: an operator sees what runs, what was used, what was refused and why."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.hub.running import PROFILES, Platform, wait_for
from tests.ui.conftest import STARTING_SECONDS, WAIT, Album, Person

from baton_hub.amount import Amount
from baton_hub.audit import Audit
from baton_hub.booking import Booking
from baton_hub.catalog import load_catalog


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform that has been in use for a month, by its audit."""
    folder = tmp_path_factory.mktemp("operated")
    write_a_month(folder / "audit.jsonl")
    profiles = folder / "catalogue"
    profiles.mkdir()
    for file in PROFILES.iterdir():
        if file.is_file():
            (profiles / file.name).write_bytes(file.read_bytes())
    running = Platform(folder, profiles)
    try:
        running.news("Baton is ready", seconds=STARTING_SECONDS)
        yield running
    finally:
        running.stop()


def write_a_month(path: Path) -> None:
    """Record some servers a day for 30 days, as a Hub would have."""
    catalog, dice = load_catalog(PROFILES), random.Random(7)
    now = datetime.now(UTC)
    moment = now - timedelta(days=30)
    audit = Audit(path, clock=lambda: moment)
    people = {
        "scikit-learn": ("scientist", "data-science"),
        "pytorch-gpu": ("operator", "deep-learning"),
    }
    for day in range(30):
        for profile, (user, group) in people.items():
            if dice.random() < (0.8 if profile == "scikit-learn" else 0.4):
                offered = catalog.profiles[profile]
                size = dice.choice(list(offered.sizes))
                given = offered.sizes[size]
                moment = now - timedelta(days=30 - day, hours=1)
                booking = Booking(
                    id=f"{day}-{profile}",
                    user=user,
                    server="",
                    groups=frozenset({group}),
                    profile=profile,
                    size=size,
                    image=offered.image.pinned,
                    digest=offered.image.digest,
                    revision=catalog.revision,
                    amount=Amount(1, given.cpu, given.memory, given.gpus),
                    since=moment,
                    started=moment,
                )
                audit.record("spawn", decision="allowed", code="ok", **booking.state())
                audit.record("start", **booking.state())
                moment += timedelta(hours=dice.uniform(1, 9))
                audit.record("stop", code="stopped", **booking.state())
    audit.close()


@pytest.fixture
def operator(chromium: Browser, platform: Platform) -> Iterator[Person]:
    context = chromium.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(WAIT)
    yield Person("operator", context, platform)
    context.close()


def open_page(page: Page, platform: Platform) -> None:
    page.goto(f"{platform.url}/hub/home")
    page.get_by_role("link", name="Operations").click()
    page.wait_for_url("**/hub/baton/operations")


def test_the_page_shows_what_runs_what_was_used_and_what_was_refused(
    operator: Person, platform: Platform, album: Album
) -> None:
    with platform.api("scientist") as scientist:
        started = scientist.post(
            "users/scientist/server", json={"user_options": {"profile": "scikit-learn"}}
        )
        assert started.status_code < 300, started.text
        refused = scientist.post(
            "users/scientist/servers/second", json={"user_options": {"profile": "pytorch-gpu"}}
        )
        assert refused.status_code == 403
        wait_for(
            lambda: scientist.get("users/scientist").json()["servers"].get("", {}).get("ready"),
            "the server",
        )
    operator.sign_in()
    page = operator.page
    open_page(page, platform)
    servers = page.locator('[data-baton="servers"] tbody tr')
    expect(servers).to_have_count(1)
    expect(servers).to_contain_text("scientist")
    expect(servers).to_contain_text("Scikit-learn")
    expect(servers).to_contain_text("1 CPU")
    charts = page.locator('[data-baton="use"] figure')
    expect(charts).to_have_count(2)
    assert charts.nth(0).locator("rect").count() > 15
    expect(charts.nth(1)).to_contain_text("GPU hours")
    expect(page.locator('[data-baton="refusals"] tbody tr').first).to_contain_text(
        "profile_not_offered"
    )
    catalogue = page.locator('[data-baton="catalogue"]')
    expect(catalogue).to_contain_text("PyTorch on a GPU")
    expect(catalogue).to_contain_text("Approved by Data platform")
    expect(page.locator('[data-baton="limits"]')).to_contain_text("deep-learning")
    expect(page.locator('[data-baton="faults"]')).to_have_count(0)
    page.mouse.move(0, 0)
    album.take(page, "operations", full=True)
    page.get_by_role("button", name="Toggle dark mode").click()
    album.take(page, "operations-dark", full=True, shown=False)
    page.set_viewport_size({"width": 420, "height": 800})
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, "the page is wider than a narrow window"
    album.take(page, "operations-narrow", full=True, shown=False)


def test_a_broken_edit_is_shown_with_its_place_and_the_last_good_one_serves(
    operator: Person, platform: Platform
) -> None:
    operator.sign_in()
    page = operator.page
    broken = platform.profiles / "python.yaml"
    good = broken.read_text()
    broken.write_text(good.replace("title:", "titel:"))
    try:
        open_page(page, platform)

        def is_told() -> bool:
            page.reload()
            return page.locator('[data-baton="faults"]').count() == 1

        wait_for(is_told, "the fault on the page", 10)
        expect(page.locator('[data-baton="faults"]')).to_contain_text(
            re.compile("python.yaml:\\d+")
        )
        expect(page.locator('[data-baton="catalogue"]')).to_contain_text("Plain Python")
    finally:
        broken.write_text(good)


@pytest.mark.parametrize("name", ["scientist", "developer"])
def test_nobody_else_may_open_it(platform: Platform, name: str) -> None:
    with platform.sign_in(name) as browser:
        assert "Operations" not in browser.get("/hub/home").text
        assert browser.get("/hub/baton/operations").status_code == 403
    with platform.api(name) as program:
        # A page is for browsers: a token alone is sent to sign in.
        answer = program.get(f"{platform.url}/hub/baton/operations")
        assert (answer.status_code, "/hub/login" in answer.headers["location"]) == (302, True)


def test_who_is_not_signed_in_is_sent_to_sign_in(operator: Person, platform: Platform) -> None:
    operator.page.goto(f"{platform.url}/hub/baton/operations")
    operator.page.wait_for_url("**/hub/login**")
