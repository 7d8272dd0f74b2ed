"""Webhooks to a real receiver over HTTP, verified by Standard Webhooks' own library."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.fernet import InvalidToken
from standardwebhooks import Webhook
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

from baton_contract import BadRequestError, validate
from baton_desk.notifier import backoff
from baton_desk.notifier.address import (
    AddressPolicy,
    AddressRefusedError,
    CheckedBackend,
    is_public,
)
from baton_desk.notifier.webhook import parse_retry_after
from baton_desk.seal import Seal


class Receiver:
    """Somebody's web server; ``answers`` are used up one after the other, then 204."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def has(self, count: int, seconds: float = 20) -> list[tuple[dict[str, str], bytes]]:
        """Return what arrived, once there is so much."""
        deadline = time.monotonic() + seconds
        while len(self.got) < count:
            assert time.monotonic() < deadline, f"{len(self.got)} of {count} arrived"
            await asyncio.sleep(0.01)
        return self.got


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    state = Receiver()

    class Hook(RequestHandler):
        def post(self) -> None:
            state.got.append((dict(self.request.headers), self.request.body))
            status, headers = state.answers.pop(0) if state.answers else (204, {})
            self.set_status(status)
            for name, value in headers.items():
                self.set_header(name, value)

    server = HTTPServer(Application([("/hook", Hook)]))
    server.listen(0, "127.0.0.1")
    state.port = next(iter(server._sockets.values())).getsockname()[1]
    yield state
    server.stop()
    await server.close_all_connections()


async def channel(person: Any, url: str, team: str = "app-developers") -> Any:
    return await person.ask("POST", f"api/teams/{team}/channels", 201, json={"url": url})


async def settled(person: Any, attempts: int) -> Any:
    """Return the team's newest delivery once it has so many attempts."""
    deadline = time.monotonic() + 20
    while True:
        items = (await person.ask("GET", "api/teams/app-developers/deliveries"))["items"]
        if items and len(items[0]["attempts"]) >= attempts:
            return items[0]
        assert time.monotonic() < deadline, items
        await asyncio.sleep(0.02)


async def test_an_offer_reaches_the_teams_webhook_within_a_second_signed(
    desk: Any, enter: Any, offer: Any, receiver: Receiver
) -> None:
    developer = enter("developer")
    made = await channel(developer, receiver.url)
    assert made["secret"].startswith("whsec_")
    started = time.monotonic()
    handoff_id = await offer(desk)
    headers, body = (await receiver.has(1))[0]
    assert time.monotonic() - started < 5, "woken, not polled"
    event = Webhook(made["secret"]).verify(body, {k.lower(): v for k, v in headers.items()})
    validate("event.v1", event)
    assert headers["Content-Type"] == "application/cloudevents+json"
    assert headers["Webhook-Id"] == event["id"]
    assert event["type"] == "baton.handoff.offered"
    assert event["data"]["handoff"] == event["subject"] == handoff_id
    assert event["data"]["text"] == "Please have a look"
    shown = await settled(developer, 1)
    assert (shown["id"], shown["status"]) == (event["id"], "delivered")
    assert shown["attempts"][0]["status_code"] == 204
    listed = (await developer.ask("GET", "api/teams/app-developers/channels"))["items"][0]
    assert "secret" not in listed


async def test_what_a_team_did_itself_is_not_sent_to_it(
    desk: Any, enter: Any, offer: Any, receiver: Receiver
) -> None:
    scientist, developer = enter("scientist"), enter("developer")
    await channel(developer, receiver.url)
    where = f"api/handoffs/{await offer(desk)}"
    await developer.ask("POST", f"{where}/comments", 201, json={"body": "mine"})
    await developer.ask("POST", f"{where}/request_changes", json={"reason": "mine"})
    await scientist.ask("POST", f"{where}/comments", 201, json={"body": "theirs"})
    await scientist.ask("POST", f"{where}/withdraw", json={"reason": "a mistake"})
    got = await receiver.has(3)
    kinds = {json.loads(body)["type"] for _, body in got}
    assert kinds == {f"baton.handoff.{kind}" for kind in ("offered", "commented", "withdrawn")}
    assert len(got) == 3


