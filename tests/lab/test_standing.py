"""This server's standing and its warning: what counts as use, and who is told when."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.lab.conftest import Lab, scientist_env, start_lab

from baton_contract.errors import UnavailableError
from baton_lab.idle import RETRY, Watch

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LIMIT, LEAD = 3600, 600


class World:
    """A Hub, a person and a clock: time passes only while the watch sleeps."""

    def __init__(self) -> None:
        self.now = self.used = self.end = NOON
        self.is_over = asyncio.Event()
        self.limit = LIMIT
        self.is_watched = True
        self.is_away = False
        self.comes_back: list[datetime] = []
        self.asked: list[datetime] = []
        self.told: list[tuple[datetime, datetime | None]] = []

    def clock(self) -> datetime:
        return self.now

    def last(self) -> datetime:
        return self.used

    def touch(self) -> None:
        self.used = self.now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        awake = self.now + timedelta(seconds=seconds)
        self.now = min(awake, self.end)
        if awake > self.end:
            self.is_over.set()
            await asyncio.Event().wait()
        for moment in [m for m in self.comes_back if m <= self.now]:
            self.used = max(self.used, moment)

    async def standing(self, idle: float) -> dict[str, Any] | None:
        self.asked.append(self.now)
        if self.is_away:
            raise UnavailableError("hub_unavailable", "The Hub does not answer.")
        if not self.limit:
            return {"idle": None}
        remaining = max(self.limit - idle, 0)
        known = {"limit": self.limit, "remaining": remaining, "warning": LEAD}
        return {"idle": {**known, "is_watched": self.is_watched}}

    def watch(self) -> Watch:
        def told(stops_at: datetime | None) -> None:
            self.told.append((self.now, stops_at))

        return Watch(self, self, told, clock=self.clock, sleep=self.sleep)

    async def until(self, moment: datetime, watch: Watch | None = None) -> None:
        """Have the watch run until then."""
        self.end, self.is_over = moment, asyncio.Event()
        task = asyncio.ensure_future((watch or self.watch()).run())
        over = asyncio.ensure_future(self.is_over.wait())
        await asyncio.wait({task, over}, return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


async def test_the_warning_comes_ten_minutes_before_with_the_time() -> None:
    world = World()
    await world.until(after(LIMIT - 1))
    assert world.told == [(after(LIMIT - LEAD), after(LIMIT))]


async def test_the_hub_is_asked_only_when_a_warning_could_be_due() -> None:
    """Two questions in an hour: at the start, and when ten minutes are left."""
    world = World()
    await world.until(after(LIMIT - 60))
    assert world.asked == [NOON, after(LIMIT - LEAD)]


async def test_who_works_on_is_never_warned() -> None:
    world = World()
    world.comes_back = [after(minutes * 60) for minutes in range(0, 600, 40)]
    await world.until(after(9 * 3600))
    assert world.told == []


async def test_the_hub_hears_of_use_before_the_time_is_up() -> None:
    world = World()
    world.comes_back = [after(LIMIT - 1800)]
    await world.until(after(LIMIT + 60))
    heard = [moment for moment in world.asked if after(LIMIT - 1800) <= moment <= after(LIMIT)]
    assert heard
    assert world.told == []


async def test_use_takes_the_warning_back_in_time() -> None:
    world = World()
    world.comes_back = [after(LIMIT - 30)]
    await world.until(after(LIMIT + 60))
    (_, first), (back, nothing) = world.told
    assert (first, nothing) == (after(LIMIT), None)
    assert after(LIMIT - 30) <= back < after(LIMIT)
    assert any(back <= moment < after(LIMIT) for moment in world.asked), "the Hub was not told"


async def test_the_button_counts_as_use_and_the_hub_hears_at_once() -> None:
    world = World()
    watch = world.watch()
    await world.until(after(LIMIT - 300), watch)
    world.asked.clear()
    await watch.keep()
    assert world.asked == [world.now]
    assert world.told[-1][1] is None
    assert watch.stops_at is None


async def test_a_hub_that_is_away_is_asked_again() -> None:
    world = World()
    world.is_away = True
    await world.until(after(RETRY * 2 + 1))
    assert len(world.asked) >= 3
    world.is_away = False
    await world.until(after(LIMIT - 1))
    assert len(world.told) == 1


async def test_without_a_culler_at_work_nobody_is_warned() -> None:
    world = World()
    world.is_watched = False
    await world.until(after(LIMIT * 2))
    assert world.told == []


async def test_a_server_that_is_never_stopped_is_not_watched() -> None:
    world = World()
    world.limit = 0
    await world.until(after(60))
    assert world.asked == [NOON]


class FakeHub:
    """A Hub's API over real HTTP, that remembers what the server says of itself."""

    def __init__(self) -> None:
        self.idle: list[float] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.idle.append(body["idle"])
                server = {"id": "s1", "title": "Plain Python", "connections": {"sales": "Sales"}}
                answer = json.dumps({"user": "scientist", "server": server, "idle": IDLE}).encode()
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hub/api"


IDLE = {"limit": 3600, "remaining": 3600, "warning": 600, "is_watched": True}


