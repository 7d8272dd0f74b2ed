"""What the Hub's sign-in costs: MLflow behind it against the same MLflow without.

``python bench/bench_tracking.py`` starts both on fresh SQLite databases, and as a peer
MLflow with its own basic-auth; sends each the same requests in turn, and prints medians,
99th percentiles and ratios to the one without. Then fifty clients at once.
"""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack

import httpx
from tracking_service import API, MIB, OWN_SIGN_IN, WITHOUT, Service, start_hub, start_service

RUNS = 50
LARGE = 100 * MIB
PIECE = os.urandom(MIB)
ROUNDS = {"log_metric": 300, "log_batch of 100 metrics": 100, "search of 50 runs": 60}
FILES = 7
PEER_ROUNDS = 12
"""MLflow's own sign-in derives a key from the password at each request: a quarter second."""
CLIENTS, EACH = 50, 8
VARIANTS = {
    "plain": ["-c", WITHOUT.format(more="")],
    "ours": ["-m", "baton_hub.tracking"],
    "basic": ["-c", WITHOUT.format(more=OWN_SIGN_IN)],
}
Action = Callable[[], httpx.Response]


def _prepare(client: httpx.Client) -> dict[str, Action]:
    """Record some runs; return what is to be measured, by name."""
    made = client.post(f"{API}/experiments/create", json={"name": "bench"}).raise_for_status()
    experiment = made.json()["experiment_id"]
    for number in range(RUNS):
        # Every client of MLflow's sends this tag, so that all variants read as many rows.
        user = [{"key": "mlflow.user", "value": "ada"}]
        body = {"experiment_id": experiment, "start_time": number + 1, "tags": user}
        run = client.post(f"{API}/runs/create", json=body).json()["run"]["info"]["run_id"]
        metrics = [{"key": f"m{i}", "value": i, "timestamp": 1, "step": 0} for i in range(10)]
        client.post(f"{API}/runs/log-batch", json={"run_id": run, "metrics": metrics})
    # What is there already is another way through MLflow: every value is a new one.
    steps = itertools.count()

    def metric(key: str) -> dict[str, object]:
        return {"key": key, "value": 1.0, "timestamp": 1, "step": next(steps)}

    # Artifacts' native routes know no prefix; ours leads there, the others are asked directly.
    root = str(client.base_url).removesuffix("/") if _is_ours(client) else _root(client)
    file = f"{root}/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/large.bin"
    search = {"experiment_ids": [experiment], "max_results": RUNS}
    return {
        "log_metric": lambda: client.post(
            f"{API}/runs/log-metric", json={"run_id": run, **metric("m")}
        ),
        "log_batch of 100 metrics": lambda: client.post(
            f"{API}/runs/log-batch",
            json={"run_id": run, "metrics": [metric("b") for _ in range(100)]},
        ),
        "search of 50 runs": lambda: client.post(f"{API}/runs/search", json=search),
        "100 MiB artifact up": lambda: client.put(file, content=_pieces()),
        "100 MiB artifact down": lambda: _read(client, file),
    }


def _is_ours(client: httpx.Client) -> bool:
    return client.get("/baton/health").is_success


def _root(client: httpx.Client) -> str:
    return f"http://127.0.0.1:{client.base_url.port}"


