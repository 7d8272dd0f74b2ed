"""A real Hub's audit: what is in it, its hours and figures, and that nothing starts without it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import jupyterhub
import psutil
import pytest
from tests.hub.recorded import baton, check_audit
from tests.hub.running import Platform, wait_for, xsrf

from baton_hub.audit.files import log_files
from baton_hub.metrics import METRICS

RUN = 15.0
"""Seconds that a server runs: what is measured below is well under a hundredth of it."""


@pytest.fixture(scope="module")
def developer(platform: Platform) -> Iterator[httpx.Client]:
    with platform.api("developer") as client:
        yield client


@dataclass
class Observed:
    """A server's process as the operating system has it, seen by nobody of the Hub."""

    process: psutil.Process
    started: float
    ended: float | None = None

    @property
    def hours(self) -> float:
        assert self.ended is not None
        return (self.ended - self.started) / 3600


def observe(process: psutil.Process) -> Observed:
    """Watch a process until it ends; when it began says the kernel, in its own clock."""
    since_boot = process.create_time() - psutil.boot_time()
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    found = Observed(process, time.time() - (uptime - since_boot))

    def watch() -> None:
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        found.ended = time.time()

    Thread(target=watch, daemon=True).start()
    return found


def start(client: httpx.Client, server: str, **options: str) -> httpx.Response:
    asked = {"user_options": options} if jupyterhub.version_info >= (6,) else options
    return client.post(f"users/developer/servers/{server}", json=asked)


def running_server(platform: Platform, client: httpx.Client, name: str) -> Observed:
    assert start(client, name, profile="python", size="small").status_code < 300
    wait_for(lambda: servers(client).get(name, {}).get("ready"), f"the server {name}")
    every = psutil.Process(platform.process.pid).children(recursive=True)
    (process,) = [p for p in every if is_server(p, name)]
    return observe(process)


def is_server(process: psutil.Process, name: str) -> bool:
    try:
        return (
            "jupyterhub.singleuser" in process.cmdline()
            and process.environ().get("JUPYTERHUB_SERVER_NAME") == name
        )
    except psutil.Error:
        return False


def servers(client: httpx.Client) -> dict[str, Any]:
    return dict(client.get("users/developer").json()["servers"])


def usage(platform: Platform, *options: str) -> dict[str, Any]:
    answer = baton("usage", "--json", "--audit", platform.folder / "audit.jsonl", *options)
    assert answer.returncode == 0, answer.stderr
    return dict(json.loads(answer.stdout))


def test_hours_are_within_a_hundredth_of_what_really_ran_also_when_the_hub_was_killed(
    platform: Platform, developer: httpx.Client
) -> None:
    """One server is stopped by its person, one ends by itself while the Hub is another."""
    began = datetime.now(UTC).isoformat()
    asked = running_server(platform, developer, "asked")
    alone = running_server(platform, developer, "alone")
    seen = len(platform.lines)
    hub = next(
        p for p in psutil.Process(platform.process.pid).children() if "jupyterhub" in p.cmdline()
    )
    hub.kill()
    platform.news("The Hub stopped (signal 9)", seen)
    platform.news("The Hub is up again.", seen)
    time.sleep(max(asked.started + RUN - time.time(), 0))

    now = usage(platform, "--from", began)
    so_far = sum((time.time() - one.started) / 3600 for one in (asked, alone))
    assert now["running"] == 2
    # Starting the command itself takes its time.
    assert now["total"]["server_hours"] == pytest.approx(so_far, abs=2 * 2 / 3600)

    developer.delete("users/developer/servers/asked")
    wait_for(lambda: asked.ended, "the end of the one")
    alone.process.kill()
    wait_for(lambda: alone.ended, "the end of the other")
    wait_for(lambda: usage(platform, "--from", began)["running"] == 0, "both stops")
    ran = {event["server"]: event for event in platform.audit() if event["event"] == "stop"}
    assert (ran["asked"]["code"], ran["alone"]["code"]) == ("stopped", "ended")
    found = moments(ran["asked"])
    assert found == pytest.approx(asked.hours, rel=0.01)
    # It was noticed at the next look, of which there is one in 5 seconds.
    assert 0 <= moments(ran["alone"]) - alone.hours < 6 / 3600
    total = usage(platform, "--from", began)
    (row,) = total["rows"]
    assert row["user"] == "developer"
    assert row["server_hours"] == pytest.approx(found + moments(ran["alone"]), abs=2e-6)
    assert row["cpu_hours"] == row["server_hours"]