async def test_a_receiver_that_refuses_is_tried_again_with_the_same_id(
    start_desk: Any, enter: Any, offer: Any, receiver: Receiver, clock: Any
) -> None:
    desk = await start_desk(clock=clock)
    developer = enter("developer", at=desk)
    receiver.answers = [(503, {"Retry-After": "3600"}), (500, {}), (429, {})]
    made = await channel(developer, receiver.url)
    await offer(desk)
    first = await settled(developer, 1)
    assert first["status"] == "pending"
    assert first["attempts"][0]["error"] == "The receiver answered 503."
    assert desk.desk.store.outbox.next_due() == clock.now + 3_600_000, "as it asked"
    for attempts, wait in ((2, 3600), (3, 100), (4, 500)):
        clock.forward(seconds=wait)
        desk.desk.bell.ring()
        last = await settled(developer, attempts)
    assert last["status"] == "delivered"
    assert [a["status_code"] for a in last["attempts"]] == [503, 500, 429, 204]
    assert {headers["Webhook-Id"] for headers, _ in receiver.got} == {last["id"]}
    stamps = [int(headers["Webhook-Timestamp"]) for headers, _ in receiver.got]
    assert stamps == sorted(set(stamps)), "fresh for each try"
    assert len({body for _, body in receiver.got}) == 1
    await developer.ask("POST", f"api/teams/app-developers/deliveries/{last['id']}/replay", 202)
    assert (await receiver.has(5))[4][0]["Webhook-Id"] == last["id"]
    secret = made["secret"]
    assert secret not in str(await developer.ask("GET", "api/teams/app-developers/channels"))


async def test_a_redirect_is_not_followed_and_ends_the_delivery(
    desk: Any, enter: Any, offer: Any, receiver: Receiver
) -> None:
    receiver.answers = [(302, {"Location": receiver.url})]
    await channel(enter("developer"), receiver.url)
    await offer(desk)
    shown = await settled(enter("developer"), 1)
    assert shown["status"] == "failed"
    assert "redirect" in shown["attempts"][0]["error"]
    assert len(receiver.got) == 1


async def test_gone_disables_the_channel_and_a_test_after_resuming_reaches_it(
    desk: Any, enter: Any, offer: Any, receiver: Receiver
) -> None:
    developer = enter("developer")
    receiver.answers = [(410, {})]
    made = await channel(developer, receiver.url)
    await offer(desk)
    await settled(developer, 1)
    where = f"api/teams/app-developers/channels/{made['id']}"
    shown = (await developer.ask("GET", "api/teams/app-developers/channels"))["items"][0]
    assert shown["state"] == "disabled"
    assert "410" in shown["reason"]
    assert (await developer.ask("POST", f"{where}/resume"))["state"] == "active"
    tested = await developer.ask("POST", f"{where}/test", 202)
    assert (tested["event_type"], tested["handoff"]) == ("baton.channel.test", None)
    _, body = (await receiver.has(2))[1]
    validate("event.v1", json.loads(body))
    await developer.ask("DELETE", where, 204)
    assert (await developer.ask("GET", "api/teams/app-developers/deliveries"))["items"] == []


async def test_nobody_there_is_temporary(desk: Any, enter: Any, offer: Any) -> None:
    await channel(enter("developer"), "http://127.0.0.1:1/hook")
    await offer(desk)
    shown = await settled(enter("developer"), 1)
    assert shown["status"] == "pending"
    assert shown["next_attempt_at"]
    assert shown["attempts"][0]["error"] == "The receiver can't be reached (ConnectError)."


# Addresses

