"""When something that MLflow needs is missing, one clear answer says so."""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from jupyterhub.services.auth import HubOAuth
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from tests.processes import STARTING_SECONDS, free_port, running

from baton_hub.tracking.app import create_app
from baton_hub.tracking.artifacts import ArtifactsError, check
from baton_hub.tracking.hints import Hint, Hints
from baton_hub.tracking.identity import Caller, HubIdentity
from baton_hub.tracking.serving import Worker, listen
from baton_hub.tracking.settings import SettingsError, parse_settings
from baton_hub.tracking.start import StartingApp


def _hub_that_is_down() -> HubIdentity:
    api = f"http://127.0.0.1:{free_port()}/hub/api"
    return HubIdentity(HubOAuth(api_url=api, api_token="t", oauth_client_id="service-mlflow"))


async def test_a_hub_that_is_down_is_503_with_one_sentence_not_401() -> None:
    app = create_app(PlainTextResponse("MLflow"), _hub_that_is_down())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://mlflow") as client:
        answer = await client.get("/services/mlflow/", headers={"Authorization": "Bearer x"})
        anonymous = await client.get("/services/mlflow/")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert answer.json()["error"]["code"] == "hub_unavailable"
    assert answer.json()["error_code"] == "TEMPORARILY_UNAVAILABLE"
    assert anonymous.status_code == 401


async def test_while_mlflow_loads_health_says_starting() -> None:
    app = create_app(StartingApp(lambda: PlainTextResponse("MLflow"), print), _hub_that_is_down())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://mlflow") as client:
        answer = await client.get("/services/mlflow/baton/health")
    assert (answer.status_code, answer.json()) == (503, {"status": "starting"})


async def test_a_stream_ends_for_who_is_no_longer_welcome(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("baton_hub.tracking.hints.HEARTBEAT_SECONDS", 0.05)
    hints = Hints()

    async def gone() -> bool:
        return False

    assert [event async for event in hints.stream(gone)] == [": listening\n\n"]
    assert hints.listeners == 0


async def test_a_slow_listener_loses_the_oldest_hints_and_nobody_waits() -> None:
    hints = Hints()

    async def welcome() -> bool:
        return True

    stream = hints.stream(welcome)
    await anext(stream)
    for number in range(1000):
        hints.publish(Hint(str(number), None, "metrics"))
    events = (await asyncio.wait_for(anext(stream), 5)).split("\n\n")
    assert len(events) <= 201
    assert '"999"' in events[-2]
    await stream.aclose()  # type: ignore[attr-defined]
    assert hints.listeners == 0


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(SettingsError, match="JUPYTERHUB_SERVICE_URL is not set"):
        parse_settings({})
    with pytest.raises(SettingsError, match="BATON_PUBLIC_URL must look like"):
        parse_settings(
            {"JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:1", "BATON_PUBLIC_URL": "hub.example.org"}
        )


def test_a_folder_for_artifacts_that_cannot_be_written_to_is_named() -> None:
    user = os.geteuid()
    try:
        if user == 0:
            # Nothing is closed to root.
            os.seteuid(65534)
        with pytest.raises(ArtifactsError, match="the folder / for artifacts can't be written to"):
            check("/")
    finally:
        os.seteuid(user)


def _environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "JUPYTERHUB_API_TOKEN": "t",
        "JUPYTERHUB_API_URL": "http://127.0.0.1:1/hub/api",
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{free_port()}",
        "JUPYTERHUB_CLIENT_ID": "service-mlflow",
        "BATON_MLFLOW_DATABASE": f"sqlite:///{folder}/mlflow.sqlite",
        "BATON_MLFLOW_ARTIFACTS": str(folder / "artifacts"),
        "BATON_PUBLIC_URL": "http://127.0.0.1:8000",
    }


def test_a_database_of_a_newer_mlflow_stops_the_service_with_one_line(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "mlflow.sqlite")
    database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
    database.execute("INSERT INTO alembic_version VALUES ('from_the_future')")
    database.execute("CREATE TABLE experiments (id INTEGER)")
    database.commit()
    database.close()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "baton_hub.tracking"],
        env=_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=STARTING_SECONDS,
        check=False,
    )
    assert done.returncode == 1
    line = done.stderr.splitlines()[-1]
    assert line.startswith("MLflow can't start: MLflow's database")
    assert "schema from_the_future" in line
    assert "newer MLflow" in line


