"""The API over HTTP, with callers that a real JupyterHub vouches for."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import httpx
import pytest
from tornado.routing import PathMatches
from tornado.web import create_signed_value

from baton_contract import packet_digest, validate

SHA = "0" * 64
ID = "0" * 32
FILES = {"model/MLmodel": b"flavors: {}\n", "notebook/train.ipynb": b"{}"}


def paths(service: Any) -> list[tuple[str, Any]]:
    """Return every route of the running application with its handler, its groups filled in."""
    found = []
    for rule in service.app.default_router.rules[0].target.rules:
        assert isinstance(rule.matcher, PathMatches)
        found.append((rule.matcher.regex.pattern, rule.target))
    return found


OPEN = {"health", "oauth_callback"}


async def test_every_route_wants_a_token(desk: Any, enter: Any) -> None:
    """Walks the application's own routes: who adds one that answers everybody fails here."""
    nobody = enter()
    seen = 0
    for pattern, handler in paths(desk):
        name = pattern.removeprefix("/services/desk/").rstrip("$")
        if name in OPEN or handler.__name__ == "Assets":
            continue
        path = fill(name)
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
            answer = await nobody.http.request(method, path, follow_redirects=False)
            signs_in = (
                answer.status_code == 302 and "/oauth2/authorize" in answer.headers["location"]
            )
            assert answer.status_code == 401 or signs_in, (method, path, answer.status_code)
            if path.startswith("api/"):
                assert answer.status_code == 401
                validate("error.v1", answer.json())
            seen += 1
    assert seen >= 5 * 19


def fill(pattern: str) -> str:
    """Return a path that the pattern matches."""
    import re

    text = re.sub(r"\(\?P<handoff_id>[^)]*\)|\(\[0-9a-f\]\{32\}\)", ID, pattern)
    text = re.sub(r"\(\?P<sha256>[^)]*\)", SHA, text)
    text = re.sub(r"\(\?P<(channel|delivery|token)_id>[^)]*\)", ID, text)
    text = re.sub(r"\(\?P<team>[^)]*\)", "app-developers", text)
    text = re.sub(r"\(\?P<action>(\w+)[^)]*\)", r"\1", text)
    text = re.sub(r"^\(\?!.*", "nothing/here", text)
    text = re.sub(r"\((\w+)\|[^)]*\)", r"\1", text)
    return re.sub(r"\(\[[^)]*\)", "x", text).replace("\\", "")


async def test_health_says_nothing_else(desk: Any, enter: Any) -> None:
    assert await enter().ask("GET", "health") == {"status": "ok"}


@pytest.mark.parametrize("form", ["Bearer token-of-developer", "token token-of-developer", "basic"])
async def test_a_hub_token_comes_in_three_forms(desk: Any, enter: Any, form: str) -> None:
    if form == "basic":
        form = "Basic " + base64.b64encode(b"developer:token-of-developer").decode()
    teams = await enter().ask("GET", "api/teams", headers={"Authorization": form})
    assert teams == {
        "items": [
            {"name": "app-developers", "member": True},
            {"name": "data-science", "member": False},
            {"name": "operations", "member": False},
        ]
    }


async def test_who_may_not_use_the_desk_is_told(desk: Any, enter: Any) -> None:
    await enter("guest").refused("GET", "api/teams", 403, "no_access")
    for token in ("wrong", "baton_wrong"):
        await enter(token=token).refused("GET", "api/teams", 401, "not_signed_in")
    for header in ("Basic !!!", "Basic " + base64.b64encode(b"\xff").decode(), "Digest x"):
        nobody = enter()
        await nobody.refused(
            "GET", "api/teams", 401, "not_signed_in", headers={"Authorization": header}
        )


async def test_a_hub_that_is_down_is_said_and_not_a_500(start_desk: Any, enter: Any) -> None:
    alone = await start_desk(hub_api_url="http://127.0.0.1:1/hub/api")
    await enter("developer", at=alone).refused("GET", "api/teams", 503, "hub_unavailable")
    assert await enter(at=alone).ask("GET", "health") == {"status": "ok"}


