"""The five journeys, as people do them: two people, two browsers, the real platform."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import httpx
from playwright.sync_api import Locator, Page, expect
from standardwebhooks import Webhook
from tests.hub.running import BATON, Platform
from tests.ui.conftest import STARTING_SECONDS, Album, Person, Receiver

TEAM = "app-developers"
NOTE = "Ready for staging. It replaces nothing yet."
QUESTION = "Which unit has mean radius?"
ANSWER = "Pixels of the digitised image, as in the original study."
KERNEL = 120_000
"""Milliseconds for what waits on a kernel or on a model that is loaded by a new process."""


def test_model_goes_from_the_notebook_to_the_team_and_the_answer_comes_back(
    people: dict[str, Person],
    platform: Platform,
    receiver: Receiver,
    album: Album,
    tmp_path: Path,
) -> None:
    scientist, developer = people["scientist"], people["developer"]
    start_server(scientist, album)
    refuse_other_profile(scientist, platform)
    developer.sign_in()
    secret, token = set_up_team(developer, receiver)

    platform.news("MLflow is up", seconds=STARTING_SECONDS)
    run_example(scientist.page)
    see_runs_arrive(scientist.page)
    log_notebook(scientist.page, album)
    register_model(scientist.page)

    open_inbox(developer)
    hand_over(scientist.page, album)
    open_handoff(developer, album)
    check_webhook(receiver, secret)
    handoff = read_handoff(developer, album)
    ask_and_accept(developer)

    hear_back(scientist.page)
    answer(scientist.page)
    expect(developer.page.get_by_label("Thread")).to_contain_text(ANSWER)

    ship(platform, handoff, token, tmp_path)
    expect(developer.page.locator("#deployments")).to_contain_text("staging")
    expect(panel(scientist.page)).to_contain_text("staging")
    album.take(scientist.page, "panel-handoff")


def start_server(scientist: Person, album: Album) -> None:
    """The spawn page offers what the scientist's groups allow, and starts JupyterLab."""
    scientist.sign_in()
    page = scientist.page
    page.goto(f"{scientist.platform.url}/hub/spawn")
    profiles = page.locator("[data-profile]")
    expect(profiles.first).to_be_visible()
    expect(page.get_by_text("scikit-learn").first).to_be_visible()
    expect(page.locator('[data-profile="pytorch-gpu"]')).to_have_count(0)
    album.take(page, "spawn", full=True)
    page.locator('[data-profile="scikit-learn"] input[type=radio]').first.check()
    page.get_by_role("button", name="Start").click()
    page.wait_for_url(re.compile("/user/scientist/lab"), timeout=KERNEL)
    expect(page.get_by_role("tab", name="Baton")).to_be_visible(timeout=KERNEL)


def refuse_other_profile(scientist: Person, platform: Platform) -> None:
    """A profile of another group can't be started over the REST API, by its owner or at all."""
    cookies = {cookie["name"]: cookie["value"] for cookie in scientist.context.cookies()}
    with httpx.Client(base_url=platform.url, cookies=cookies) as client:
        token = client.post(
            "/hub/api/users/scientist/tokens",
            json={"note": "journey"},
            headers={"X-XSRFToken": cookies["_xsrf"], "Referer": f"{platform.url}/hub/token"},
        )
        assert token.status_code == 201, token.text
        refused = client.post(
            "/hub/api/users/scientist/servers/second",
            json={"profile": "pytorch-gpu", "size": "small"},
            headers={"Authorization": f"token {token.json()['token']}"},
        )
    assert 400 <= refused.status_code < 500, refused.text


def set_up_team(developer: Person, receiver: Receiver) -> tuple[str, str]:
    """The developer's team gets a webhook and a pipeline token; returns secret and token."""
    page = developer.page
    page.goto(f"{developer.platform.url}/services/desk/teams/{TEAM}")
    page.get_by_label("Webhook address").fill(receiver.url)
    page.get_by_role("button", name="Add channel").click()
    secret = page.get_by_text(re.compile("^whsec_")).inner_text()
    page.get_by_label("Name of the pipeline").fill("ci")
    page.get_by_role("button", name="Make token").click()
    token = page.get_by_text(re.compile("^baton_")).inner_text()
    return secret, token


def panel(page: Page) -> Locator:
    """The Baton panel in the sidebar."""
    return page.locator(".jp-Baton").first


def run_example(page: Page) -> None:
    """The empty panel leads to the example notebook; all its cells run without an error."""
    page.get_by_role("tab", name="Baton").click()
    page.get_by_role("button", name="Open the example notebook").click()
    expect(page.get_by_role("tab", name=re.compile("breast-cancer"))).to_be_visible()
    expect(page.locator(".jp-NotebookPanel .jp-Cell").first).to_be_visible()
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=KERNEL)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def see_runs_arrive(page: Page) -> None:
    """Runs show in the panel while the notebook works, newest first, until all have finished."""
    runs = panel(page).get_by_role("list", name="Runs").get_by_role("listitem")
    expect(runs).to_have_count(3, timeout=KERNEL)
    expect(runs.filter(has_text="Finished")).to_have_count(3, timeout=KERNEL)
    expect(runs.filter(has_text="scientist")).to_have_count(3)
    expect(runs.filter(has_text="1 model")).to_have_count(1, timeout=KERNEL)


