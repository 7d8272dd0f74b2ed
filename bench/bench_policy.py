"""What a decision costs: at a start, for the Hub's memory, and when a Hub comes back.

``python bench/bench_policy.py`` makes 500 profiles, 10,000 people in 50 groups, 2,000
running servers and budgets, and decides: as Baton does, by adding up every booking, and
as KubeSpawner looks up a profile (which decides neither access nor quotas). Then it
starts two Hubs, with Baton and without, and reads the audit of a restart back.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from socket import socket

import httpx
import psutil

from baton_hub.account import Account
from baton_hub.amount import Amount
from baton_hub.audit import Audit
from baton_hub.audit.events import started, stopped
from baton_hub.audit.replay import load_account, read_events
from baton_hub.booking import Booking
from baton_hub.catalog import Catalog, load_catalog
from baton_hub.catalog.quotas import Quotas
from baton_hub.policy import ServerSpec, resolve
from baton_hub.quota import admit
from baton_hub.reservations import Reservations

PROFILES, PEOPLE, GROUPS, SERVERS, STRETCHES = 500, 10_000, 50, 2_000, 20_000
DECISIONS, SLOW_DECISIONS, EVENTS = 5_000, 40, 60_000
GIB, MIB = 1024**3, 1024**2
NOW = datetime.now(UTC)

PROFILE = """
name: profile-{0}
title: Profile {0}
description: One of many.
owner: Data platform
image:
  reference: quay.io/example/image-{0}:1
  digest: sha256:{0:064x}
evidence: {{approval: {{by: Data platform, on: {1}}}}}
access: {{groups: [group-{2}, group-{3}]}}
sizes:
  small: {{cpu: 1, memory: 2G}}
  large: {{cpu: 4, memory: 16G, gpus: {{nvidia.com/gpu: 1}}}}
"""

HUB = """
import json, os, sys
c = get_config()
s = json.loads(os.environ["BENCH"])
c.JupyterHub.bind_url, c.JupyterHub.hub_bind_url = s["public"], s["hub"]
c.JupyterHub.db_url = "sqlite:///" + s["folder"] + "/hub.sqlite"
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.spawner_class = "simple"
c.ConfigurableHTTPProxy.command = [sys.executable, "-m", "baton_hub.proxy"]
c.ConfigurableHTTPProxy.api_url, c.ConfigurableHTTPProxy.auth_token = s["proxy"], "p" * 32
c.JupyterHub.services.append({"name": "bench", "api_token": "b" * 32})
c.JupyterHub.load_roles.append({"name": "bench", "services": ["bench"],
    "scopes": ["admin:users", "admin:servers"]})
if s["profiles"]:
    from baton_hub.configuration import configure
    configure(c, spawner="local", public_url=s["public"], profiles=s["profiles"],
        audit_file=s["folder"] + "/audit.jsonl", mlflow_api_token="m" * 32,
        desk_api_token="d" * 32, mlflow_url="http://127.0.0.1:9", desk_url="http://127.0.0.1:9")
"""


def main() -> None:
    """Print all figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        catalog = make_catalog(folder / "profiles")
        measure_decisions(catalog)
        measure_memory(folder)
        measure_return(folder)


def make_catalog(folder: Path) -> Catalog:
    """Write the profiles and read them as the Hub does, with limits of every kind."""
    folder.mkdir()
    for number in range(PROFILES):
        groups = number % GROUPS, (number + 7) % GROUPS
        text = PROFILE.format(number, NOW.date(), *groups)
        (folder / f"profile-{number}.yaml").write_text(text)
    (folder / "evidence.yaml").write_text("required: [approval]\n")
    budget = "budget: {period: month, cpu_hours: 1000000, gpu_hours: 100000}"
    lines = [
        f"each_user: {{servers: 9, cpu: 64, memory: 256G, gpus: {{nvidia.com/gpu: 9}}, {budget}}}",
        "groups:",
        *(f"  group-{n}: {{cpu: 100000, memory: 900T, {budget}}}" for n in range(GROUPS)),
        f"total: {{servers: 100000, cpu: 1000000, {budget}}}",
    ]
    (folder / "quotas.yaml").write_text("\n".join(lines) + "\n")
    return load_catalog(folder)


def groups_of(person: int) -> list[str]:
    """Return a person's three groups."""
    return [f"group-{(person + step) % GROUPS}" for step in (0, 11, 23)]


def booking(number: int, person: int, server: str, ago: timedelta) -> Booking:
    """Return a server that runs since then."""
    amount = Amount(1, 1 + number % 4, 2 * GIB, {"nvidia.com/gpu": 1} if number % 5 == 0 else {})
    since = NOW - ago
    groups = frozenset(groups_of(person))
    return Booking(
        f"{number:032x}", f"person-{person}", server, groups, f"profile-{number % PROFILES}",
        "small", "image", "sha256:0", "r", amount, since, since,
    )  # fmt: skip