def cookies(service: Any, token: str) -> dict[str, str]:
    """Return the cookie that HubOAuth leaves in a browser after signing in."""
    secret = service.app.settings["cookie_secret"]
    return {"service-desk": create_signed_value(secret, "service-desk", token).decode()}


async def test_a_browsers_cookie_reads_and_changes_nothing_without_the_pages_xsrf_token(
    desk: Any, enter: Any, offer: Any
) -> None:
    handoff_id = await offer(desk)
    browser = enter()
    browser.http.cookies.update(cookies(desk, "token-of-developer"))
    page = await browser.http.get("", headers={"Sec-Fetch-Mode": "navigate"})
    assert page.status_code == 200
    path = f"api/handoffs/{handoff_id}/comments"
    await browser.refused("POST", path, 403, "xsrf", json={"body": "x"})
    wrong = {"X-Xsrftoken": "made-up"}
    await browser.refused("POST", path, 403, "xsrf", json={"body": "x"}, headers=wrong)
    right = {"X-Xsrftoken": browser.http.cookies["_xsrf"]}
    await browser.ask("POST", path, 201, json={"body": "x"}, headers=right)
    script = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}
    await browser.refused("GET", "api/handoffs", 401, "not_signed_in", headers=script)
    await browser.ask("GET", "api/handoffs", headers={**script, **right})


async def test_a_draft_is_resumed_by_sending_the_same_packet(
    desk: Any, enter: Any, make_packet: Any
) -> None:
    scientist, packet = enter("scientist"), make_packet(FILES)
    made = await scientist.ask("POST", "api/handoffs", 201, json=packet)
    validate("handoff.v1", made)
    assert made["state"] == "draft"
    assert made["packet_digest"] == packet_digest(packet)
    assert sorted(made["missing_files"]) == sorted(f["sha256"] for f in packet["files"])
    first = packet["files"][0]
    await scientist.refused("POST", f"api/handoffs/{made['id']}/submit", 409, "files_missing")
    where = f"api/handoffs/{made['id']}/files/{first['sha256']}"
    await scientist.refused("GET", where, 404, "unknown_file")
    await scientist.ask("PUT", where, 204, content=FILES["model/MLmodel"])
    again = await scientist.ask("POST", "api/handoffs", 200, json=packet)
    assert again["id"] == made["id"]
    assert again["missing_files"] == [packet["files"][1]["sha256"]]
    answer = await scientist.http.get(where)
    assert answer.content == FILES["model/MLmodel"]
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''MLmodel"
    assert answer.headers["x-content-type-options"] == "nosniff"
    answer = await scientist.http.get(f"api/handoffs/{made['id']}/packet")
    assert answer.headers["etag"] == f'"{made["packet_digest"]}"'
    assert packet_digest(answer.json()) == made["packet_digest"]
    await enter("developer").refused("GET", f"api/handoffs/{made['id']}", 404, "not_found")
    await enter("operator").refused("GET", f"api/handoffs/{made['id']}", 404, "not_found")


async def test_an_upload_that_is_something_else_is_thrown_away(
    desk: Any, enter: Any, make_packet: Any
) -> None:
    scientist, packet = enter("scientist"), make_packet(FILES)
    made = await scientist.ask("POST", "api/handoffs", 201, json=packet)
    where = f"api/handoffs/{made['id']}/files/{packet['files'][0]['sha256']}"
    for content in (b"flavors: []\n", b"", b"short", b"x" * 200_000):
        await scientist.refused("PUT", where, 400, "file_digest_mismatch", content=content)

    async def endless() -> Any:
        for _ in range(40):
            yield b"x" * 65536

    await scientist.refused("PUT", where, 400, "file_digest_mismatch", content=endless())
    missing = f"api/handoffs/{made['id']}/files/{SHA}"
    await scientist.refused("PUT", missing, 404, "unknown_file", content=b"")
    await enter("developer").refused("PUT", where, 404, "not_found", content=b"")
    assert list((desk.settings.files / "incoming").iterdir()) == []