def moments(stop: dict[str, Any]) -> float:
    """Return the hours between the two moments of a stop's event."""
    ended, started = (datetime.fromisoformat(stop[key]) for key in ("time", "started"))
    return (ended - started).total_seconds() / 3600


def test_what_the_hub_recorded_fits_the_schema_and_the_chain_is_whole(
    platform: Platform, developer: httpx.Client
) -> None:
    """Every kind of line that a Hub on one machine writes, and no secret among them."""
    start(developer, "huge", profile="python", size="huge")
    start(developer, "other", profile="pytorch-gpu", size="one-gpu")
    with platform.sign_in("developer") as browser:
        browser.post(f"/hub/spawn/developer?_xsrf={xsrf(browser)}", data={"choice": "python/small"})
        wait_for(lambda: servers(developer).get("", {}).get("ready"), "the server")
        quota = start(developer, "second", profile="python", size="medium")
        assert quota.headers["Baton-Refusal"] == "quota_cpu"
        developer.delete("users/developer/server")
    wait_for(lambda: platform.audit()[-1]["event"] == "stop", "the stop's record")
    events = check_audit(platform.folder / "audit.jsonl", tuple(platform.secrets.values()))
    assert {event["event"] for event in events} == {"begin", "catalog", "spawn", "start", "stop"}
    spawns = (e for e in events if e["event"] == "spawn" and e["user"] == "developer")
    refused = {e["code"]: e for e in spawns if e["decision"] == "refused"}
    assert refused["unknown_size"]["size"] == "huge"
    assert refused["unknown_size"]["cpu"] is None
    # What a limit stood against is recorded whole, so that other limits can be tried on it.
    assert (refused["quota_cpu"]["cpu"], refused["quota_cpu"]["size"]) == (2, "medium")
    assert refused["quota_cpu"]["digest"].startswith("sha256:")
    assert baton("audit", "verify", platform.folder / "audit.jsonl").returncode == 0


def test_a_start_that_cannot_be_recorded_does_not_happen_and_a_stop_does(
    platform: Platform, developer: httpx.Client
) -> None:
    path = platform.folder / "audit.jsonl"
    observed = running_server(platform, developer, "before")
    aside = path.rename(platform.folder / "aside")
    path.mkdir()
    try:
        answer = start(developer, "never", profile="python", size="small")
        assert (answer.status_code, answer.headers["Baton-Refusal"]) == (503, "audit_unavailable")
        assert "the Hub can't record it" in answer.json()["message"]
        assert not servers(developer).get("never", {}).get("ready")
        developer.delete("users/developer/servers/before")
        wait_for(lambda: observed.ended, "the server's end")
        assert scrape(platform)["baton_audit_waiting_events"] == 2
    finally:
        path.rmdir()
        aside.rename(path)
    wait_for(lambda: not servers(developer).get("before", {}).get("pending"), "the stop")
    assert scrape(platform)["baton_audit_waiting_events"] == 0
    last = [(e["event"], e.get("server"), e.get("code")) for e in platform.audit()[-2:]]
    assert last == [("spawn", "never", "audit_unavailable"), ("stop", "before", "stopped")]
    check_audit(path)


def scrape(platform: Platform) -> dict[str, float]:
    """Return the Hub's own metrics, as a Prometheus with a token that may read them sees them."""
    with platform.api("operator") as operator:
        made = operator.post("users/operator/tokens", json={"scopes": ["read:metrics"]})
        assert made.status_code == 201, made.text
    headers = {"Authorization": f"Bearer {made.json()['token']}"}
    answer = httpx.get(f"{platform.url}/hub/metrics", headers=headers)
    assert answer.status_code == 200
    pairs = [line.rsplit(" ", 1) for line in answer.text.splitlines() if line[:1] != "#"]
    return {name: float(value) for name, value in pairs if name.startswith("baton_")}