@pytest.fixture(scope="module")
def fake_hub() -> Iterator[FakeHub]:
    fake = FakeHub()
    threading.Thread(target=fake.server.serve_forever, daemon=True).start()
    yield fake
    fake.server.shutdown()
    fake.server.server_close()


@pytest.fixture(scope="module")
def hub_lab(fake_hub: FakeHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A server with a Hub, with one connection attached."""
    env = scientist_env("", "") | {
        "JUPYTERHUB_API_URL": fake_hub.url,
        "BATON_CONNECTIONS": "sales,unnamed",
    }
    with start_lab(Path(tmp_path_factory.mktemp("standing")) / "scientist", env) as lab:
        lab.process.await_answer("/login")
        yield lab


def idle_now(lab: Lab, fake_hub: FakeHub) -> float:
    """Return for how long the server says that it has not been used."""
    assert lab.http.get("server").is_success
    return fake_hub.idle[-1]


def test_the_panel_gets_the_hubs_words_and_the_connections_titles(hub_lab: Lab) -> None:
    answer = hub_lab.get("server")
    assert answer["server"]["connections"] == ["Sales", "unnamed"]
    assert answer["stops_at"] is None


def test_refreshing_is_no_use_and_changing_is(hub_lab: Lab, fake_hub: FakeHub) -> None:
    """A page polls for ever; who saves a file is there."""
    first = idle_now(hub_lab, fake_hub)
    for path in ("kernels", "sessions", "contents", "status", "kernelspecs"):
        assert hub_lab.http.get(f"{hub_lab.url}/api/{path}").is_success
    assert idle_now(hub_lab, fake_hub) > first
    body = {"type": "file", "format": "text", "content": "x"}
    assert hub_lab.http.put(f"{hub_lab.url}/api/contents/a.txt", json=body).is_success
    assert idle_now(hub_lab, fake_hub) < first


def test_a_page_that_is_opened_is_use(hub_lab: Lab, fake_hub: FakeHub) -> None:
    before = idle_now(hub_lab, fake_hub)
    headers = {"Sec-Fetch-Mode": "navigate"}
    assert hub_lab.http.get(f"{hub_lab.url}/api/contents", headers=headers).is_success
    assert idle_now(hub_lab, fake_hub) < before + 1


def test_a_request_that_is_refused_is_no_use(hub_lab: Lab, fake_hub: FakeHub) -> None:
    before = idle_now(hub_lab, fake_hub)
    wrong = {"Authorization": "token wrong"}
    assert hub_lab.http.put(f"{hub_lab.url}/api/contents/b", headers=wrong, json={}).is_error
    assert idle_now(hub_lab, fake_hub) > before


def test_a_kernel_that_computes_in_silence_is_use(
    hub_lab: Lab, fake_hub: FakeHub, until: Callable[..., Any], tmp_path: Path
) -> None:
    """For as long as it does, without a word from it and without anybody connected."""
    from jupyter_client import BlockingKernelClient, find_connection_file

    kernels = f"{hub_lab.url}/api/kernels"
    kernel = hub_lab.http.post(kernels, json={}).json()["id"]
    folder = hub_lab.home / ".local" / "share" / "jupyter" / "runtime"
    client = BlockingKernelClient()
    path = find_connection_file(f"kernel-{kernel}.json", path=[str(folder)])
    client.load_connection_file(path)
    # Without the heart's: a kernel on a busy machine misses a beat, and would count as dead.
    client.start_channels(hb=False)
    client.wait_for_ready(timeout=120)
    done = tmp_path / "done"
    client.execute(f"import os, time\nwhile not os.path.exists({str(done)!r}): time.sleep(0.05)")
    until(lambda: hub_lab.http.get(kernels).json()[0]["execution_state"] == "busy")
    assert idle_now(hub_lab, fake_hub) == 0
    done.touch()
    until(lambda: hub_lab.http.get(kernels).json()[0]["execution_state"] == "idle")
    assert idle_now(hub_lab, fake_hub) > 0
    client.stop_channels()
    hub_lab.http.delete(f"{kernels}/{kernel}")


def test_the_button_tells_the_hub(hub_lab: Lab, fake_hub: FakeHub) -> None:
    assert hub_lab.post("server/keep").status_code == 204
    assert fake_hub.idle[-1] < 0.5


@pytest.mark.parametrize("status", [403, 404])
def test_an_older_hub_tells_nothing_and_nothing_is_shown(
    hub_lab: Lab, fake_hub: FakeHub, status: int
) -> None:
    fake_hub.status = status
    assert hub_lab.http.get("server").json() is None
    fake_hub.status = 200


def test_a_hub_that_fails_is_one_sentence(hub_lab: Lab, fake_hub: FakeHub) -> None:
    fake_hub.status = 500
    answer = hub_lab.http.get("server")
    fake_hub.status = 200
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "hub_unavailable"


def test_without_a_hub_there_is_nothing_to_show_or_keep(plain_lab: Lab) -> None:
    assert plain_lab.http.get("server").json() is None
    assert plain_lab.post("server/keep").status_code == 404
