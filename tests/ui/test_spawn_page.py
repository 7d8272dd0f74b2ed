"""The spawn page in a real browser: quick to choose on, and never a dead end."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from tests.hub.running import PROFILES, Platform, asking, wait_for, xsrf
from tests.ui.conftest import Album

QUOTAS = """
each_user: {servers: 2, cpu: 6, memory: 16G, budget: {period: month, cpu_hours: 600}}
groups: {data-science: {cpu: 12}}
"""
LONG = "For text, images and sound, with what the department agreed on in spring. "
TITLES = ("Audio", "Geodata", "Graphs", "Images", "Statistics", "Text and language", "Time series")
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example catalogue, and as many profiles again: one of each kind that is hard to show."""
    folder = tmp_path_factory.mktemp("catalogue") / "profiles"
    shutil.copytree(PROFILES, folder)
    (folder / "quotas.yaml").write_text(QUOTAS)
    huge = {"small": {"cpu": 64, "memory": "512G"}, "large": {"cpu": 96, "memory": "768G"}}
    for number, title in enumerate(TITLES):
        name = title.lower().replace(" ", "-")
        more = {"description": LONG * number or "Short."}
        (folder / f"{name}.yaml").write_text(profile(folder, name, title, **more))
    (folder / "huge.yaml").write_text(
        profile(folder, "huge", "A whole machine", sizes=huge, software={"GDAL": "3.12"})
    )
    return folder


def profile(folder: Path, name: str, title: str, **changes: object) -> str:
    """Return the text of one more profile of a catalogue."""
    # As written: of all loaders only this one leaves an approval's key "on" the word that it is.
    like = yaml.load((folder / "scikit-learn.yaml").read_text(), yaml.BaseLoader)
    fields = {
        "name": name,
        "title": title,
        "description": "Classical machine learning on tables.",
        "owner": "Data platform",
        "image": like["image"],
        "evidence": like["evidence"],
        "access": {"groups": ["data-science"]},
        "sizes": {"small": {"title": "Small", "cpu": 1, "memory": "1G"}},
    }
    return yaml.safe_dump(fields | changes)


@pytest.fixture(scope="module")
def governed(tmp_path_factory: pytest.TempPathFactory, catalogue: Path) -> Iterator[Platform]:
    """A platform with that catalogue, which tests may edit."""
    platform = Platform(tmp_path_factory.mktemp("governed"), catalogue)
    try:
        platform.news("Baton is ready", seconds=120)
        yield platform
    finally:
        platform.stop()


@pytest.fixture
def open_page(chromium: Browser, governed: Platform) -> Iterator[Open]:
    """Open the spawn page of somebody who is signed in, in a browser as described."""
    contexts: list[BrowserContext] = []

    def opening(name: str = "scientist", width: int = 1100, **browser: object) -> Page:
        size = {"width": width, "height": 900}
        context = chromium.new_context(viewport=size, **browser)  # type: ignore[arg-type]
        context.set_default_timeout(30_000)
        contexts.append(context)
        with governed.sign_in(name) as client:
            for cookie in client.cookies.jar:
                context.add_cookies(
                    [
                        {
                            "name": cookie.name,
                            "value": cookie.value or "",
                            "domain": "127.0.0.1",
                            "path": cookie.path,
                        }
                    ]
                )
        page = context.new_page()
        page.goto(f"{governed.url}/hub/spawn")
        return page

    yield opening
    for context in contexts:
        context.close()


def card(page: Page, profile: str) -> Locator:
    return page.locator(f'[data-profile="{profile}"]')


def choose(page: Page, profile: str) -> Locator:
    """Choose a profile; return its card."""
    card(page, profile).locator(f'input[name="profile"][value="{profile}"]').check()
    return card(page, profile)


def show(shown: Locator) -> None:
    """Bring a card to the top of the window, at once."""
    shown.evaluate("card => card.scrollIntoView({ behavior: 'instant' })")


def remember(governed: Platform, choice: dict[str, object]) -> None:
    """Leave a choice as the one of last time, by asking for what can't be started."""
    with governed.api("scientist") as client:
        client.post("users/scientist/server", json=asking(choice))


