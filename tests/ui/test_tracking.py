"""A notebook's run in the panel: where it comes from, and what happens while MLflow is away.

A platform of its own, because its MLflow is ended and held.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tests.hub.running import BATON, PROFILES, Platform
from tests.ui.away import mlflow_away
from tests.ui.conftest import STARTING_SECONDS, WAIT, Album, Person

PATIENCE = 120_000
"""Milliseconds for what waits on a server or a kernel."""
CELLS = (
    "import mlflow\nmlflow.set_experiment('way back')",
    "with mlflow.start_run(run_name='traced'):\n"
    "    mlflow.log_param('C', 1)\n"
    "    mlflow.log_metric('accuracy', 0.98)",
)
LATER = (
    "with mlflow.start_run(run_name='kept'):\n"
    "    for step in range(100):\n"
    "        mlflow.log_metric('loss', 1 / (step + 1), step=step)\n"
    "print('logged', 'meanwhile')"
)
FIT = (
    "from sklearn.linear_model import LinearRegression\n"
    "LinearRegression().fit([[0], [1], [2]], [0, 1, 2])"
)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform whose MLflow is up, and a notebook in the scientist's home."""
    platform = Platform(tmp_path_factory.mktemp("tracking") / "lab", PROFILES)
    try:
        platform.news("Baton is ready", seconds=STARTING_SECONDS)
        platform.news("MLflow is up", seconds=STARTING_SECONDS)
        yield platform
    finally:
        platform.stop()


@pytest.fixture(scope="module")
def page(chromium: Browser, platform: Platform) -> Iterator[Page]:
    """The scientist in JupyterLab, with the notebook and the panel open."""
    context = chromium.new_context(viewport={"width": 1300, "height": 1000})
    context.set_default_timeout(WAIT)
    person = Person("scientist", context, platform)
    person.sign_in()
    home = platform.folder / "homes" / "scientist"
    person.page.goto(f"{platform.url}/hub/spawn/scientist?profile=scikit-learn")
    person.page.wait_for_url(re.compile("/user/scientist/lab"), timeout=PATIENCE)
    expect(person.page.get_by_role("tab", name="Launcher")).to_be_visible(timeout=PATIENCE)
    (home / "demos").mkdir(exist_ok=True)
    (home / "demos" / "way back.ipynb").write_text(json.dumps(notebook(CELLS)), "utf-8")
    person.page.goto(f"{platform.url}/user/scientist/lab/tree/demos/way back.ipynb")
    expect(idle(person.page)).to_be_visible(timeout=PATIENCE)
    tab = person.page.get_by_role("tab", name="Baton")
    if tab.get_attribute("aria-selected") != "true":
        tab.click()
    yield person.page
    context.close()


def notebook(sources: tuple[str, ...]) -> dict[str, Any]:
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "source": source,
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(sources)
    ]
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    metadata = {"kernelspec": kernel}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def idle(page: Page) -> Locator:
    return page.get_by_text("Python 3 (ipykernel) | Idle")


def panel(page: Page) -> Locator:
    return page.locator(".jp-Baton").first


def way_back(page: Page, kind: str) -> Locator:
    steps = panel(page).get_by_role("list", name="Where it comes from").get_by_role("listitem")
    return steps.filter(has=page.locator(".jp-Baton-stepKind", has_text=re.compile(f"^{kind}$")))


def runs(page: Page) -> Locator:
    return panel(page).get_by_role("list", name="Runs").get_by_role("button")


