"""A real Hub: limits hold exactly when a hundred start at once, also when it is killed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.hub.hub_process import HubProcess
from tests.hub.running import wait_for

LIMIT = 9
PEOPLE = [f"person-{number:02}" for number in range(100)]
PROFILE = """
name: light
title: Light
description: Does nothing.
owner: Tests
image:
  reference: quay.io/example/light:1
  digest: sha256:0000000000000000000000000000000000000000000000000000000000000000
evidence: {approval: {by: Tests, on: 2026-11-01}}
access: {groups: [science]}
sizes:
  one: {cpu: 0.1, memory: 64M}
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    folder = tmp_path_factory.mktemp("hub")
    profiles = folder / "profiles"
    profiles.mkdir()
    (profiles / "light.yaml").write_text(PROFILE)
    (profiles / "evidence.yaml").write_text("required: [approval]\napproval_days: 36500\n")
    limit(profiles, f"total: {{servers: {LIMIT}}}")
    running = HubProcess(folder, profiles)
    try:
        running.start()
        running.add_people(PEOPLE, "science")
        yield running
    finally:
        running.close()


def limit(profiles: Path, text: str) -> None:
    (profiles / "quotas.yaml").write_text(f"{text}\n")


def change_limit(hub: HubProcess, text: str) -> None:
    """Change the limits; returns when the Hub decides by them, which it records."""
    before = catalogues(hub)
    limit(hub.profiles, text)

    def is_in_effect() -> bool:
        hub.ask("person-00", profile="nothing")
        return catalogues(hub) > before

    wait_for(is_in_effect, "the new limits")


def catalogues(hub: HubProcess) -> int:
    """Return how many catalogues have been in effect."""
    return sum(event["event"] == "catalog" for event in hub.events())


def outcomes(answers: list[httpx.Response | None]) -> Counter[object]:
    """Count statuses, of refusals with their codes."""
    found: Counter[object] = Counter()
    for answer in answers:
        code = answer.headers.get("Baton-Refusal", "") if answer else ""
        status = answer.status_code if answer is not None else None
        found[(status, code) if code else status] += 1
    return found


def is_consistent(hub: HubProcess) -> bool:
    """Tell whether audit, Hub and machine agree on what runs."""
    return hub.unfinished() == set(hub.servers()) == hub.processes()


def check_the_record(hub: HubProcess) -> None:
    """Every allowed decision was recorded once, and stopped at most once."""
    events = hub.events()
    spawned = Counter(e["id"] for e in events if e.get("decision") == "allowed")
    stopped = Counter(e["id"] for e in events if e["event"] == "stop")
    assert set(spawned.values()) | set(stopped.values()) <= {1}
    assert stopped.keys() <= spawned.keys()


def test_of_a_hundred_people_who_start_at_once_exactly_as_many_as_fit_are_admitted(
    hub: HubProcess,
) -> None:
    answers = hub.ask_for_all(((name, "") for name in PEOPLE), profile="light")
    assert outcomes(answers) == {201: LIMIT, (403, "quota_servers"): 100 - LIMIT}
    assert is_consistent(hub)
    assert len(hub.servers()) == LIMIT
    decisions = Counter(e["code"] for e in hub.events() if e["event"] == "spawn")
    assert decisions == {"ok": LIMIT, "quota_servers": 100 - LIMIT}
    hub.stop_all()
    wait_for(lambda: is_consistent(hub), "the end of the servers")
    check_the_record(hub)


def test_of_a_hundred_servers_of_one_person_exactly_as_many_as_fit_are_admitted(
    hub: HubProcess,
) -> None:
    """By a limit on CPUs: 0.5 of them are five times 0.1."""
    change_limit(hub, "each_user: {cpu: 0.5}")
    keys = [("person-00", f"server-{number}") for number in range(100)]
    answers = hub.ask_for_all(keys, profile="light")
    assert outcomes(answers) == {201: 5, (403, "quota_cpu"): 95}
    hub.stop_all()
    change_limit(hub, f"total: {{servers: {LIMIT}}}")


@pytest.mark.parametrize("decided", [1, LIMIT // 2, LIMIT])
def test_a_hub_that_is_killed_in_the_middle_passes_no_limit_and_leaks_nothing(
    hub: HubProcess, decided: int
) -> None:
    """However far it was: what it restores, and what starts then, are as many as fit."""
    before = len(hub.allowed())
    threads = [
        threading.Thread(target=hub.ask, args=(name, ""), kwargs={"profile": "light"})
        for name in PEOPLE
    ]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(hub.allowed()) - before >= decided, "the first decisions")
    hub.kill()
    for thread in threads:
        thread.join()
    assert len(hub.allowed()) - before <= LIMIT
    hub.start()
    wait_for(lambda: is_consistent(hub), "the end of what was lost")
    restored = len(hub.servers())
    assert restored <= LIMIT
    idle = set(PEOPLE) - {user for user, _ in hub.servers().values()}
    answers = hub.ask_for_all(((name, "") for name in sorted(idle)), profile="light")
    started = LIMIT - restored
    refused = len(idle) - started
    assert outcomes(answers) == Counter({201: started, (403, "quota_servers"): refused})
    assert is_consistent(hub)
    assert len(hub.servers()) == LIMIT
    hub.stop_all()
    wait_for(lambda: is_consistent(hub), "the end of the servers")
    check_the_record(hub)