def test_one_is_proposed_and_only_what_belongs_to_the_chosen_one_is_shown(
    open_page: Open, album: Album
) -> None:
    page = open_page()
    expect(page.locator("[data-profile]")).to_have_count(12)
    first = page.locator("[data-profile]").first
    expect(first.locator('input[name="profile"]')).to_be_checked()
    spark = choose(page, "pyspark")
    expect(spark.get_by_label("Memory for Spark")).to_be_visible()
    expect(spark.get_by_label("Weather records")).to_be_visible()
    expect(first.get_by_role("group", name="Size")).to_be_hidden()
    expect(page.locator('[data-baton="summary"]')).to_have_text(
        "Spark (PySpark), Small: 2 CPUs · 4 GB"
    )
    spark.get_by_text("Large", exact=True).click()
    expect(page.locator('[data-baton="summary"]')).to_contain_text("Large: 4 CPUs · 8 GB")
    show(spark)
    album.take(page, "spawn-choices")


def test_what_is_left_is_told_before_one_asks(open_page: Open, album: Album) -> None:
    page = open_page()
    left = page.locator('[data-baton="left"]')
    expect(left).to_have_text(
        "You may still start: 2 servers · 6 CPUs · 16 GB memory · 600 CPU hours this month"
    )
    left.click()
    expect(page.get_by_role("row", name="Group data-science")).to_contain_text("12 CPUs")
    expect(card(page, "huge").locator('input[name="profile"]')).to_be_disabled()
    expect(card(page, "huge")).to_contain_text("You may use 16 GB memory at once.")
    album.take(page, "spawn-left")


def test_the_keyboard_alone_is_enough(open_page: Open, governed: Platform) -> None:
    """Arrows go through profiles, and through sizes; each stop is seen; Enter starts."""
    page = open_page()
    page.locator('input[name="profile"]:checked').focus()
    for _ in range(40):
        if card(page, "pyspark").locator('input[name="profile"]').is_checked():
            break
        page.keyboard.press("ArrowDown")
    head = card(page, "pyspark").locator(".baton-head")
    assert head.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    expect(card(page, "pyspark").locator('input[value="large"]')).to_be_checked()
    page.keyboard.press("Tab")
    expect(card(page, "pyspark").get_by_label("Memory for Spark")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(card(page, "pyspark").get_by_label("Weather records")).to_be_checked()
    page.get_by_role("button", name="Start", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("spawn-pending|/user/scientist"))
    started = wait_for(lambda: allowed(governed), "the record of the start")
    assert (started["profile"], started["size"]) == ("pyspark", "large")
    assert started["connections"] == ["weather"]
    stop(governed)


def offered(page: Page) -> Locator:
    """Return the profiles that are in sight."""
    return page.locator("[data-profile]:visible")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("GÉO", ["geodata"]),
        ("and LANG", ["text-and-language"]),
        ("plain", ["python"]),
        ("gdal", ["huge"]),
        ("data plat audio", ["audio"]),
    ],
    ids=["accents", "words", "title", "software", "owner"],
)
def test_typing_leaves_what_matches_and_what_is_chosen(
    open_page: Open, text: str, found: list[str]
) -> None:
    page = open_page()
    choose(page, "images")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.get_by_label("Find a profile").fill(text)
    for name in found:
        expect(card(page, name)).to_be_visible()
    expect(card(page, "images")).to_be_visible()
    expect(card(page, "images").locator('input[name="profile"]')).to_be_checked()
    expect(offered(page)).to_have_count(len({*found, "images"}))
    expect(page.locator('[data-baton="matches"]')).to_have_text(f"{len(found)} of 12")
    assert not requests


def test_enter_chooses_the_first_match_that_fits_and_escape_shows_all(
    open_page: Open, album: Album
) -> None:
    page = open_page()
    choose(page, "images")
    field = page.get_by_label("Find a profile")
    field.press("Enter")
    expect(card(page, "images").locator('input[name="profile"]')).to_be_checked()
    field.fill("spark")
    album.take(page, "spawn-find", shown=False)
    field.press("Enter")
    first = offered(page).first.locator('input[name="profile"]')
    expect(first).to_be_checked()
    expect(page.locator('[data-baton="summary"]')).to_contain_text("Spark")
    expect(card(page, "images")).to_be_hidden()
    field.fill("whole machine")
    field.press("Enter")
    expect(first).to_be_checked()
    expect(card(page, "huge")).to_be_visible()
    field.press("Escape")
    expect(field).to_have_value("")
    expect(offered(page)).to_have_count(12)
    expect(page.locator('[data-baton="matches"]')).to_have_text("")
    assert page.url.endswith("/hub/spawn")