def test_a_run_of_a_notebook_shows_its_way_back(page: Page, album: Album) -> None:
    """Cell, notebook and packages, each with how it stands; the notebook opens as it was."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    expect(runs(page).filter(has_text="traced")).to_contain_text("Finished", timeout=PATIENCE)
    runs(page).filter(has_text="traced").click()
    expect(way_back(page, "Notebook")).to_contain_text("verified", timeout=PATIENCE)
    expect(way_back(page, "Notebook")).to_contain_text("demos/way back.ipynb")
    expect(way_back(page, "Cell")).to_contain_text("cell-1")
    expect(way_back(page, "Packages")).to_contain_text("verified", timeout=PATIENCE)
    # One machine has no images, and the notebook stands in no repository.
    expect(way_back(page, "Image")).to_contain_text("missing")
    expect(way_back(page, "Git commit")).to_contain_text("missing")
    way_back(page, "Notebook").scroll_into_view_if_needed()
    album.take(page, "panel-trace")
    way_back(page, "Notebook").get_by_role("button", name="Open it as it was").click()
    expect(
        page.get_by_role("tab", name=re.compile(r"^way back-[0-9a-f]{8}\.ipynb"))
    ).to_be_visible()
    way_back(page, "Notebook").get_by_role("button", name="demos/way back.ipynb").click()
    front = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    expect(front.locator(".jp-Notebook-cell").nth(1)).to_contain_text("mlflow.start_run")
    # It takes the focus when it is ready, perhaps from whoever has it by then.
    page.wait_for_function("document.activeElement?.closest('.jp-NotebookPanel')")


def test_the_way_back_is_reached_by_the_keyboard_alone(page: Page) -> None:
    """Its fold closes and opens, and its links take the focus."""
    fold = panel(page).get_by_role("button", name="Where it comes from")
    fold.focus()
    page.keyboard.press("Enter")
    expect(fold).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Space")
    expect(fold).to_have_attribute("aria-expanded", "true")
    expect(way_back(page, "Notebook")).to_be_visible()
    page.keyboard.press("Tab")
    expect(way_back(page, "Notebook").get_by_role("button").first).to_be_focused()


def test_mlflow_opens_at_the_run_signed_in(page: Page) -> None:
    with page.context.expect_page() as opened:
        panel(page).get_by_role("link", name="Open in MLflow").click()
    mlflow = opened.value
    expect(mlflow.get_by_text("traced").first).to_be_visible(timeout=PATIENCE)
    assert "/services/mlflow/#/experiments/" in mlflow.url
    mlflow.close()


def test_the_command_prints_the_same_in_the_persons_terminal(
    page: Page, platform: Platform
) -> None:
    """By its token alone, as a developer runs it."""
    run = re.search(r"/runs/(\w+)", panel_link(page))
    assert run
    with platform.api("scientist") as api:
        token = api.headers["Authorization"].removeprefix("Bearer ")
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": os.environ["HOME"],
        "BATON_MLFLOW_URL": f"{platform.url}/services/mlflow",
        "BATON_TOKEN": token,
    }
    done = subprocess.run(
        [BATON, "trace", "--run", run[1]], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^notebook  verified  demos/way back\.ipynb", done.stdout, re.MULTILINE)


def panel_link(page: Page) -> str:
    link = panel(page).get_by_role("link", name="Open in MLflow").get_attribute("href")
    assert link
    return link


def test_the_owner_closes_an_experiment_in_the_panel(
    page: Page, platform: Platform, album: Album
) -> None:
    """Others don't find it any more, and the panel says by word and icon that it is private."""
    panel(page).get_by_role("button", name="Back to the runs").click()
    panel(page).get_by_role("button", name="Choose who may see").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("radio", name="Everybody who is signed in")).to_be_checked()
    assert "way back" in experiments(platform, "developer")
    dialog.get_by_role("radio", name="Only me").check()
    album.take(page, "panel-access", shown=False)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(panel(page)).to_contain_text("Private: only you see it.")
    assert "way back" in experiments(platform, "scientist")
    assert "way back" not in experiments(platform, "developer")


def experiments(platform: Platform, name: str) -> list[str]:
    found = mlflow(platform, name, "POST", "experiments/search", {"max_results": 100})
    return [str(each["name"]) for each in found.get("experiments", [])]


def models(platform: Platform, name: str) -> list[str]:
    found = mlflow(platform, name, "GET", "registered-models/search", {})
    return [str(each["name"]) for each in found.get("registered_models", [])]


def mlflow(platform: Platform, name: str, method: str, route: str, body: Any) -> Any:
    """Return what MLflow answers to a program of somebody's."""
    with platform.api(name) as api:
        url = f"{platform.url}/services/mlflow/api/2.0/mlflow/{route}"
        answer = api.request(method, url, json=body)
    assert answer.is_success, answer.text
    return answer.json()