def test_it_answers_before_mlflow_is_loaded_and_stops_at_once(tmp_path: Path) -> None:
    environment, log = _environment(tmp_path), tmp_path / "mlflow.log"
    health = environment["JUPYTERHUB_SERVICE_URL"] + "/services/mlflow/baton/health"
    command = [sys.executable, "-W", "ignore", "-m", "baton_hub.tracking"]
    with running(command, log, env=environment) as process:
        assert _first_answer(health, process) == {"status": "starting"}
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    assert "MLflow is ready" not in log.read_text()


def _first_answer(url: str, process: subprocess.Popen[bytes]) -> Any:
    deadline = time.monotonic() + STARTING_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            return httpx.get(url).json()
        except httpx.TransportError:
            time.sleep(0.02)
    pytest.fail(f"{url} never answered")


CLIENT = """
import sys, time
from mlflow.store.tracking.rest_store import RestStore
from mlflow.utils.rest_utils import MlflowHostCreds

started = time.monotonic()
found = RestStore(lambda: MlflowHostCreds(sys.argv[1], token="t")).search_experiments()
print(len(found), time.monotonic() - started)
"""


@pytest.fixture
def listening() -> Iterator[tuple[str, Callable[[ASGIApp], None], list[int]]]:
    """A service that is starting: its address, how it becomes ready, the answers it gave."""
    loaded: queue.Queue[ASGIApp] = queue.Queue()
    answers: list[int] = []
    starting = StartingApp(loaded.get, print, clock=lambda: 0.0)
    app = create_app(starting, Ada(_hub_that_is_down().hub))

    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                answers.append(message["status"])
            await send(message)

        await app(scope, receive, note)

    port = free_port()
    config = uvicorn.Config(counted, port=port, lifespan="off", log_level="warning")
    server = uvicorn.Server(config)
    starting.begin()
    thread = threading.Thread(target=server.run)
    thread.start()
    yield f"http://127.0.0.1:{port}/services/mlflow", loaded.put, answers
    server.should_exit = True
    thread.join()


class Ada(HubIdentity):
    """A Hub that knows one person."""

    async def identify(self, token: str, session: str = "") -> Caller | None:
        return Caller("ada")


def test_mlflows_own_client_waits_until_it_is_loaded(
    listening: tuple[str, Callable[[ASGIApp], None], list[int]],
) -> None:
    """It is told 503 at first, repeats by itself, and gets its answer."""
    url, become_ready, answers = listening
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", CLIENT, url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as client:
        deadline = time.monotonic() + STARTING_SECONDS
        while answers.count(503) < 2:
            assert client.poll() is None, client.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        become_ready(JSONResponse({"experiments": [{"experiment_id": "1", "name": "one"}]}))
        out, error = client.communicate(timeout=120)
    assert client.returncode == 0, error
    print("it waited", out.split()[1], "s;", answers)
    assert out.split()[0] == "1"
    assert set(answers) == {200, 503}


def test_a_stop_ends_an_event_stream_and_logs_no_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    for name, value in _environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    settings = parse_settings(os.environ)
    worker = Worker(PlainTextResponse("MLflow"), settings)
    worker.app.identity = Ada(_hub_that_is_down().hub)
    url = f"http://{settings.host}:{settings.port}{settings.prefix}/baton/events"
    headers = {"Authorization": "Bearer x"}
    with listen(settings) as socket:
        thread = threading.Thread(target=worker.run, args=[socket])
        thread.start()
        with httpx.stream("GET", url, headers=headers) as stream:
            told = stream.iter_text()
            assert next(told) == ": listening\n\n"
            worker.stop()
            # It ends as an answer does, and is not cut.
            assert list(told) == []
        thread.join(10)
    assert not thread.is_alive()
    assert worker.app.hints.listeners == 0
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []


def test_a_client_is_asked_to_wait_the_longer_the_longer_it_takes() -> None:
    """Seven repetitions, each as late as it was told to be, outlast a start of two minutes."""
    now = 0.0
    starting = StartingApp(lambda: PlainTextResponse("MLflow"), print, clock=lambda: now)
    waits = []
    for _ in range(7):
        waits.append(starting.retry_after())
        now += waits[-1]
    assert waits == [3, 3, 6, 12, 24, 30, 30]
    assert now > 100