def log_notebook(page: Page, album: Album) -> None:
    """A run shows what it logged; the open notebook is kept with it by one button."""
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=KERNEL)
    runs = panel(page).get_by_role("list", name="Runs").get_by_role("button")
    runs.filter(has_text="1 model").click()
    for text in ("Metrics", "test_roc_auc", "Parameters", "Artifacts", "confusion-matrix.png"):
        expect(panel(page).get_by_text(text, exact=True)).to_be_visible()
    expect(panel(page).get_by_role("button", name="Register model")).to_be_visible(timeout=KERNEL)
    page.locator(".jp-NotebookPanel .jp-Cell").first.scroll_into_view_if_needed()
    album.take(page, "panel")
    panel(page).get_by_role("button", name="Log this notebook").click()
    expect(page.get_by_text("is now kept with the run")).to_be_visible()


def register_model(page: Page) -> None:
    """The run's model becomes version 1 of a registered model."""
    panel(page).get_by_role("button", name="Register model").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Name")).to_have_value(re.compile("."))
    dialog.get_by_role("button", name="Register").click()
    expect(dialog).to_be_hidden()


def hand_over(page: Page, album: Album) -> None:
    """A team is chosen, a note written, and the version handed over."""
    panel(page).get_by_role("tab", name="Models").click()
    panel(page).get_by_role("button", name="Hand over breast-cancer version 1").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Hand over", exact=True).click()
    expect(dialog.get_by_text("Choose who gets it.")).to_be_visible()
    dialog.get_by_label("Team").select_option(TEAM)
    dialog.get_by_label("Note").fill(NOTE)
    album.take(page, "hand-over")
    dialog.get_by_role("button", name="Hand over", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(panel(page).get_by_text("Offered")).to_be_visible(timeout=KERNEL)


def open_inbox(developer: Person) -> None:
    """The developer looks at an inbox with nothing in it."""
    developer.page.goto(f"{developer.platform.url}/services/desk/")
    expect(developer.page.get_by_role("heading", name="Handoffs")).to_be_visible()
    expect(developer.page.get_by_role("link", name="breast-cancer version 1")).to_have_count(0)


def open_handoff(developer: Person, album: Album) -> None:
    """The handoff is in the open inbox without a reload."""
    row = developer.page.get_by_role("link", name="breast-cancer version 1")
    expect(row).to_be_visible(timeout=2_000)
    album.take(developer.page, "inbox")
    row.click()


def check_webhook(receiver: Receiver, secret: str) -> None:
    """The team's webhook has the offer, signed as Standard Webhooks say, and nothing else."""
    assert receiver.arrived.wait(5)
    (headers, body), *more = receiver.received
    assert not more
    Webhook(secret).verify(body.decode(), headers)
    event = json.loads(body)
    assert headers["content-type"].startswith("application/cloudevents+json")
    assert event["type"] == "baton.handoff.offered"
    assert event["data"]["model"] == "breast-cancer"
    assert event["data"]["text"] == NOTE


def read_handoff(developer: Person, album: Album) -> str:
    """What it takes and returns, the checks and the notebook are there; returns the id."""
    page = developer.page
    expect(page.get_by_role("heading", name=re.compile("breast-cancer"))).to_be_visible()
    expect(page.get_by_text(NOTE)).to_be_visible()
    expect(page.locator("#takes")).to_contain_text("mean radius")
    expect(page.locator("#checks").get_by_text("Passed")).to_have_count(3)
    expect(page.locator("#origin")).to_contain_text("cells ran in order")
    album.take(page, "handoff-light", full=True)
    page.emulate_media(color_scheme="dark")
    page.reload()
    album.take(page, "handoff-dark", full=True)
    page.emulate_media(color_scheme="light")
    page.reload()
    page.get_by_role("link", name=re.compile(r"breast-cancer\.ipynb")).click()
    notebook = page.frame_locator("iframe")
    expect(notebook.get_by_text("import mlflow").first).to_be_visible()
    page.go_back()
    return page.url.rstrip("/").rpartition("/")[2]


def ask_and_accept(developer: Person) -> None:
    """The developer asks, then accepts."""
    page = developer.page
    page.get_by_label("Ask or say something").fill(QUESTION)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_label("Thread")).to_contain_text(QUESTION)
    page.get_by_role("button", name="Accept").click()
    expect(page.locator("#state")).to_contain_text("Accepted")
    expect(page.get_by_role("button", name="Accept")).to_have_count(0)


def hear_back(page: Page) -> None:
    """Question and acceptance are told by JupyterLab, and stand in the panel."""
    expect(page.get_by_text(QUESTION).first).to_be_visible()
    accepted = re.compile(r"developer accepted .* for app-developers")
    expect(page.get_by_text(accepted).first).to_be_visible()
    panel(page).get_by_role("tab", name="Handoffs").click()
    panel(page).get_by_role("list", name="Handoffs").get_by_role("button").first.click()
    expect(panel(page)).to_contain_text(QUESTION)
    expect(panel(page)).to_contain_text("Accepted")


def answer(page: Page) -> None:
    """The scientist answers in the panel."""
    panel(page).get_by_label("Reply").fill(ANSWER)
    panel(page).get_by_role("button", name="Send").click()
    expect(panel(page)).to_contain_text(ANSWER)


def ship(platform: Platform, handoff: str, token: str, folder: Path) -> None:
    """The pipeline pulls, verifies, predicts and reports, with the team's token alone."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "BATON_DESK_URL": f"{platform.url}/services/desk",
        "BATON_TOKEN": token,
    }

    def baton(*arguments: str) -> str:
        done = subprocess.run(
            [BATON, *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    baton("pull", handoff, "--to", "model")
    packet = json.loads((folder / "model/packet.json").read_text("utf-8"))
    assert (folder / "model" / packet["files"][0]["path"]).is_file()
    answers = [json.loads(line) for line in baton("predict", "model").splitlines()]
    assert answers == [example["expected"] for example in packet["examples"]]
    assert answers == [["benign", "benign", "malignant"]]
    baton("report", handoff, "--environment", "staging", "--status", "success")
