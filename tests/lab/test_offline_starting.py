"""Questions while MLflow is starting: they wait as it asks, and say so; what is logged is kept.

The service is a real one whose loading is held up for as long as a test likes.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import httpx
import mlflow  # noqa: F401 - it loads the line itself, and can't when that came first
import pytest
from requests import Response
from tests.lab.outage import Person, Service

from baton_lab.offline.line import PATIENT, AwayError, Line

WAITS = "Baton: MLflow is still starting. This waits until it answers, 60 seconds at most."
HELD = """
import importlib.abc, os, sys, time

class Held(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        while name == "mlflow.server" and not os.path.exists(os.environ["TEST_GO"]):
            time.sleep(0.05)

sys.meta_path.insert(0, Held())
"""


class HeldService(Service):
    """MLflow that says that it is starting until it is let go."""

    def __init__(self, hub: str, folder: Path) -> None:
        self._go = folder / "go"
        (folder / "sitecustomize.py").write_text(HELD)
        super().__init__(hub, folder, PYTHONPATH=str(folder), TEST_GO=str(self._go))

    def let_go(self) -> None:
        """Let it load to its end."""
        self._go.touch()


@pytest.fixture
def held(hub: str, tmp_path: Path, until: Callable[..., Any]) -> Iterator[HeldService]:
    (tmp_path / "service").mkdir()
    service = HeldService(hub, tmp_path / "service")
    service.begin()
    try:
        until(lambda: _status(service) == 503)
        yield service
    finally:
        service.stop()


def _status(service: Service) -> int:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(service.url + "/baton/health", trust_env=False).status_code
    return 0


@pytest.fixture
def person(held: HeldService, tmp_path: Path) -> Person:
    (tmp_path / "home").mkdir()
    return Person(tmp_path / "home", held.url)


LOGS_AND_READS = """
import time, mlflow
began = time.monotonic()
mlflow.set_experiment("early")
with mlflow.start_run() as run:
    for step in range(20):
        mlflow.log_metric("m", step, step=step)
print("LOGGED", time.monotonic() - began, flush=True)
print("KEPT", mlflow.get_run(run.info.run_id).data.metrics["m"], flush=True)
print("FOUND", [e.name for e in mlflow.search_experiments()], flush=True)
print("AGAIN", len(mlflow.search_runs(search_all_experiments=True)))
"""


def test_a_question_waits_until_mlflow_has_started_and_what_is_logged_does_not(
    held: HeldService, person: Person
) -> None:
    with person.running(LOGS_AND_READS) as process:
        assert process.stdout is not None
        said = _read_until(process.stdout, "Baton: MLflow is still starting. This waits")
        assert "KEPT 19.0" in said
        logged = next(line for line in said.splitlines() if line.startswith("LOGGED"))
        held.let_go()
        said += process.stdout.read()
        assert process.wait(60) == 0, said
    assert float(logged.split()[1]) < 40
    assert said.count("This waits") == said.count(WAITS) == 1
    assert "Baton: MLflow is still starting. What you log is kept" in said
    assert "FOUND ['" in said
    person.sync()
    (run,) = held.runs("early")
    assert held.steps(run["info"]["run_id"], "m") == list(range(20))


def _read_until(stream: IO[str], text: str) -> str:
    said = ""
    for line in stream:
        said += line
        if text in line:
            return said
    raise AssertionError(said)


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


def _starting(seconds: str) -> Response:
    response = Response()
    response.status_code = 503
    response.headers["Retry-After"] = seconds
    response._content = json.dumps({"error": {"code": "starting"}}).encode()
    return response


def _line(clock: Clock, waits: list[float]) -> Line:
    return Line(keeps=True, waits=waits.append, clock=lambda: clock.now, sleep=clock.sleep)


def test_it_is_asked_again_when_it_says_and_for_a_minute_in_all() -> None:
    clock, waits, answers = Clock(), list[float](), iter(("3", "20", "30", "30", "30"))
    line = _line(clock, waits)
    with pytest.raises(AwayError) as raised:
        line.ask(lambda: _starting(next(answers)), must=True, waits=True)
    assert raised.value.reason == "starting"
    assert clock.slept == [3, 20, 30, 7]
    assert clock.now == PATIENT
    assert waits == [PATIENT]


def test_what_says_no_time_or_nonsense_is_asked_each_second() -> None:
    for said in ("", "soon", "-1", "0", "Wed, 21 Oct 2026 07:28:00 GMT", "1.5"):
        clock = Clock()
        with pytest.raises(AwayError):
            _line(clock, []).ask(lambda said=said: _starting(said), must=True, waits=True)
        assert clock.slept == [1] * 60


def test_a_wait_after_an_answer_is_said_anew() -> None:
    clock, waits = Clock(), list[float]()
    line = _line(clock, waits)
    good = Response()
    good.status_code = 200
    answers = iter((_starting("3"), _starting("3"), good, _starting("3"), good))
    for _ in range(2):
        assert line.ask(lambda: next(answers), must=True, waits=True) is good
    assert waits == [PATIENT, PATIENT]
    assert not line.is_away


def test_the_pause_after_it_was_away_ends_when_it_answers() -> None:
    clock = Clock()
    line = _line(clock, [])
    with pytest.raises(AwayError):
        line.ask(lambda: _starting("3"))
    good = Response()
    good.status_code = 200
    with pytest.raises(AwayError):
        line.ask(lambda: good)
    assert line.ask(lambda: good, must=True) is good
    assert line.ask(lambda: good) is good


def test_what_can_be_kept_waits_no_longer_than_before() -> None:
    clock, waits = Clock(), list[float]()
    with pytest.raises(AwayError):
        _line(clock, waits).ask(lambda: _starting("3"))
    assert clock.now <= 10
    assert waits == []


def test_the_history_of_a_run_that_only_mlflow_has_is_not_said_to_be_empty(
    held: HeldService, person: Person
) -> None:
    held.let_go()
    held.await_answer()
    code = (
        "import sys, mlflow; mlflow.set_experiment('history')\n"
        "with mlflow.start_run() as run:\n"
        "    mlflow.log_metric('m', 1)\n"
        "print('LOGGED', flush=True); sys.stdin.readline()\n"
        "try: print('FOUND', mlflow.MlflowClient().get_metric_history(run.info.run_id, 'm'))\n"
        "except mlflow.exceptions.MlflowException as error: print('ERROR', error)\n"
    )
    with person.running(code) as process:
        assert process.stdout is not None
        _read_until(process.stdout, "LOGGED")
        held.kill()
        said, _ = process.communicate("\n", timeout=60)
    assert "ERROR MLflow does not answer. This can't be read now" in said


REGISTERS = """
import mlflow
client = mlflow.MlflowClient()
print("NAME", client.create_registered_model("early").name)
print("FOUND", [model.name for model in client.search_registered_models()])
"""


def test_registering_waits_until_mlflow_has_started(held: HeldService, person: Person) -> None:
    with person.running(REGISTERS) as process:
        assert process.stdout is not None
        said = _read_until(process.stdout, "This waits")
        held.let_go()
        said += process.stdout.read()
        assert process.wait(60) == 0, said
    assert said == f"{WAITS}\nNAME early\nFOUND ['early']\n"