def make_account() -> tuple[Account, list[Booking], list[tuple[Booking, datetime]]]:
    """Return what runs and what ran this month, as the account has it and as plain lists."""
    running = [
        booking(number, number % PEOPLE, "", timedelta(minutes=number)) for number in range(SERVERS)
    ]
    ended = []
    account = Account(running)
    for number in range(STRETCHES):
        one = booking(number, number * 7 % PEOPLE, "old", timedelta(minutes=number + 90))
        end = NOW - timedelta(minutes=number)
        account.spend(one, one.since, end)
        ended.append((one, end))
    return account, running, ended


def measure_decisions(catalog: Catalog) -> None:
    """Time decisions, each for another person and profile."""
    held = account_memory()
    account, running, ended = make_account()
    random = Random(1)
    reservations = Reservations(lambda: NOW)
    for one in running:
        reservations.restore(one)
    reservations.spend_as(account)

    def ask() -> tuple[str, list[str], dict[str, str]]:
        person = random.randrange(PEOPLE)
        offered = catalog.offered(frozenset(groups_of(person)))
        choice = {"profile": random.choice(offered).name, "size": random.choice(("small", "large"))}
        return f"person-{person}", groups_of(person), choice

    def ours(user: str, groups: list[str], choice: dict[str, str]) -> None:
        spec = resolve(catalog, user, groups, choice, today=NOW.date())
        assert admit(spec, account, catalog.quotas, NOW).allowed

    def naive(user: str, groups: list[str], choice: dict[str, str]) -> None:
        spec = resolve(catalog, user, groups, choice, today=NOW.date())
        assert add_up(spec, running, ended, catalog.quotas)

    def reserve(user: str, groups: list[str], choice: dict[str, str]) -> None:
        spec = resolve(catalog, user, groups, choice, today=NOW.date())
        booked = reservations.reserve("more", spec, catalog.quotas, 0)
        reservations.release(booked.key)

    print(
        f"A decision: {PROFILES} profiles, {PEOPLE} people, {SERVERS} running servers,"
        f" {STRETCHES} ended this month, budgets for person, groups and total"
    )
    table = [
        ("resolve + admit", timed(ours, ask, DECISIONS)),
        ("  and booked, released", timed(reserve, ask, DECISIONS)),
        ("adding every booking up", timed(naive, ask, SLOW_DECISIONS)),
        ("KubeSpawner's profile lookup", kubespawner(catalog, ask)),
    ]
    base = statistics.median(table[0][1])
    print(f"{'':30}{'median':>12}{'p99':>12}{'ratio':>8}")
    for title, times in table:
        half, tail = statistics.median(times), statistics.quantiles(times, n=100)[98]
        print(f"{title:30}{half:9.3f} ms{tail:9.3f} ms{half / base:8.1f}")
    print(f"What runs, and who of {PEOPLE} used how much, takes {held / MIB:.1f} MiB")


def account_memory() -> int:
    """Return the bytes that the account takes, for people who all had a server this month."""
    tracemalloc.start()
    try:
        account = make_account()[0]
        gc.collect()
        return tracemalloc.get_traced_memory()[0] * bool(len(account))
    finally:
        tracemalloc.stop()


def timed(
    decide: Callable[..., None],
    ask: Callable[[], tuple[str, list[str], dict[str, str]]],
    count: int,
) -> list[float]:
    """Return milliseconds of each call; making up what is asked for is not counted."""
    times = []
    for _ in range(count):
        asked = ask()
        start = time.perf_counter()
        decide(*asked)
        times.append((time.perf_counter() - start) * 1000)
    return times


def add_up(
    spec: ServerSpec,
    running: list[Booking],
    ended: list[tuple[Booking, datetime]],
    quotas: Quotas,
) -> bool:
    """Decide by going over all that runs and ran, for each limit's holder."""
    month = NOW.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    whose: list[tuple[object, Callable[[Booking], bool]]] = [
        (quotas.for_user(spec.user), lambda one: one.user == spec.user),
        (quotas.total, lambda _: True),
    ]
    whose += [
        (quotas.groups[group], lambda one, group=group: group in one.groups)
        for group in spec.groups & quotas.groups.keys()
    ]
    for limits, counts in whose:
        held = sum((one.amount for one in running if counts(one)), spec.amount)
        hours = 0.0
        for one, end in (*ended, *((one, NOW) for one in running)):
            if counts(one):
                hours += one.amount.cpu * max((end - max(one.since, month)).total_seconds(), 0)
        if limits.cpu is not None and held.cpu > limits.cpu:  # type: ignore[attr-defined]
            return False
        if hours / 3600 >= limits.budget.cpu_hours:  # type: ignore[attr-defined]
            return False
    return True