REFUSED = [
    "http://example.org/",
    "ftp://example.org/",
    "https://",
    "https:///path",
    "example.org",
    "https://user:password@example.org/",
    "https://exa mple.org/",
    "https://example.org\\@127.0.0.1/",
    "https://example.org:99999/",
    "https://bücher.example/",
    "https://localhost/",
    "https://localhost./",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://127.0.0.1./",
    "https://0/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fc00::1]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::a00:1]/",
    "https://[64:ff9b:1::1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:1::1]/",
    "https://[2001:db8::1]/",
]


@pytest.mark.parametrize("url", REFUSED)
async def test_an_address_that_is_not_public_https_is_refused_with_why(url: str) -> None:
    with pytest.raises(BadRequestError) as refusal:
        await AddressPolicy().require_allowed(url)
    assert refusal.value.code == "address_refused"
    assert refusal.value.message.startswith("No webhook can go there: ")


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822", "::ffff:93.184.216.34"],
)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


async def test_operations_may_allow_a_host_or_one_of_its_ports() -> None:
    await AddressPolicy(frozenset({"127.0.0.1"})).require_allowed("http://127.0.0.1:5000/x")
    one = AddressPolicy(frozenset({"localhost:5000", "[::1]:5000"}))
    await one.require_allowed("http://localhost:5000/x")
    await one.require_allowed("http://[::1]:5000/x")
    for url in ("http://localhost:5001/", "http://127.0.0.1:5000/"):
        with pytest.raises(BadRequestError):
            await one.require_allowed(url)


async def test_a_name_that_turns_private_after_it_was_checked_is_not_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rebinding: public when the channel was made, loopback when the delivery connects."""
    loop = asyncio.get_running_loop()
    answers = iter(["93.184.216.34", "127.0.0.1"])

    async def resolve(host: str, port: int, **_: Any) -> Any:
        return [(2, 1, 6, "", (next(answers), port))]

    monkeypatch.setattr(loop, "getaddrinfo", resolve)
    policy = AddressPolicy()
    await policy.require_allowed("https://rebinding.example/")
    with pytest.raises(AddressRefusedError):
        await CheckedBackend(policy).connect_tcp("rebinding.example", 443)


async def test_the_api_says_why_an_address_is_refused(desk: Any, enter: Any) -> None:
    for url, why in (
        ("https://10.0.0.1/", "10.0.0.1, which is not a public address"),
        ("http://example.org/", "must begin with https://"),
    ):
        error = await enter("developer").refused(
            "POST", "api/teams/app-developers/channels", 400, "address_refused", json={"url": url}
        )
        assert why in error["message"]


# Small parts


def test_delays_grow_and_end() -> None:
    chance = random.Random(1)
    delays = [backoff.next_delay(n, chance=chance) for n in range(1, 12)]
    assert delays[-1] is None
    assert all(
        0.8 <= d / (1000 * base) <= 1.2
        for d, base in zip(delays, backoff.DELAYS, strict=False)
        if d
    )
    assert backoff.next_delay(1, 3600) == 3_600_000


def test_retry_after_is_a_number_or_a_date() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert parse_retry_after("120") == 120
    assert parse_retry_after("999999999999") == 86400
    assert parse_retry_after("Thu, 01 Jan 2026 00:02:00 GMT", now) == 120
    assert parse_retry_after("Wed, 31 Dec 2025 00:02:00 GMT", now) == 0
    for text in ("", "soon", "-5", "²"):
        assert parse_retry_after(text, now) is None


def test_secrets_are_sealed_with_a_key_of_their_own(tmp_path: Any) -> None:
    seal = Seal.load(tmp_path / "channels.key")
    sealed = seal.close("whsec_x")
    assert "whsec_x" not in sealed
    assert Seal.load(tmp_path / "channels.key").open(sealed) == "whsec_x"
    assert (tmp_path / "channels.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "channels.key").unlink()
    with pytest.raises(InvalidToken):
        Seal.load(tmp_path / "channels.key").open(sealed)
