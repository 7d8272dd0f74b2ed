"""Fifty clients at once: nothing that was acknowledged is missing, and nobody sees a 500."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import secrets
import subprocess
import sys
import time
from typing import Any

import httpx
import pytest
from tests.tracking import Tracking

pytest_plugins = ("tests.tracking",)

CLIENTS, OWN_CLIENTS, ROUNDS = 46, 4, 8
API = "/api/2.0/mlflow"

MLFLOWS_OWN = """
import sys, mlflow

mlflow.set_experiment(experiment_id=sys.argv[1])
with mlflow.start_run() as run:
    for step in range(int(sys.argv[2])):
        mlflow.log_metric("m", step, step=step)
        mlflow.log_metrics({"a": step, "b": step}, step=step)
        mlflow.log_param(f"p{step}", step)
        mlflow.set_tag(f"t{step}", step)
print(run.info.run_id)
"""


class Writer:
    """One client with a run of its own; keeps what it was told was recorded."""

    def __init__(self, client: httpx.AsyncClient, experiment: str) -> None:
        self.client = client
        self.experiment = experiment
        self.run = ""
        self.statuses: collections.Counter[int] = collections.Counter()
        self.metrics: set[tuple[str, int]] = set()
        self.params: set[str] = set()
        self.tags: set[str] = set()

    async def post(self, route: str, body: dict[str, Any]) -> dict[str, Any] | None:
        answer = await self.client.post(f"{API}/runs/{route}", json=body)
        self.statuses[answer.status_code] += 1
        return answer.json() if answer.is_success else None

    async def write(self) -> None:
        """Record in every way that there is, in turn."""
        made = await self.post("create", {"experiment_id": self.experiment, "start_time": 1})
        assert made is not None
        self.run = made["run"]["info"]["run_id"]
        for step in range(ROUNDS):
            await self._write(step)

    async def _write(self, step: int) -> None:
        metric = {"key": "m", "value": step, "timestamp": 1, "step": step}
        if await self.post("log-metric", {"run_id": self.run, **metric}) is not None:
            self.metrics.add(("m", step))
        batch = [{**metric, "key": key} for key in ("a", "b")]
        if await self.post("log-batch", {"run_id": self.run, "metrics": batch}) is not None:
            self.metrics |= {("a", step), ("b", step)}
        param = {"run_id": self.run, "key": f"p{step}", "value": str(step)}
        if await self.post("log-parameter", param) is not None:
            self.params.add(f"p{step}")
        tag = {"run_id": self.run, "key": f"t{step}", "value": str(step)}
        if await self.post("set-tag", tag) is not None:
            self.tags.add(f"t{step}")

    async def lost(self) -> list[str]:
        """Return what was acknowledged and is not there."""
        got = await self.client.get(f"{API}/runs/get", params={"run_id": self.run})
        data = got.raise_for_status().json()["run"]["data"]
        there = {each["key"] for each in data["params"]} | {each["key"] for each in data["tags"]}
        missing = sorted((self.params | self.tags) - there)
        for key in ("m", "a", "b"):
            asked = {"run_id": self.run, "metric_key": key}
            history = await self.client.get(f"{API}/metrics/get-history", params=asked)
            steps = {(key, int(each["step"])) for each in history.json()["metrics"]}
            missing += map(str, {each for each in self.metrics if each[0] == key} - steps)
        return missing


async def _write_all(url: str, tokens: list[str], experiments: list[str]) -> list[Writer]:
    async with contextlib.AsyncExitStack() as stack:
        writers = []
        for number in range(CLIENTS):
            headers = {"Authorization": f"Bearer {tokens[number % len(tokens)]}"}
            client = httpx.AsyncClient(base_url=url, headers=headers, timeout=120, verify=False)
            experiment = experiments[number % len(tokens)]
            writers.append(Writer(await stack.enter_async_context(client), experiment))
        await asyncio.gather(*(writer.write() for writer in writers))
        lost = await asyncio.gather(*(writer.lost() for writer in writers))
    assert not any(lost), lost
    return writers


def test_fifty_clients_lose_nothing_and_see_no_error(either: Tracking) -> None:
    people = ("ada", "eve", "bob")
    tokens = [either.token(name) for name in people]
    experiments = [
        either.call(name, "experiments/create", {"name": f"load {secrets.token_hex(3)}"})[
            "experiment_id"
        ]
        for name in people
    ]
    own = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", MLFLOWS_OWN, experiments[0], str(ROUNDS)],
            env=either.kernel_environment("ada"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(OWN_CLIENTS)
    ]
    began = time.monotonic()
    try:
        writers = asyncio.run(_write_all(either.url, tokens, experiments))
        took = time.monotonic() - began
        ended = [process.communicate(timeout=180) for process in own]
    finally:
        for process in own:
            process.kill()
    statuses = sum((writer.statuses for writer in writers), collections.Counter())
    print(f"{statuses.total() / took:.0f} requests a second", statuses)
    assert set(statuses) == {200}
    with either.client("ada") as client:
        for out, error in ended:
            assert out, error
            got = client.get(f"{API}/runs/get", params={"run_id": out.split()[-1]}).json()["run"]
            assert got["info"]["status"] == "FINISHED"
            assert len(got["data"]["params"]) == ROUNDS
            assert {each["key"]: each["value"] for each in got["data"]["metrics"]} == dict.fromkeys(
                ("m", "a", "b"), float(ROUNDS - 1)
            )


@pytest.mark.parametrize("route", ["log-metric", "log-parameter", "set-tag"])
def test_fifty_clients_write_to_one_run_and_nothing_is_lost(either: Tracking, route: str) -> None:
    run = either.run("ada", "one run")["run_id"]

    async def write_all() -> list[int]:
        headers = {"Authorization": f"Bearer {either.token('ada')}"}
        async with httpx.AsyncClient(
            base_url=either.url, headers=headers, timeout=120, verify=False
        ) as client:

            async def write(number: int) -> int:
                body = {"run_id": run, "key": f"k{number}", "value": number, "timestamp": 1}
                if route != "log-metric":
                    body["value"] = str(number)
                return (await client.post(f"{API}/runs/{route}", json=body)).status_code

            return list(await asyncio.gather(*(write(number) for number in range(50))))

    assert set(asyncio.run(write_all())) == {200}
    with either.client("ada") as client:
        data = client.get(f"{API}/runs/get", params={"run_id": run}).json()["run"]["data"]
    kind = {"log-metric": "metrics", "log-parameter": "params", "set-tag": "tags"}[route]
    assert {f"k{number}" for number in range(50)} <= {each["key"] for each in data[kind]}