def test_arrows_go_through_what_matches_only(open_page: Open) -> None:
    page = open_page()
    choose(page, "images")
    page.get_by_label("Find a profile").fill("spark")
    page.keyboard.press("Tab")
    expect(card(page, "images").locator('input[name="profile"]')).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(offered(page)).to_have_count(2)
    expect(page.locator('input[name="profile"]:checked')).to_have_value(re.compile("pyspark"))


def test_what_is_chosen_outside_of_the_search_comes_into_sight(open_page: Open) -> None:
    page = open_page()
    old = choose(page, "pyspark-2025")
    page.get_by_label("Find a profile").fill("2025")
    expect(card(page, "pyspark")).to_be_hidden()
    old.get_by_role("button", name="Choose Spark (PySpark)").click()
    expect(card(page, "pyspark")).to_be_visible()
    expect(card(page, "pyspark").locator('input[name="profile"]')).to_be_focused()


def test_where_nothing_matches_one_click_shows_all_again(open_page: Open, album: Album) -> None:
    page = open_page()
    field = page.get_by_label("Find a profile")
    field.fill("<b>no such</b>")
    expect(page.get_by_text("No profile matches.")).to_be_visible()
    expect(offered(page)).to_have_count(1)
    field.press("Enter")
    album.take(page, "spawn-find-nothing", shown=False)
    page.get_by_role("button", name="Clear the search.").click()
    expect(field).to_be_focused()
    expect(offered(page)).to_have_count(12)
    expect(page.get_by_role("button", name="Clear the search.")).to_be_hidden()


def allowed(governed: Platform) -> dict[str, object] | None:
    spawns = [event for event in governed.audit() if event["event"] == "spawn"]
    return next((event for event in reversed(spawns) if event["decision"] == "allowed"), None)


def stop(governed: Platform) -> None:
    """Stop the scientist's server, as soon as it can be stopped."""
    with governed.api("scientist") as client:

        def is_ready() -> bool:
            servers = client.get("users/scientist").json()["servers"]
            return bool(servers.get("", {}).get("ready"))

        wait_for(is_ready, "the server", 120)
        assert client.delete("users/scientist/server").status_code < 300
        wait_for(lambda: not client.get("users/scientist").json()["servers"], "the stop")


def test_a_refusal_keeps_what_was_chosen(
    open_page: Open, governed: Platform, catalogue: Path, album: Album
) -> None:
    """The catalogue changed after the page was opened: the page says so, and proposes what fits."""
    page = open_page()
    spark = choose(page, "pyspark")
    spark.get_by_text("Large", exact=True).click()
    spark.get_by_label("Memory for Spark").select_option("2g")
    spark.get_by_label("Weather records").check()
    governed.edit(catalogue / "quotas.yaml", "each_user: {servers: 2, cpu: 2}\n")
    page.get_by_role("button", name="Start", exact=True).click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Not started. Spark (PySpark) (large) does not fit")
    expect(page.locator("[data-profile]").first).to_have_attribute("data-profile", "pyspark")
    expect(card(page, "pyspark").locator('input[value="large"]')).to_be_disabled()
    expect(card(page, "pyspark").locator('input[value="small"]')).to_be_checked()
    spark = card(page, "pyspark")
    expect(spark.get_by_label("Memory for Spark")).to_have_value("2g")
    expect(spark.get_by_label("Weather records")).to_be_checked()
    album.take(page, "spawn-refused")
    governed.edit(catalogue / "quotas.yaml", QUOTAS)


def test_one_click_leaves_a_profile_that_is_being_retired(open_page: Open, album: Album) -> None:
    page = open_page()
    old = choose(page, "pyspark-2025")
    expect(old.locator('[data-baton="deprecated"]')).to_contain_text(
        "Please move to Spark (PySpark)."
    )
    show(old)
    album.take(page, "spawn-retired")
    old.get_by_role("button", name="Choose Spark (PySpark)").click()
    expect(card(page, "pyspark").locator('input[value="pyspark"]')).to_be_checked()
    expect(card(page, "pyspark").locator('input[value="pyspark"]')).to_be_focused()