def test_prometheus_sees_what_runs_what_is_left_and_what_was_decided(
    platform: Platform, developer: httpx.Client
) -> None:
    quotas = platform.profiles / "quotas.yaml"
    before = quotas.read_text()
    quotas.write_text(
        "each_user: {servers: 3, cpu: 2}\n"
        "groups: {data-science: {cpu: 8, budget: {period: week, cpu_hours: 100}}}\n"
        "total: {servers: 40}\n"
    )
    try:
        observed = running_server(platform, developer, "measured")
        start(developer, "huge", profile="python", size="huge")
        found = scrape(platform)
        developer.delete("users/developer/servers/measured")
        wait_for(lambda: observed.ended, "the server's end")
    finally:
        quotas.write_text(before)
    assert found['baton_servers{profile="python",state="running"}'] == 1
    assert found['baton_cpu_in_use{profile="python"}'] == 1
    assert found['baton_memory_in_use_bytes{profile="python"}'] == 2**30
    assert found['baton_group_servers{group="data-science"}'] == 0
    labels = 'group="",resource="servers",scope="total"'
    assert found[f"baton_quota_limit{{{labels}}}"] == 40
    assert found[f"baton_quota_left{{{labels}}}"] == 39
    labels = 'group="data-science",period="week",resource="cpu_hours",scope="group"'
    # Other tests' servers on this platform used some minutes of it.
    assert found[f"baton_budget_left_hours{{{labels}}}"] == pytest.approx(100, abs=2)
    assert found['baton_decisions_total{code="ok",decision="allowed"}'] >= 1
    assert found['baton_decisions_total{code="unknown_size",decision="refused"}'] >= 1
    assert found["baton_catalog_faults"] == 0
    assert found["baton_catalog_loaded_timestamp_seconds"] == pytest.approx(time.time(), abs=600)
    assert sum(name.startswith("baton_catalog_info") for name in found) == 1
    assert found["baton_audit_lines"] > 2
    assert not [name for name in found if "developer" in name and "app-developers" not in name]
    names = {name.split("{")[0] for name in found}
    assert names <= METRICS.keys()


def test_the_command_lists_what_runs(platform: Platform, developer: httpx.Client) -> None:
    observed = running_server(platform, developer, "listed")
    where = ["--profiles", platform.profiles, "--audit", platform.folder / "audit.jsonl"]
    listed = json.loads(baton("catalog", "running", "--all", "--json", *where).stdout)
    assert [(one["user"], one["server"], one["state"]) for one in listed] == [
        ("developer", "listed", "active")
    ]
    developer.delete("users/developer/servers/listed")
    wait_for(lambda: observed.ended, "the server's end")
    wait_for(lambda: platform.audit()[-1]["event"] == "stop", "the stop's record")
    assert baton("catalog", "running", *where).stdout == "No server runs.\n"


def test_a_second_hub_on_the_same_audit_ends_with_one_sentence(
    platform: Platform, tmp_path: Path
) -> None:
    """And the Hub's other commands, which read the same configuration, do not mind."""
    path = platform.folder / "audit.jsonl"
    (tmp_path / "config.py").write_text(
        "from baton_hub import configure\n"
        "configure(c, spawner='local', public_url='http://127.0.0.1:1', mlflow_api_token='m' * 32,"
        f" desk_api_token='d' * 32, profiles='{platform.profiles}', audit_file='{path}')\n"
    )
    hub = [sys.executable, "-m", "jupyterhub"]
    settings = {"cwd": tmp_path, "capture_output": True, "text": True, "timeout": 60}
    second = subprocess.run([*hub, "-f", "config.py"], check=False, **settings)
    assert second.returncode == 1
    assert second.stderr == (
        f"Baton can't start this Hub: Another Hub writes the audit {path}: stop it, or give each"
        " Hub an audit_file of its own.\n"
    )
    other = subprocess.run([*hub, "upgrade-db", "-f", "config.py"], check=False, **settings)
    assert other.returncode == 0, other.stderr


def test_one_file_holds_it_all(platform: Platform) -> None:
    assert log_files(platform.folder / "audit.jsonl") == [platform.folder / "audit.jsonl"]