def kubespawner(
    catalog: Catalog, ask: Callable[[], tuple[str, list[str], dict[str, str]]]
) -> list[float]:
    """Return milliseconds in which KubeSpawner applies a choice from a list of as many profiles."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as kubeconfig:
        kubeconfig.write(
            "{apiVersion: v1, kind: Config, current-context: c, users: [{name: u, user: {}}],"
            " clusters: [{name: k, cluster: {server: 'http://127.0.0.1:9'}}],"
            " contexts: [{name: c, context: {cluster: k, user: u}}]}"
        )
        kubeconfig.flush()
        os.environ["KUBECONFIG"] = kubeconfig.name
        from kubespawner import KubeSpawner

        return asyncio.run(_kubespawner(KubeSpawner, catalog, ask))


async def _kubespawner(
    spawner_class: Callable[..., object],
    catalog: Catalog,
    ask: Callable[[], tuple[str, list[str], dict[str, str]]],
) -> list[float]:
    profiles = [
        {
            "slug": profile.name,
            "display_name": profile.title,
            "kubespawner_override": {"image": profile.image.pinned},
            "profile_options": {
                "size": {
                    "display_name": "Size",
                    "choices": {
                        name: {
                            "display_name": name,
                            "kubespawner_override": {"cpu_limit": size.cpu},
                        }
                        for name, size in profile.sizes.items()
                    },
                }
            },
        }
        for profile in catalog.profiles.values()
    ]
    times = []
    for _ in range(200):
        _, _, choice = ask()
        spawner = spawner_class(_mock=True)
        spawner.profile_list = profiles  # type: ignore[attr-defined]
        spawner.user_options = {"profile": choice["profile"], "size": choice["size"]}  # type: ignore[attr-defined]
        load: Callable[[], Awaitable[None]] = spawner.load_user_options  # type: ignore[attr-defined]
        start = time.perf_counter()
        await load()
        times.append((time.perf_counter() - start) * 1000)
    return times


def measure_memory(folder: Path) -> None:
    """Start a Hub with and one without Baton, ask both the same, and compare what they hold."""
    plain = hub_memory(folder / "plain", "")
    ours = hub_memory(folder / "ours", str(folder / "profiles"))
    print(f"\nA Hub's memory (RSS), {PROFILES} profiles loaded")
    print(f"{'JupyterHub':30}{plain / MIB:8.1f} MiB")
    print(f"{'JupyterHub with Baton':30}{ours / MIB:8.1f} MiB{ours / plain:8.2f}")


def hub_memory(folder: Path, profiles: str) -> int:
    """Return the bytes that a Hub's process holds after it refused a start, or failed at one."""
    folder.mkdir()
    (folder / "config.py").write_text(HUB)
    with socket() as one, socket() as two, socket() as three:
        for each in (held := (one, two, three)):
            each.bind(("127.0.0.1", 0))
        public, hub, proxy = (f"http://127.0.0.1:{each.getsockname()[1]}" for each in held)
    settings = {"folder": str(folder), "profiles": profiles, "public": public, "hub": hub}
    settings["proxy"] = proxy
    environment = {**os.environ, "BENCH": json.dumps(settings)}
    command = [sys.executable, "-m", "jupyterhub", "-f", str(folder / "config.py")]
    log = (folder / "hub.log").open("wb")
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    headers = {"Authorization": f"token {'b' * 32}"}
    try:
        with httpx.Client(base_url=f"{hub}/hub/api/", headers=headers, timeout=60) as client:
            while not serves(client):
                if process.poll() is not None:
                    raise SystemExit((folder / "hub.log").read_text())
                time.sleep(0.2)
            client.post("users/ada")
            client.get("users")
            if profiles:
                refused = client.post("users/ada/server", json={"profile": "none"})
                assert refused.status_code < 500, refused.text
            return int(psutil.Process(process.pid).memory_info().rss)
    finally:
        process.terminate()
        process.wait()
        log.close()


def serves(client: httpx.Client) -> bool:
    """Tell whether a Hub answers."""
    try:
        return client.get("").is_success
    except httpx.TransportError:
        return False


def measure_return(folder: Path) -> None:
    """Time what a Hub reads back when it starts; it does so beside serving."""
    path = folder / "audit.jsonl"
    clock = [NOW - timedelta(days=9)]
    audit = Audit(path, lambda: clock[0])
    for number in range(EVENTS // 3):
        one = booking(number, number * 7 % PEOPLE, "", timedelta(hours=9))
        facts = {"decision": "allowed", "code": "ok", "reason": "", "connections": []}
        audit.note("spawn", **one.facts(), **facts, idle_limit=0)
        audit.note("start", **started(one))
        audit.note("stop", **stopped(one, "stopped"))
        clock[0] += timedelta(days=9) / EVENTS * 3
    audit.close()
    begin = time.perf_counter()
    account = load_account(read_events(path), NOW)
    seconds = time.perf_counter() - begin
    assert account.spent_in_total("month", NOW).cpu or NOW.day == 1
    print(
        f"\nA restart reads {EVENTS} events back in {seconds:.2f} s"
        f" ({seconds / EVENTS * 1e6:.0f} s for a million)"
    )


if __name__ == "__main__":
    with contextlib.redirect_stderr(io.StringIO()):
        main()
