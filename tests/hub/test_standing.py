"""How somebody stands: what is said, and that nobody reads somebody else's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import httpx
import jupyterhub
import pytest
from tests.hub.running import Platform, wait_for

from baton_hub.amount import Amount
from baton_hub.booking import Booking
from baton_hub.catalog import Catalog, Lifecycle
from baton_hub.catalog.evidence import Finding
from baton_hub.operations.standing import standing
from baton_hub.quota import Bound

TODAY = date(2026, 3, 2)
MEMBER = frozenset({"data-science"})
BOOKING = Booking(
    id="b1",
    user="ada",
    server="",
    groups=MEMBER,
    profile="python",
    size="small",
    image="",
    digest="",
    revision="",
    amount=Amount(1, 1, 1024**3),
    since=datetime(2026, 3, 2, tzinfo=UTC),
    started=datetime(2026, 3, 2, tzinfo=UTC),
)


def kinds(catalog: Catalog, booking: Booking | None = BOOKING) -> list[str]:
    found = standing(catalog, MEMBER, (), booking, TODAY)["notices"]
    return [notice["kind"] for notice in found]


def changed(catalog: Catalog, **more: Any) -> Catalog:
    """The catalogue with another profile python."""
    python = catalog.profiles["python"].model_copy(update=more)
    return replace(catalog, profiles={**catalog.profiles, "python": python}, findings={})


def test_a_server_is_told_with_titles_and_units(catalog: Catalog) -> None:
    server = standing(catalog, MEMBER, (), BOOKING, TODAY)["server"]
    assert (server["title"], server["size_title"]) == ("Plain Python", "Small")
    assert server["resources"] == ["1 CPU", "1 GB"]


def test_the_strictest_limit_of_each_resource_is_told(catalog: Catalog) -> None:
    limits = (
        Bound("user", "ada", "cpu", 4, 1),
        Bound("group", "data-science", "cpu", 8, 7),
        Bound("total", "", "servers", 40, 2),
        Bound("user", "ada", "memory", 8 * 1024**3, 15 * 1024**3 / 2),
        Bound("user", "ada", "cpu_hours", 40, 12.5, "month"),
    )
    left = standing(catalog, MEMBER, limits, None, TODAY)["left"]
    assert [(item["resource"], item["scope"], item["text"]) for item in left] == [
        ("cpu", "group", "1 of 8 CPUs"),
        ("servers", "total", "38 of 40 servers"),
        ("memory", "user", "512 MB of 8 GB memory"),
        ("cpu_hours", "user", "27.5 of 40 CPU hours this month"),
    ]


def test_gpus_are_told_only_to_whom_they_are_offered(catalog: Catalog) -> None:
    limits = (
        Bound("user", "ada", "nvidia.com/gpu", 1, 0),
        Bound("user", "ada", "gpu_hours", 9, 0, "day"),
    )
    assert not standing(catalog, MEMBER, limits, None, TODAY)["left"]
    deep = frozenset({"deep-learning"})
    assert len(standing(catalog, deep, limits, None, TODAY)["left"]) == 2


def test_what_the_profile_faces_is_told(catalog: Catalog) -> None:
    retiring = Lifecycle(deprecated=date(2026, 1, 1), blocked=date(2026, 4, 1))
    blocked = Lifecycle(blocked=TODAY)
    assert kinds(changed(catalog)) == []
    assert kinds(changed(catalog, lifecycle=retiring)) == ["retiring"]
    assert kinds(changed(catalog, lifecycle=blocked)) == ["blocked"]
    assert kinds(replace(catalog, profiles={})) == ["gone"]
    assert kinds(changed(catalog, lifecycle=retiring), None) == [], "no server, nothing to face"


@pytest.mark.parametrize(("expires", "told"), [("2026-03-16", True), ("2026-03-17", False)])
def test_evidence_that_ends_within_two_weeks_is_told(
    catalog: Catalog, expires: str, told: bool
) -> None:
    finding = Finding(expires=date.fromisoformat(expires), expires_because="scan")
    soon = replace(changed(catalog), findings={"python": finding})
    assert kinds(soon) == (["evidence"] if told else [])


@pytest.fixture(scope="module")
def developer(platform: Platform) -> Iterator[httpx.Client]:
    """The developer, with a server that runs."""
    with platform.api("developer") as client:
        options = {"profile": "python"}
        six = jupyterhub.version_info >= (6,)
        client.post("users/developer/server", json={"user_options": options} if six else options)
        server = lambda: client.get("users/developer").json()["servers"].get("", {})  # noqa: E731
        wait_for(lambda: server().get("ready"), "the server")
        yield client
        client.delete("users/developer/server")
        wait_for(lambda: not server(), "the stop")


def test_one_reads_ones_own_and_nobody_elses(platform: Platform, developer: httpx.Client) -> None:
    own = developer.get("baton/standing").json()
    assert own["user"] == "developer"
    assert own["server"]["profile"] == "python"
    with platform.api("scientist") as scientist:
        other = scientist.get("baton/standing").json()
        assert (other["user"], other["server"]) == ("scientist", None)
        assert scientist.get("baton/standing", params={"server": "x"}).json()["server"] is None


@pytest.mark.parametrize("service", ["desk", "mlflow"])
def test_services_and_strangers_are_refused(platform: Platform, service: str) -> None:
    token = platform.secrets[f"{service}_token"]
    for headers in ({"Authorization": f"token {token}"}, {}, {"Authorization": "token wrong"}):
        for path in ("standing", "idle"):
            answer = httpx.get(f"{platform.url}/hub/api/baton/{path}", headers=headers)
            assert answer.status_code == 403, (path, headers)


def test_people_can_not_ask_what_the_culler_asks(developer: httpx.Client) -> None:
    assert developer.get("baton/idle").status_code == 403
    assert developer.post("baton/idle", json={"name": "developer/"}).status_code == 403


def test_a_token_without_the_scope_is_refused(platform: Platform, developer: httpx.Client) -> None:
    """A reader may read and not say when the server was used; others may not even read."""
    make = "users/developer/tokens"
    reader = developer.post(make, json={"scopes": ["custom:baton:standing"]}).json()["token"]
    other = developer.post(make, json={"scopes": ["read:users!user"]}).json()["token"]
    url = f"{platform.url}/hub/api/baton/standing"
    with httpx.Client(headers={"Authorization": f"token {reader}"}) as client:
        assert client.get(url).status_code == 200
        assert client.post(url, json={"server": "", "idle": 0}).status_code == 403
    with httpx.Client(headers={"Authorization": f"token {other}"}) as client:
        assert client.get(url).status_code == 403


@pytest.mark.parametrize(
    "body", [[], {}, {"server": 1, "idle": 0}, {"server": "", "idle": "0"}, {"server": ""}]
)
def test_a_wrong_body_is_the_callers_mistake(developer: httpx.Client, body: Any) -> None:
    assert developer.post("baton/standing", json=body).status_code == 400


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e300", "1" + "0" * 400])
def test_a_number_that_is_no_length_of_time_is_refused(
    developer: httpx.Client, number: str
) -> None:
    body = f'{{"server": "", "idle": {number}}}'
    assert developer.post("baton/standing", content=body).status_code == 400


def test_the_hubs_own_record_follows_what_the_server_says(developer: httpx.Client) -> None:
    def last() -> str:
        return str(developer.get("users/developer").json()["servers"][""]["last_activity"])

    before = last()
    assert developer.post("baton/standing", json={"server": "", "idle": 0}).status_code == 200
    assert last() > before
    now = last()
    assert developer.post("baton/standing", json={"server": "", "idle": 9999}).status_code == 200
    assert last() == now