def _pieces() -> Iterator[bytes]:
    for _ in range(LARGE // MIB):
        yield PIECE


def _read(client: httpx.Client, file: str) -> httpx.Response:
    with client.stream("GET", file) as response:
        got = sum(len(chunk) for chunk in response.iter_raw())
    if response.is_success and got != LARGE:
        raise SystemExit(f"Only {got} bytes of {LARGE} came.")
    return response


def _milliseconds(action: Action) -> float:
    start = time.perf_counter()
    action().raise_for_status()
    return (time.perf_counter() - start) * 1000


def _measure(actions: dict[str, dict[str, Action]]) -> None:
    """Ask the variants in turn, so that what else the machine does hits all alike."""
    names = list(actions)
    print(f"{'':26}" + "".join(f"{f'{name} p50':>12}{'p99':>10}" for name in names), end="")
    print("".join(f"{f'{name}/plain':>13}{'p99':>6}" for name in names[1:]))
    for what in actions["plain"]:
        times: dict[str, list[float]] = {name: [] for name in names}
        for turn in range(ROUNDS.get(what, FILES) + 1):
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                if name != "basic" or turn <= PEER_ROUNDS:
                    times[name].append(_milliseconds(actions[name][what]))
        # The first of each is what is loaded at first use.
        half = {name: statistics.median(each[1:]) for name, each in times.items()}
        tail = {
            name: statistics.quantiles(each[1:], n=100, method="inclusive")[98]
            for name, each in times.items()
        }
        print(f"{what:26}", end="")
        print("".join(f"{half[n]:9.1f} ms{tail[n]:7.1f} ms" for n in names), end="")
        print(
            "".join(
                f"{half[n] / half['plain']:13.2f}{tail[n] / tail['plain']:6.2f}" for n in names[1:]
            )
        )


async def _crowd(service: Service, each: int) -> float:
    """Have 50 clients record at once; return requests a second, having checked each."""
    headers = {"Authorization": service.client.headers["Authorization"]}
    base = str(service.client.base_url)
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=base, headers=headers, timeout=120)
            )
            for _ in range(CLIENTS)
        ]
        runs = await asyncio.gather(*(_new_run(client) for client in clients))
        start = time.perf_counter()
        await asyncio.gather(
            *(_record(client, run, each) for client, run in zip(clients, runs, strict=True))
        )
        spent = time.perf_counter() - start
        lost = await asyncio.gather(
            *(_lost(client, run, each) for client, run in zip(clients, runs, strict=True))
        )
    if any(lost):
        raise SystemExit(f"{sum(lost)} of {CLIENTS * each} metrics were lost.")
    return CLIENTS * each / spent


async def _new_run(client: httpx.AsyncClient) -> str:
    body = {"experiment_id": "0", "start_time": 1}
    made = (await client.post(f"{API}/runs/create", json=body)).raise_for_status()
    run: str = made.json()["run"]["info"]["run_id"]
    return run


async def _record(client: httpx.AsyncClient, run: str, each: int) -> None:
    for step in range(each):
        metric = {"run_id": run, "key": "m", "value": step, "timestamp": 1, "step": step}
        (await client.post(f"{API}/runs/log-metric", json=metric)).raise_for_status()


async def _lost(client: httpx.AsyncClient, run: str, each: int) -> int:
    asked = {"run_id": run, "metric_key": "m"}
    got = (await client.get(f"{API}/metrics/get-history", params=asked)).raise_for_status()
    return each - len({metric.get("step", 0) for metric in got.json()["metrics"]})


def _measure_crowds(services: dict[str, Service]) -> None:
    rates: dict[str, list[float]] = {name: [] for name in services}
    for turn in range(3):
        for name, service in services.items():
            if name != "basic":
                rates[name].append(asyncio.run(_crowd(service, EACH)))
            elif turn == 0:
                rates[name].append(asyncio.run(_crowd(service, 1)))
    half = {name: statistics.median(each) for name, each in rates.items()}
    print(f"{CLIENTS} clients at once, nothing lost: ", end="")
    print(
        ", ".join(
            f"{name} {rate:.0f}/s ({rate / half['plain']:.2f})" for name, rate in half.items()
        )
    )


def main() -> None:
    """Measure all variants in one run and print the table."""
    variants = dict(VARIANTS)
    if importlib.util.find_spec("flask_wtf") is None:
        print("MLflow's basic-auth needs Flask-WTF, which is not installed: not compared.")
        del variants["basic"]
    with ExitStack() as stack:
        hub = stack.enter_context(start_hub())
        services = {
            name: stack.enter_context(start_service(hub, command))
            for name, command in variants.items()
        }
        actions = {name: _prepare(service.client) for name, service in services.items()}
        before = {name: service.peak() for name, service in services.items()}
        _measure(actions)
        grown = {name: service.peak() - before[name] for name, service in services.items()}
        print("most memory beyond that before: ", end="")
        print(", ".join(f"{name} {size / MIB:.0f} MiB" for name, size in grown.items()))
        _measure_crowds(services)


if __name__ == "__main__":
    main()
