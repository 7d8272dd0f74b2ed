"""What is idle, who says so, and what the culler makes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

from baton_hub.amount import Amount
from baton_hub.booking import Booking
from baton_hub.idle import Idleness, Uses
from baton_hub.idle.culler import Arbiter

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def uses(clock: Clock) -> Uses:
    return Uses(clock)


def server(limit: int = 600, **more: Any) -> Booking:
    """A server that has run since noon."""
    known = Booking(
        id="b1",
        user="ada",
        server="",
        groups=frozenset(),
        profile="python",
        size="small",
        image="",
        digest="",
        revision="",
        amount=Amount(1, 1, 1),
        since=NOW,
        started=NOW,
        idle_limit=limit,
    )
    return replace(known, **more)


def test_a_server_without_a_limit_is_never_due() -> None:
    assert not Idleness(limit=0, idle=10**9).is_due
    assert Idleness(limit=0, idle=10**9).remaining is None


def test_people_are_warned_at_most_half_of_the_limit_before() -> None:
    assert Idleness(limit=3600, idle=0).warning(600) == 600
    assert Idleness(limit=600, idle=0).warning(600) == 300


def test_a_server_is_idle_since_it_said_it_was_used(uses: Uses, clock: Clock) -> None:
    """What the Hub saw meanwhile is no use: an open page refreshes itself for ever."""
    clock.forward(1000)
    uses.note(server(), idle=30)
    assert uses.idleness(server(), seen=clock()).idle == 30


def test_an_older_use_changes_nothing(uses: Uses, clock: Clock) -> None:
    clock.forward(1000)
    uses.note(server(), idle=30)
    uses.note(server(), idle=500)
    uses.note(server(), idle=-1e9)
    assert uses.idleness(server(), seen=None).idle == 0


def test_before_it_says_anything_the_hubs_own_figure_counts(uses: Uses, clock: Clock) -> None:
    clock.forward(1000)
    assert uses.idleness(server(), seen=NOW + timedelta(seconds=900)).idle == 100
    assert uses.idleness(server(), seen=None).idle == 1000
    assert uses.idleness(server(), seen=NOW - timedelta(days=1)).idle == 1000, "of an earlier run"


def test_the_next_server_of_the_same_name_begins_anew(uses: Uses, clock: Clock) -> None:
    uses.note(server(), idle=0)
    clock.forward(1000)
    again = server(id="b2", since=clock(), started=clock())
    assert uses.idleness(again, seen=None).idle == 0


def test_somebody_who_came_back_keeps_the_server(uses: Uses, clock: Clock) -> None:
    clock.forward(600)
    assert uses.idleness(server(), seen=None).is_due
    uses.note(server(), idle=0)
    assert not uses.cull(server(), seen=None)


def test_a_hub_that_just_started_lets_servers_speak_first(uses: Uses, clock: Clock) -> None:
    """Code may have run while the Hub was away, and the last that it heard is old."""
    long_ago = NOW - timedelta(days=1)
    old = server(since=long_ago, started=long_ago)
    assert not uses.cull(old, seen=long_ago)
    clock.forward(20)
    uses.note(old, idle=5000)
    assert uses.cull(old, seen=long_ago), "it spoke, and was idle"
    silent = server(id="b2", since=long_ago, started=long_ago)
    assert not uses.cull(silent, seen=long_ago)
    clock.forward(100)
    assert uses.cull(silent, seen=long_ago)


def test_a_stop_is_the_cullers_only_when_it_asked_just_before(uses: Uses, clock: Clock) -> None:
    clock.forward(600)
    assert not uses.was_culled(server())
    assert uses.cull(server(), seen=None)
    assert uses.was_culled(server())
    clock.forward(3600)
    assert not uses.was_culled(server()), "the stop that was asked for never came"


def test_a_server_that_still_starts_is_not_culled(uses: Uses, clock: Clock) -> None:
    clock.forward(10_000)
    assert not uses.cull(server(started=None), seen=None)


def test_a_culler_that_fell_silent_is_taken_for_dead(uses: Uses, clock: Clock) -> None:
    assert not uses.is_watched(60)
    uses.watch([server()])
    clock.forward(179)
    assert uses.is_watched(60)
    clock.forward(2)
    assert not uses.is_watched(60)


def test_what_is_gone_is_forgotten(uses: Uses, clock: Clock) -> None:
    uses.note(server(), idle=0)
    uses.watch([])
    clock.forward(100)
    assert uses.idleness(server(), seen=None).idle == 100


class Hub:
    """The Hub's answers about idleness: a real HTTP server that counts what it is asked."""

    def __init__(self) -> None:
        self.due: list[str] = []
        self.stop = True
        self.asked: list[str] = []


@pytest.fixture
async def hub() -> Hub:
    return Hub()


@pytest.fixture
async def arbiter(hub: Hub) -> Iterator[Arbiter]:  # type: ignore[misc]
    class Idle(RequestHandler):
        def get(self) -> None:
            hub.asked.append(f"GET {self.request.headers['Authorization']}")
            self.finish({"due": hub.due})

        def post(self) -> None:
            hub.asked.append(f"POST {json.loads(self.request.body)['name']}")
            self.finish({"stop": hub.stop})

    listening, port = bind_unused_port()
    serving = HTTPServer(Application([("/hub/api/baton/idle", Idle)]))
    serving.add_socket(listening)
    yield Arbiter(f"http://127.0.0.1:{port}/hub/api", "secret")
    serving.stop()


async def ask(arbiter: Arbiter, name: str) -> bool:
    """Ask as jupyterhub-idle-culler does."""
    model = {"full_name": name, "user_options": {"stop_when_idle": 1}}
    return await arbiter(inactive=timedelta(days=9), inactive_limit=600, server=model)


async def test_the_arbiter_stops_what_the_hub_says_and_nothing_else(
    hub: Hub, arbiter: Arbiter
) -> None:
    """However long the culler itself takes it to be idle, and whatever its options say."""
    hub.due = ["ada/"]
    assert await ask(arbiter, "ada/")
    assert not await ask(arbiter, "ada/second")
    assert hub.asked == ["GET token secret", "POST ada/"], "one list for both"


async def test_the_arbiter_asks_once_more_right_before_the_stop(hub: Hub, arbiter: Arbiter) -> None:
    hub.due, hub.stop = ["ada/"], False
    assert not await ask(arbiter, "ada/")