def test_who_used_a_blocked_profile_finds_its_replacement_chosen(
    open_page: Open, governed: Platform, catalogue: Path, album: Album
) -> None:
    life = {"blocked": "2026-01-01", "replaced_by": "pyspark", "message": "Spark 3 has ended."}
    old = catalogue / "pyspark-2024.yaml"
    governed.edit(old, profile(catalogue, "pyspark-2024", "Spark of 2024", lifecycle=life))
    remember(governed, {"profile": "pyspark-2024", "size": "small"})
    # The first page after a refusal is about the refusal; this is a visit on another day.
    open_page()
    page = open_page()
    lost = page.locator('[data-baton="lost"]')
    expect(lost).to_contain_text("Spark of 2024 is no longer offered since 2026-01-01.")
    expect(lost).to_contain_text("Use Spark (PySpark) instead. It is chosen below.")
    expect(card(page, "pyspark-2024")).to_have_count(0)
    expect(card(page, "pyspark").locator('input[value="pyspark"]')).to_be_checked()
    album.take(page, "spawn-blocked")
    governed.edit(old, None)


def test_who_is_offered_nothing_reads_whom_to_ask(
    open_page: Open, governed: Platform, catalogue: Path, album: Album
) -> None:
    python = catalogue / "python.yaml"
    kept = python.read_text()
    governed.edit(python, kept.replace("everybody: true", "groups: [data-science]"))
    page = open_page("developer")
    expect(page.get_by_role("heading", name="Nothing is offered to you yet")).to_be_visible()
    expect(page.get_by_text("app-developers")).to_be_visible()
    expect(page.get_by_role("button", name="Start", exact=True)).to_have_count(0)
    album.take(page, "spawn-nothing", shown=False)
    governed.edit(python, kept)


def test_when_nothing_fits_the_page_leads_to_the_servers(
    open_page: Open, governed: Platform, catalogue: Path, album: Album
) -> None:
    governed.edit(catalogue / "quotas.yaml", "each_user: {servers: 0}\n")
    page = open_page()
    expect(page.locator('[data-baton="nothing-fits"]')).to_contain_text(
        "You may use 0 servers at once."
    )
    expect(page.get_by_role("link", name="See your servers")).to_have_attribute("href", "/hub/home")
    expect(page.get_by_role("button", name="Start", exact=True)).to_have_count(0)
    governed.edit(catalogue / "quotas.yaml", QUOTAS)


@pytest.mark.parametrize("width", [400, 1100])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_read_on_a_phone_and_in_the_dark(
    open_page: Open, album: Album, width: int, scheme: str
) -> None:
    page = open_page(width=width, color_scheme=scheme)
    choose(page, "pyspark")
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    show(card(page, "pyspark"))
    album.take(page, f"spawn-{scheme}-{width}", shown=False)


def test_without_scripts_the_same_is_sent(open_page: Open, governed: Platform) -> None:
    page = open_page(java_script_enabled=False)
    expect(page.locator("#find-profile")).to_be_hidden()
    expect(offered(page)).to_have_count(12)
    spark = choose(page, "pyspark")
    spark.get_by_label("Memory for Spark").select_option("2g")
    spark.get_by_label("Weather records").check()
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile("spawn-pending|/user/scientist"))
    started = wait_for(lambda: allowed(governed), "the record of the start")
    assert (started["profile"], started["connections"]) == ("pyspark", ["weather"])
    stop(governed)


def test_the_pages_text_is_what_the_hub_sends_to_programs(governed: Platform) -> None:
    """The sentence of a refusal is one and the same on the page and in the API."""
    with governed.sign_in("scientist") as browser:
        address = f"/hub/spawn/scientist?_xsrf={xsrf(browser)}"
        page = browser.post(address, data={"profile": "pytorch-gpu"})
    with governed.api("scientist") as client:
        wanted = asking({"profile": "pytorch-gpu"})
        answer: httpx.Response = client.post("users/scientist/server", json=wanted)
    assert answer.json()["message"].replace("'", "&#39;") in page.text