def test_the_owner_closes_a_model_by_the_keyboard_alone(
    page: Page, platform: Platform, album: Album
) -> None:
    """Escape changes nothing, Enter saves, and the focus comes back to the button."""
    mlflow(platform, "scientist", "POST", "registered-models/create", {"name": "tumours"})
    panel(page).get_by_role("tab", name="Runs").focus()
    page.keyboard.press("ArrowRight")
    expect(panel(page).get_by_role("tab", name="Models")).to_be_focused()
    way = panel(page).get_by_role("button", name="Choose who may see and change the model tumours")
    dialog = page.get_by_role("dialog")
    for key in ("Escape", "Enter"):
        way.focus()
        page.keyboard.press("Enter")
        expect(dialog.get_by_role("radio", name="Everybody who is signed in")).to_be_focused()
        page.keyboard.press("ArrowUp")
        expect(dialog.get_by_role("radio", name="Only me")).to_be_checked()
        album.take(page, "panel-access-model", shown=False)
        assert "tumours" in models(platform, "developer")
        page.keyboard.press(key)
        expect(dialog).to_be_hidden()
        expect(way).to_be_focused()
    expect(panel(page)).to_contain_text("Private: only you see it.")
    assert "tumours" in models(platform, "scientist")
    assert "tumours" not in models(platform, "developer")


def test_somebody_elses_model_shows_who_may_and_whom_to_ask(page: Page, platform: Platform) -> None:
    mlflow(platform, "developer", "POST", "registered-models/create", {"name": "churn"})
    panel(page).get_by_role("button", name="Refresh").click()
    way = panel(page).get_by_role("button", name="Show who may see and change the model churn")
    way.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("ask developer")
    expect(dialog.get_by_role("radio")).to_have_count(0)
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(way).to_be_focused()
    panel(page).get_by_role("tab", name="Runs").click()


def test_autologging_is_set_for_the_notebook_in_front_and_holds_at_once(
    page: Page, album: Album
) -> None:
    """A fit without a line of MLflow shows as a run; the notebook itself is not touched."""
    panel(page).get_by_role("button", name=re.compile("^Autologging")).click()
    panel(page).get_by_label("way back.ipynb").select_option("metrics and parameters")
    expect(panel(page).get_by_label("All my notebooks")).to_have_value("off")
    expect(panel(page).get_by_label("way back.ipynb")).to_have_value("metrics")
    album.take(page, "panel-autologging", shown=False)
    run_in_notebook(page, FIT)
    fitted = runs(page).filter(has_text="training_r2_score")
    expect(fitted).to_contain_text("Finished", timeout=PATIENCE)
    panel(page).get_by_role("button", name=re.compile("^Autologging")).click()
    expect(panel(page).get_by_role("button", name=re.compile("^Autologging"))).to_contain_text(
        "metrics and parameters"
    )


def test_what_is_logged_while_mlflow_is_away_is_kept_told_and_sent(
    page: Page, platform: Platform, album: Album
) -> None:
    with mlflow_away(platform):
        expect(panel(page)).to_contain_text(re.compile("MLflow (does not answer|is starting)"))
        run_in_notebook(page, LATER)
        expect(page.get_by_text("logged meanwhile")).to_be_visible(timeout=PATIENCE)
        kept = panel(page).get_by_text("1 run is kept on this machine and is sent when MLflow")
        expect(kept).to_be_visible(timeout=PATIENCE)
        album.take(page, "panel-unsent")
    expect(kept).to_have_count(0, timeout=PATIENCE)
    expect(runs(page).filter(has_text="kept")).to_contain_text("Finished", timeout=PATIENCE)
    runs(page).filter(has_text="kept").click()
    expect(way_back(page, "Notebook")).to_contain_text("verified", timeout=PATIENCE)


def run_in_notebook(page: Page, source: str) -> None:
    """Write a new cell below the last one and run it, as people do."""
    front = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    front.locator(".jp-Notebook-footer").click()
    front.locator(".jp-Notebook-cell .cm-content").last.click()
    page.keyboard.insert_text(source)
    page.keyboard.press("Shift+Enter")