async def test_a_big_file_goes_through_and_comes_back(
    desk: Any, enter: Any, make_packet: Any
) -> None:
    """Larger than any request but an upload may be."""
    contents = {"model/weights.bin": b"0123456789abcdef" * (2**20 + 7)}
    scientist = enter("scientist")
    handoff_id = await scientist.draft(make_packet(contents), contents)
    sha = (await scientist.ask("GET", f"api/handoffs/{handoff_id}/packet"))["files"][0]["sha256"]
    answer = await scientist.http.get(f"api/handoffs/{handoff_id}/files/{sha}")
    assert answer.content == contents["model/weights.bin"]


def _replaced(packet: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {**packet, **parts}


def nested(levels: int) -> Any:
    """Return lists in lists."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


async def test_a_packet_that_cant_be_taken_in_says_why_and_records_nothing(
    start_desk: Any, enter: Any, make_packet: Any
) -> None:
    desk = await start_desk(max_packet_bytes=1000)
    scientist, good = enter("scientist", at=desk), make_packet(FILES)
    file = good["files"][0]
    snapshot = {"path": "a.ipynb", "sha256": SHA, "snapshot": "a.ipynb", "executed_in_order": None}
    cases = [
        (400, "schema", {}),
        (400, "schema", []),
        (400, "schema", _replaced(good, extra=1)),
        (400, "schema", _replaced(good, files=[])),
        (400, "schema", _replaced(good, files=[{**file, "path": "model/../../etc/passwd"}])),
        (400, "schema", _replaced(good, files=[{**file, "path": "/model/x"}])),
        (400, "schema", _replaced(good, examples=[])),
        (400, "duplicate_path", _replaced(good, files=[file, {**file, "path": "model/mlMODEL"}])),
        (400, "duplicate_path", _replaced(good, files=[file, {**file, "path": "model/MLmodel/x"}])),
        (
            400,
            "file_size_conflict",
            _replaced(good, files=[file, {**file, "path": "b", "size": 1}]),
        ),
        (400, "no_model", _replaced(good, files=[{**file, "path": "other/x"}])),
        (400, "unknown_snapshot", _replaced(good, source={**good["source"], "notebook": snapshot})),
        (400, "not_json", _replaced(good, params={"a": "\ud800"})),
        (400, "not_canonical", _replaced(good, metrics={"a": 2**60})),
        (400, "too_deep", _replaced(good, examples=[{"expected": nested(300)}])),
        (400, "schema", _replaced(good, model={**good["model"], "name": "a\0b"})),
        (400, "schema", _replaced(good, routing={**good["routing"], "note": "a\0b"})),
        (413, "packet_too_large", _replaced(good, params={"a": "x" * 2**22})),
        (400, "unknown_team", _replaced(good, routing={"team": "nobody", "note": ""})),
        (413, "packet_too_large", _replaced(good, files=[{**file, "size": 1001}])),
    ]
    for status, code, packet in cases:
        body = json.dumps(packet)
        await scientist.refused("POST", "api/handoffs", status, code, content=body)
    error = await scientist.refused(
        "POST", "api/handoffs", 413, "packet_too_large", json=cases[-1][2]
    )
    assert error["details"] == {"size": 1001, "limit": 1000}
    error = await scientist.refused("POST", "api/handoffs", 400, "unknown_team", json=cases[-2][2])
    assert "app-developers" in error["message"]
    for body in (b"", b"{", b"\xff", b"[" * 50, b'{"a": NaN}'):
        await scientist.refused("POST", "api/handoffs", 400, "not_json", content=body)
    page = await scientist.ask("GET", "api/handoffs?box=sent")
    assert page == {"items": [], "next_cursor": None}


async def test_ask_answer_accept_report(desk: Any, enter: Any, offer: Any) -> None:
    """The way of a handoff between two people, each seeing only what is theirs."""
    handoff_id = await offer(desk)
    scientist, developer = enter("scientist"), enter("developer")
    where = f"api/handoffs/{handoff_id}"
    received = await developer.ask("GET", "api/handoffs")
    assert [item["id"] for item in received["items"]] == [handoff_id]
    validate("handoff.v1", received["items"][0])
    assert received["items"][0]["checks"] == []
    await developer.ask("POST", f"{where}/comments", 201, json={"body": "Which scaler?"})
    await developer.refused("POST", f"{where}/decline", 400, "reason_required", json={})
    asked = await developer.ask("POST", f"{where}/request_changes", json={"reason": "Say which."})
    assert (asked["state"], asked["reason"]) == ("changes_requested", "Say which.")
    await scientist.ask("POST", f"{where}/comments", 201, json={"body": "The standard one."})
    await scientist.refused("POST", f"{where}/accept", 403, "own_handoff")
    await scientist.ask("POST", f"{where}/reoffer")
    deployment = {"environment": "staging", "status": "success"}
    await developer.refused("POST", f"{where}/deployments", 409, "wrong_state", json=deployment)
    accepted = await developer.ask("POST", f"{where}/accept")
    assert accepted["decided_by"] == "developer"
    error = await enter("tester").refused("POST", f"{where}/accept", 409, "wrong_state")
    assert error["details"] == {"state": "accepted"}
    await scientist.refused("POST", f"{where}/deployments", 403, "not_a_member", json=deployment)
    reported = await developer.ask("POST", f"{where}/deployments", 201, json=deployment)
    assert reported["reported_by"] == "developer"
    whole = await scientist.ask("GET", where)
    validate("handoff.v1", whole)
    assert [said["author"] for said in whole["thread"]] == ["developer", "scientist"]
    assert whole["latest_deployment"] == whole["deployments"][0] == reported
    revoked = await enter("operator").ask("POST", f"{where}/revoke", json={"reason": "Bad data."})
    assert revoked["state"] == "revoked"


async def test_mistakes_are_never_a_500(desk: Any, enter: Any, offer: Any) -> None:
    handoff_id = await offer(desk)
    where = f"api/handoffs/{handoff_id}"
    developer = enter("developer")
    gets = [
        ("api/handoffs?box=lost", 400),
        ("api/handoffs?state=gone", 400),
        ("api/handoffs?limit=0", 400),
        ("api/handoffs?limit=x", 400),
        ("api/handoffs?limit=99999999999999999999", 400),
        ("api/handoffs?cursor=x", 400),
        ("api/handoffs?box=%ff", 400),
        (f"api/handoffs/{ID}", 404),
        ("api/handoffs/1", 404),
        (f"api/handoffs/{ID.upper()}g", 404),
        (f"{where}/files/{SHA}", 404),
        ("api/teams/nobody/channels", 403),
        ("api/teams/data-science/channels", 403),
        ("api/teams/data-science/tokens", 403),
        ("api/teams/data-science/deliveries", 403),
        ("api/nothing", 404),
    ]
    for path, status in gets:
        error = (await developer.ask("GET", path, status))["error"]
        assert error["message"], path
    posts: list[tuple[str, Any, int]] = [
        (f"{where}/comments", {}, 400),
        (f"{where}/comments", {"body": ""}, 400),
        (f"{where}/comments", {"body": 5}, 400),
        (f"{where}/comments", {"body": "x" * 4001}, 400),
        (f"{where}/comments", {"body": "a\x00b"}, 400),
        (f"{where}/comments", {"body": "x", "author": "operator"}, 400),
        (f"{where}/comments", [], 400),
        (f"{where}/accept", {"reason": 5}, 400),
        (f"{where}/accept", "x", 400),
        (f"{where}/deployments", {"environment": "a"}, 400),
        (f"{where}/deployments", {"environment": "a", "status": "fine"}, 400),
        (f"{where}/deployments", {"environment": "a", "status": ["success"]}, 400),
        (f"{where}/deployments", {"environment": "a", "status": "success", "url": "ftp://x"}, 400),
        (f"api/teams/app-developers/channels/{ID}/test", {}, 404),
        (f"api/teams/app-developers/deliveries/{ID}/replay", {}, 404),
        ("api/teams/app-developers/channels", {"url": 5}, 400),
        ("api/teams/app-developers/tokens", {"name": ""}, 400),
    ]
    for path, body, status in posts:
        error = (await developer.ask("POST", path, status, json=body))["error"]
        assert error["message"], path
    for path in (f"{where}/comments", f"{where}/accept", "api/teams/app-developers/tokens"):
        for text in (b'"\\ud800"', b"[" * 970 + b"]" * 970):
            body = b'{"body": %s, "reason": %s}' % (text, text)
            await developer.ask("POST", path, 400, content=body)
    await developer.ask("DELETE", where, 405)
    assert (await developer.ask("GET", where))["state"] == "offered"


async def test_a_pipelines_token_opens_its_teams_accepted_handoffs_and_nothing_else(
    desk: Any, enter: Any, offer: Any
) -> None:
    developer = enter("developer")
    accepted, other = await offer(desk), await offer(desk, contents={"model/x": b"2"})
    elsewhere = await offer(desk, team="operations")
    await developer.ask("POST", f"api/handoffs/{accepted}/accept")
    await enter("operator").ask("POST", f"api/handoffs/{elsewhere}/accept")
    made = await developer.ask("POST", "api/teams/app-developers/tokens", 201, json={"name": "ci"})
    assert made["token"].startswith("baton_")
    pipeline = enter(token=made["token"])
    where = f"api/handoffs/{accepted}"
    seen = await pipeline.ask("GET", where)
    assert seen["actions"] == ["report"]
    file = (await pipeline.ask("GET", f"{where}/packet"))["files"][0]
    answer = await pipeline.http.get(f"{where}/files/{file['sha256']}")
    assert answer.content == b"flavors: {}\n"
    report = {"environment": "staging", "status": "in_progress", "url": "https://ci.example/1"}
    reported = await pipeline.ask("POST", f"{where}/deployments", 201, json=report)
    assert reported["reported_by"] == "pipeline:ci"
    for path in (f"api/handoffs/{other}", f"api/handoffs/{elsewhere}"):
        await pipeline.refused("GET", path, 404, "not_found")
        await pipeline.refused("GET", f"{path}/packet", 404, "not_found")
        await pipeline.refused("POST", f"{path}/deployments", 404, "not_found", json=report)
    refused = [
        ("GET", "api/handoffs"),
        ("POST", "api/handoffs"),
        ("POST", f"{where}/comments"),
        ("POST", f"{where}/decline"),
        ("GET", "api/teams"),
        ("GET", "api/teams/app-developers/tokens"),
        ("POST", "api/teams/app-developers/tokens"),
        ("GET", "api/events"),
        ("GET", ""),
    ]
    for method, path in refused:
        answer = await pipeline.http.request(method, path)
        assert answer.status_code == 403, (method, path)
    file_path = f"{where}/files/{file['sha256']}"
    await pipeline.refused("PUT", file_path, 403, "token_not_allowed", content=b"")
    listed = (await developer.ask("GET", "api/teams/app-developers/tokens"))["items"]
    assert "token" not in listed[0]
    assert listed[0]["last_used_at"]
    await developer.ask("DELETE", f"api/teams/app-developers/tokens/{made['id']}", 204)
    await pipeline.refused("GET", where, 401, "not_signed_in")


async def test_logs_hold_no_secret_and_a_fault_is_a_bare_500_with_its_request_id(
    desk: Any, enter: Any, offer: Any, caplog: pytest.LogCaptureFixture, monkeypatch: Any
) -> None:
    handoff_id = await offer(desk)

    def broken(*_: Any) -> None:
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(desk.desk.store.shelf, "get", broken)
    with caplog.at_level("INFO"):
        error = await enter("developer").refused(
            "GET", f"api/handoffs/{handoff_id}", 500, "internal"
        )
    assert "fire" not in json.dumps(error)
    assert error["request_id"] in caplog.text
    assert "the disk is on fire" in caplog.text
    assert "token-of-developer" not in caplog.text


async def test_the_server_says_nothing_of_itself(desk: Any) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"http://127.0.0.1:{desk.port}/services/desk/health")
    assert "server" not in answer.headers


async def test_two_who_accept_at_once_over_http_on_either_database(
    start_desk: Any, enter: Any, offer: Any, database_url: str
) -> None:
    desk = await start_desk(database=database_url)
    path = f"api/handoffs/{await offer(desk)}/accept"
    people = [enter(name, at=desk) for name in ("developer", "tester")]
    answers = await asyncio.gather(*(person.http.post(path) for person in people))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
