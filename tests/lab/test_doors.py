"""Nobody comes in without the server's token."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import httpx
import pytest

WALK = """
import json, sys
from jupyter_server.serverapp import ServerApp
from tornado.web import RequestHandler

app = ServerApp()
app.initialize(["--ServerApp.jpserver_extensions=baton_lab=True", "--ServerApp.port=0"])
found = []

def walk(rules):
    for rule in rules:
        inner = getattr(rule.target, "rules", None)
        if inner is not None:
            walk(inner)
        elif "/baton/" in getattr(getattr(rule.matcher, "regex", None), "pattern", ""):
            verbs = ("get", "head", "post", "put", "patch", "delete")
            own = [v for v in verbs if getattr(rule.target, v) is not getattr(RequestHandler, v)]
            found.extend([verb.upper(), rule.matcher.regex.pattern] for verb in own)

walk(app.web_app.default_router.rules)
walk(app.web_app.wildcard_router.rules)
print("\\n" + json.dumps(found))
"""


@pytest.fixture(scope="module")
def doors() -> set[tuple[str, str]]:
    """Every method and path below /baton/ that a real server routes, read from its own table."""
    ended = subprocess.run([sys.executable, "-c", WALK], capture_output=True, text=True, check=True)
    found = set()
    for method, pattern in json.loads(ended.stdout.strip().rpartition("\n")[2]):
        path = re.sub(r"\(\?P<\w+>(\w+)\|[^)]*\)", r"\1", pattern)
        path = re.sub(r"\(\?P<\w+>[^)]*\)", "0" * 32, path)
        found.add((method, path.rstrip("$")))
    return found


def test_without_a_token_every_door_is_closed(lonely_lab: Any, doors: set[tuple[str, str]]) -> None:
    """Each handler's every method answers 401 or 403, in the contract's envelope."""
    assert len(doors) >= 17
    for method, path in doors:
        answer = httpx.request(method, lonely_lab.url + path, json={}, trust_env=False)
        assert answer.status_code in {401, 403}, (method, path)
        assert answer.json()["error"]["code"] == "not_signed_in", (method, path)


def test_the_routes_that_were_walked_are_real(lonely_lab: Any, doors: set[tuple[str, str]]) -> None:
    """With the token none of them is a page that does not exist."""
    for method, path in doors:
        answer = lonely_lab.http.request(method, lonely_lab.url + path, json={})
        assert answer.headers["Content-Type"].startswith("application/json"), (method, path)
        assert answer.status_code not in {401, 403, 405, 500}, (method, path)


def test_a_wrong_token_is_no_token(lonely_lab: Any) -> None:
    answer = httpx.get(
        f"{lonely_lab.url}/baton/status", headers={"Authorization": "token wrong"}, trust_env=False
    )
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"name": 1}', b"\xff", b"[" * 9999, b'{"name": "\\ud800"}']
)
def test_bad_json_is_the_callers_mistake(lonely_lab: Any, body: bytes) -> None:
    """400 with the envelope and a request id, not a 500."""
    answer = lonely_lab.http.post("models", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["request_id"]


def test_the_caller_cannot_name_an_address_or_a_token(lonely_lab: Any) -> None:
    answer = lonely_lab.post(
        "models", {"name": "a", "run_id": "b", "model_id": "m-c", "tracking_url": "http://x"}
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "schema"
