"""MLflow's own pages behind the Hub: signed in from its menu, and whole."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import ConsoleMessage, Page, Response, expect
from tests.hub.running import Platform
from tests.ui.conftest import STARTING_SECONDS, Album, Person

RECORD = """
import mlflow
from sklearn.linear_model import LinearRegression

mlflow.set_experiment("pages")
with mlflow.start_run(run_name="parent") as run:
    mlflow.log_params({"depth": 3})
    for step in range(5):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_text("words of an artifact", "notes.txt")
    mlflow.log_table({"word": ["one", "two"]}, "table.json")
    model = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    mlflow.sklearn.log_model(model, name="model", registered_model_name="line")
    with mlflow.start_run(run_name="child", nested=True):
        mlflow.log_metric("loss", 0.1)

@mlflow.trace(name="answered")
def answer(question):
    return "forty-two"

answer("what is it?")
mlflow.flush_trace_async_logging()
print(run.info.experiment_id, run.info.run_id)
"""


@dataclass
class Recorded:
    """What there is to look at."""

    experiment: str
    run: str


@pytest.fixture(scope="module")
def recorded(platform: Platform) -> Recorded:
    """Runs, artifacts, a model and a trace of the scientist's, by MLflow's own client."""
    platform.news("MLflow is up", seconds=STARTING_SECONDS)
    with platform.api("scientist") as api:
        token = api.headers["Authorization"].split()[1]
    environment = {
        **os.environ,
        "MLFLOW_TRACKING_URI": f"{platform.url}/services/mlflow",
        "MLFLOW_TRACKING_USERNAME": "scientist",
        "MLFLOW_TRACKING_PASSWORD": token,
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RECORD],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Recorded(*done.stdout.split()[-2:])


EXPECTED = (
    # Who is signed in is the Hub's to say; MLflow's pages go on without accounts of its own.
    re.compile(r"404 GET .*/users/current$"),
    # What acts with the server's own rights is off. On 127.0.0.1 the pages ask for it.
    re.compile(r"403 GET .*/assistant/"),
    # A browser's remark on a layout that took two passes.
    re.compile(r"ResizeObserver loop"),
    # The browser's own line for an answer that is listed here already.
    re.compile(r"console Failed to load resource"),
)
QUIET_MILLISECONDS = 400


@dataclass
class Faults:
    """What a browser tab met that it should not have."""

    origin: str
    found: list[str] = field(default_factory=list)
    pending: set[Any] = field(default_factory=set)

    def watch(self, page: Page) -> None:
        """Note every answer of 400 and above, every foreign address and every script's error."""
        page.on("request", self._begun)
        page.on("requestfinished", lambda request: self.pending.discard(request))
        page.on("response", self._response)
        page.on("requestfailed", self._failed)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.found.append(f"error {error}"))

    def settle(self, page: Page) -> None:
        """Wait until nothing has been asked for a moment."""
        for _ in range(50):
            page.wait_for_timeout(QUIET_MILLISECONDS)
            if not self.pending:
                return
        raise AssertionError(f"still asked for: {[each.url for each in self.pending]}")

    def _begun(self, request: Any) -> None:
        # Workers' scripts are never told to be finished.
        if not request.url.endswith(".worker.js"):
            self.pending.add(request)

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.found.append(f"{response.status} {response.request.method} {response.url}")
        parts = urlsplit(response.url)
        if parts.scheme in ("http", "https") and f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.found.append(f"foreign {response.url}")

    def _failed(self, request: Any) -> None:
        self.pending.discard(request)
        # A page that is left breaks off what it asked for.
        if request.failure != "net::ERR_ABORTED":
            self.found.append(f"failed {request.failure} {request.url}")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.found.append(f"console {message.text}")

    def unexpected(self) -> list[str]:
        """Return what no page is expected to meet."""
        return [each for each in self.found if not any(known.search(each) for known in EXPECTED)]


@pytest.fixture
def mlflow(people: dict[str, Person], platform: Platform) -> tuple[Page, Faults]:
    """MLflow in a tab of its own, opened from the Hub's menu by the scientist."""
    person = people["scientist"]
    person.sign_in()
    person.page.goto(f"{platform.url}/hub/home")
    person.page.get_by_role("button", name="Services").click()
    faults = Faults(platform.url)
    with person.context.expect_page() as opened:
        person.page.get_by_role("link", name="mlflow").click(modifiers=["ControlOrMeta"])
    page = opened.value
    faults.watch(page)
    faults.settle(page)
    return page, faults


PAGES = {
    "home": ("#/", None),
    "experiments": ("#/experiments", "pages"),
    "runs": ("#/experiments/{experiment}/runs", "parent"),
    "run": ("#/experiments/{experiment}/runs/{run}", "depth"),
    "metrics": ("#/experiments/{experiment}/runs/{run}/model-metrics", "loss"),
    "artifacts": ("#/experiments/{experiment}/runs/{run}/artifacts/notes.txt", "words of an"),
    "table": ("#/experiments/{experiment}/runs/{run}/artifacts/table.json", "word"),
    "traces": ("#/experiments/{experiment}/traces", "what is it?"),
    "experiment models": ("#/experiments/{experiment}/models", "model"),
    "models": ("#/models", "line"),
    "model": ("#/models/line", "Version 1"),
    "version": ("#/models/line/versions/1", "scientist"),
    "prompts": ("#/prompts", None),
    "gateway": ("#/gateway", None),
    "settings": ("#/settings", None),
}


def test_every_page_works_signed_in_from_the_hubs_menu(
    mlflow: tuple[Page, Faults], recorded: Recorded, platform: Platform, album: Album
) -> None:
    page, faults = mlflow
    assert page.url.startswith(f"{platform.url}/services/mlflow/")
    met: dict[str, list[str]] = {}
    for name, (path, words) in PAGES.items():
        faults.found.clear()
        page.goto(f"{platform.url}/services/mlflow/{path.format(**vars(recorded))}")
        if words:
            expect(page.get_by_text(words).first).to_be_visible()
        faults.settle(page)
        album.take(page, f"mlflow-{name.replace(' ', '-')}", shown=False)
        if bad := faults.unexpected():
            met[name] = bad
    assert not met


def test_a_trace_is_shown_with_its_spans(
    mlflow: tuple[Page, Faults], recorded: Recorded, platform: Platform, album: Album
) -> None:
    page, faults = mlflow
    page.goto(f"{platform.url}/services/mlflow/#/experiments/{recorded.experiment}/traces")
    row = page.get_by_text("what is it?").first
    expect(row).to_be_visible()
    # MLflow's own guidance lies over the page at the first visit.
    page.get_by_role("button", name="Got it").click()
    row.click()
    expect(page.get_by_text("forty-two").first).to_be_visible()
    expect(page.get_by_text("answered").first).to_be_visible()
    faults.settle(page)
    album.take(page, "mlflow-trace", shown=False)
    assert not faults.unexpected()
