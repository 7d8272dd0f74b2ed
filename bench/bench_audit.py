"""What the audit costs: one event, its way to the disk, a hundred starts at once, verify, usage.

``python bench/bench_audit.py [FOLDER]`` writes into FOLDER (default: the system's temporary
one), because the disk decides. The peer is a plain line of JSON with its own fsync, as it
would stand in the Hub's loop.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from baton_hub.audit import Audit
from baton_hub.audit.replay import read_events, served
from baton_hub.audit.verify import verify

EVENTS = 20_000
ROUNDS = 200
AT_ONCE = 100

WHOSE: dict[str, Any] = {
    "user": "ada",
    "server": "",
    "groups": ["data-science", "operations"],
    "profile": "scikit-learn",
    "size": "medium",
    "image": f"quay.io/jupyter/scipy-notebook@sha256:{'0' * 64}",
    "digest": f"sha256:{'0' * 64}",
    "revision": "0" * 64,
    "cpu": 2.0,
    "memory": 2**32,
    "gpus": {},
}
SPAWN = {**WHOSE, "decision": "allowed", "code": "ok", "reason": "", "connections": []}


def spawn(audit: Audit, number: int) -> None:
    audit.record("spawn", id=f"{number:032x}", idle_limit=0, **SPAWN)


def seconds(task: Callable[[], Any]) -> float:
    began = time.perf_counter()
    task()
    return time.perf_counter() - began


def write_plainly(file: Path) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    os.write(handle, json.dumps({"event": "spawn", **SPAWN}).encode() + b"\n")
    os.fsync(handle)
    os.close(handle)


async def one_by_one(audit: Audit) -> list[float]:
    waits = []
    for number in range(ROUNDS):
        began = time.perf_counter()
        spawn(audit, number)
        await audit.durable()
        waits.append(time.perf_counter() - began)
    return waits


async def at_once(audit: Audit) -> float:
    async def start(number: int) -> None:
        spawn(audit, number)
        await audit.durable()

    began = time.perf_counter()
    await asyncio.gather(*(start(number) for number in range(AT_ONCE)))
    return time.perf_counter() - began


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as folder:
        path = Path(folder) / "audit.jsonl"
        audit = Audit(path)
        audit.open()
        waits = asyncio.run(one_by_one(audit))
        together = asyncio.run(at_once(audit))
        records = [seconds(lambda: spawn(audit, 0)) for _ in range(EVENTS)]
        audit.close()
        plain = [seconds(lambda: write_plainly(Path(folder) / "plain")) for _ in range(ROUNDS)]
        checked = seconds(lambda: verify([path]))
        replayed = seconds(lambda: served(read_events(path)))
        lines = EVENTS + ROUNDS + AT_ONCE + 1
    held = statistics.median(records)
    print(f"one event, in the Hub's loop          {held * 1e6:8.0f} µs median")
    print(f"until it is on the disk               {statistics.median(waits) * 1e3:8.2f} ms median")
    print(f"                        99 in 100     {sorted(waits)[-ROUNDS // 100] * 1e3:8.2f} ms")
    print(f"{AT_ONCE} starts at once, all on the disk   {together * 1e3:8.1f} ms")
    blocked = statistics.median(plain)
    print(f"peer: plain line with fsync, in the loop {blocked * 1e3:5.2f} ms median")
    print(f"the loop is held {blocked / held:.1f} times less long than by the peer")
    print(f"verify                                {lines / checked:8,.0f} lines a second")
    print(f"read back, as usage does              {lines / replayed:8,.0f} lines a second")


if __name__ == "__main__":
    main()
