"""Several workers on PostgreSQL: one service to the outside, and none of them is missed."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import httpx
import psutil
from tests.tracking import WORKERS, Tracking

from baton_hub.tracking.hints import Hint
from baton_hub.tracking.relay import PAYLOAD_BYTES, render_payloads

pytest_plugins = ("tests.tracking",)

PATIENCE = 60.0


class Held(NamedTuple):
    """A connection that one worker holds, and its first answer, not read yet."""

    client: httpx.Client
    answer: httpx.Response


def _workers(tracking: Tracking) -> list[psutil.Process]:
    return psutil.Process(tracking.mlflow_pid).children()


def _until(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (value := found()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
    return value


@contextmanager
def _each_worker(tracking: Tracking, path: str = "/version") -> Iterator[list[Held]]:
    """Yield one connection to each worker, and the answer to the first request on it."""
    headers = {"Authorization": f"Bearer {tracking.token('ada')}"}
    with ExitStack() as stack:
        met: dict[int, Held] = {}
        while len(met) < WORKERS:
            client = stack.enter_context(
                httpx.Client(base_url=tracking.direct, headers=headers, timeout=60, verify=False)
            )
            answer = client.send(client.build_request("GET", path), stream=True)
            stack.callback(answer.close)
            port = answer.extensions["network_stream"].get_extra_info("client_addr")[1]
            met.setdefault(_until(lambda port=port: _holder(tracking, port)), Held(client, answer))
        yield list(met.values())


def _holder(tracking: Tracking, port: int) -> int | None:
    for worker in _workers(tracking):
        if any(each.raddr and each.raddr.port == port for each in worker.net_connections("tcp")):
            return worker.pid
    return None


def test_every_worker_answers_and_knows_what_any_recorded(tracking_postgres: Tracking) -> None:
    run = tracking_postgres.run("ada", "workers")["run_id"]
    with _each_worker(tracking_postgres) as workers:
        for number, (client, answer) in enumerate(workers):
            answer.read()
            body = {"run_id": run, "key": f"m{number}", "value": 1.0, "timestamp": 1}
            client.post("/api/2.0/mlflow/runs/log-metric", json=body).raise_for_status()
            found = client.get("/api/2.0/mlflow/runs/get", params={"run_id": run}).json()
            assert len(found["run"]["data"]["metrics"]) == number + 1


def test_a_hint_reaches_the_panels_of_every_worker(tracking_postgres: Tracking) -> None:
    """One stream at each worker hears of a run that one of them recorded."""
    with _each_worker(tracking_postgres, "/baton/events") as workers:
        streams = [answer.iter_lines() for _, answer in workers]
        assert {next(lines) for lines in streams} == {": listening"}
        run = tracking_postgres.run("ada", "hints")["run_id"]
        for lines in streams:
            told = next(line for line in lines if line.startswith("data:") and run in line)
            assert json.loads(told.removeprefix("data: "))["change"] == "run"


def test_a_worker_that_dies_is_replaced_and_nobody_is_refused(
    tracking_postgres: Tracking,
) -> None:
    before = {worker.pid for worker in _workers(tracking_postgres)}
    assert len(before) == WORKERS
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    _until(lambda: len({each.pid for each in _workers(tracking_postgres)} - before) == 1)
    tracking_postgres.run("ada", "after a death")
    log = (tracking_postgres.folder / "mlflow.log").read_text()
    assert "A worker ended (signal 9); another takes its place" in log


def test_a_browser_that_signs_in_meets_any_worker(tracking_postgres: Tracking) -> None:
    """State and cookie of a sign-in are read by a worker other than the one that wrote them."""
    page = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}
    with _each_worker(tracking_postgres) as workers:
        for client, answer in workers:
            answer.read()
            del client.headers["Authorization"]
        first, second = workers[0].client, workers[1].client
        begun = first.get("/", headers=page)
        state = httpx.URL(begun.headers["location"]).params["state"]
        second.cookies = first.cookies
        told = [
            second.get("/oauth_callback", params={"state": each, "code": "wrong"}, headers=page)
            for each in (state, "unknown")
        ]
    # With the first state the Hub was asked about the code.
    assert ["This sign-in has expired" in answer.text for answer in told] == [False, True]


def test_what_is_loaded_is_shared_between_workers(tracking_postgres: Tracking) -> None:
    """A worker's own memory is far below what MLflow needs in a process of its own."""
    tracking_postgres.run("ada", "memory")
    for worker in _workers(tracking_postgres):
        used = worker.memory_full_info()
        assert used.uss < used.rss / 2, used


def test_hints_fit_into_notifications_and_none_is_left_out() -> None:
    hints = [Hint(f"{number:032}", str(number), "metrics") for number in range(1000)]
    payloads = list(render_payloads("a" * 16, hints))
    assert max(len(payload.encode()) for payload in payloads) <= PAYLOAD_BYTES
    told = [json.loads(payload) for payload in payloads]
    assert [Hint(*hint) for _, some in told for hint in some] == hints
    assert {origin for origin, _ in told} == {"a" * 16}
    assert list(render_payloads("a", [])) == []
