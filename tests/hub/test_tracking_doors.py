"""Nobody reaches MLflow unless the Hub knows them."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys

import httpx
import pytest
from tests.tracking import PASSWORD, PREFIX, Tracking

pytest_plugins = ("tests.tracking",)

# Run apart, because MLflow reads its environment when it is imported.
ROUTES = """
import json, re
from mlflow.server import app as flask
from mlflow.server.fastapi_app import app as fastapi

routes = [(m, r.rule) for r in flask.url_map.iter_rules() for m in r.methods]

def walk(items):
    for item in items:
        if hasattr(item, "effective_candidates"):
            walk(item.effective_candidates())
        elif getattr(item, "methods", None):
            routes.extend((m, item.path) for m in item.methods)

walk(fastapi.routes)
fill = re.compile(r"<[^>]+>|{[^}]+}")
print(json.dumps(sorted({(m, fill.sub("x", path)) for m, path in routes})))
"""


@pytest.fixture(scope="module")
def routes() -> list[tuple[str, str]]:
    """Return every method and path of the app that is served, from its own tables."""
    environment = {
        **os.environ,
        "_MLFLOW_STATIC_PREFIX": PREFIX,
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ROUTES],
        env=environment,
        capture_output=True,
        check=True,
    )
    return [(method, path) for method, path in json.loads(done.stdout.splitlines()[-1])]


def test_anonymous_requests_get_401_on_every_route(
    routes: list[tuple[str, str]], tracking: Tracking
) -> None:
    native = ("/v1/traces", "/ajax-api/3.0/jobs/x", "/gateway/mlflow/v1/models", "/health")
    paths = {path for _, path in routes}
    assert {PREFIX + path for path in native} <= paths
    assert "/api/2.0/mlflow-artifacts/artifacts/x" in paths
    assert len(routes) > 500
    base = tracking.direct.removesuffix(PREFIX)
    with httpx.Client(base_url=base) as client:
        answers = {route: client.request(*route) for route in routes}
    wrong = {route: answer.status_code for route, answer in answers.items()}
    assert {route: status for route, status in wrong.items() if status != 401} == {}
    some = answers["GET", f"{PREFIX}/version"]
    assert some.headers["www-authenticate"].startswith("Bearer")
    assert some.json()["error"]["code"] == "not_signed_in"


def test_an_unknown_path_tells_the_anonymous_nothing(tracking: Tracking) -> None:
    assert httpx.get(f"{tracking.url}/nothing/here").status_code == 401


def test_health_needs_no_sign_in_and_says_nothing_else(tracking: Tracking) -> None:
    assert httpx.get(f"{tracking.url}/baton/health").json() == {"status": "ok"}


def _basic(user: str, token: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()


def test_a_hub_token_opens_mlflow_in_every_form(tracking: Tracking) -> None:
    token = tracking.token("ada")
    for header in (f"Bearer {token}", f"token {token}", _basic("ada", token), _basic("", token)):
        answer = httpx.get(f"{tracking.url}/version", headers={"Authorization": header})
        assert answer.status_code == 200


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer", "Basic !!!", "Digest x", "token é"])
def test_a_wrong_token_is_not_let_in(tracking: Tracking, header: str) -> None:
    headers = {"Authorization": header.encode()}
    assert httpx.get(f"{tracking.url}/version", headers=headers).status_code == 401


def test_a_token_without_access_to_the_service_gets_403(tracking: Tracking) -> None:
    token = tracking.token("ada", "read:users:name!user=ada")
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.get(f"{tracking.url}/version", headers=headers)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "no_access"


def test_a_browser_signs_in_through_the_hub_and_gets_a_cookie(tracking: Tracking) -> None:
    with httpx.Client(follow_redirects=True, headers={"Accept": "text/html"}) as browser:
        page = browser.get(f"{tracking.url}/")
        assert page.url.path == "/hub/login"
        form = {"username": "ada", "password": PASSWORD, "_xsrf": browser.cookies["_xsrf"]}
        page = browser.post(page.url, data=form)
        assert page.status_code == 200
        assert page.url.path == f"{PREFIX}/"
        assert "<title>MLflow</title>" in page.text
        cookie = next(c for c in browser.cookies.jar if c.name == "service-mlflow")
        assert cookie.path == f"{PREFIX}/"
        assert cookie.has_nonstandard_attr("HttpOnly")
        assert not [c.name for c in browser.cookies.jar if "state" in c.name]
        _cookies_change_things_only_from_mlflows_own_pages(tracking, browser)


def _cookies_change_things_only_from_mlflows_own_pages(
    tracking: Tracking, browser: httpx.Client
) -> None:
    def create(name: str, **headers: str) -> int:
        url = f"{tracking.url}/ajax-api/2.0/mlflow/experiments/create"
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return browser.post(url, json={"name": name}, headers=named).status_code

    own, elsewhere = f"{tracking.url}/", f"{tracking.hub}/user/eve/lab"
    assert create("own", sec_fetch_site="same-origin", referer=own) == 200
    assert create("own, old browser", origin=tracking.hub, referer=own) == 200
    assert create("other site", sec_fetch_site="cross-site", referer=own) == 401
    assert create("other port", sec_fetch_site="same-site", referer=own) == 401
    assert create("other origin", origin="https://evil.example", referer=own) == 401
    assert create("no origin", referer=own) == 401
    assert create("other page", sec_fetch_site="same-origin", referer=elsewhere) == 401
    assert create("no page", sec_fetch_site="same-origin") == 401
    search = f"{tracking.url}/ajax-api/2.0/mlflow/experiments/search?max_results=1"
    headers = {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}
    assert browser.get(search, headers=headers).status_code == 401


def test_programs_are_not_sent_to_the_sign_in_page(tracking: Tracking) -> None:
    headers = {"Accept": "text/html", "Sec-Fetch-Mode": "cors"}
    assert httpx.get(f"{tracking.url}/", headers=headers).status_code == 401


def test_a_forged_or_replayed_sign_in_is_refused(tracking: Tracking) -> None:
    answer = httpx.get(f"{tracking.url}/oauth_callback?code=x&state=y")
    assert answer.status_code == 400
    assert "expired" in answer.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/ajax-api/3.0/mlflow/assistant/config"),
        ("POST", "/ajax-api/3.0/mlflow/assistant/message"),
        ("POST", "/gateway/proxy/x/y"),
        ("POST", "/api/3.0/mlflow/gateway/secrets/create"),
        ("POST", "/ajax-api/2.0/mlflow/gateway-proxy"),
        ("POST", "/api/2.0/mlflow/webhooks"),
    ],
)
def test_what_would_act_as_the_server_is_closed(tracking: Tracking, method: str, path: str) -> None:
    with tracking.client("ada") as client:
        answer = client.request(method, path, json={})
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "switched_off"


def test_nobody_points_an_experiment_at_the_servers_own_files(tracking: Tracking) -> None:
    with tracking.client("eve") as client:
        body = {"name": "etc", "artifact_location": "/etc"}
        answer = client.post("/api/2.0/mlflow/experiments/create", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "artifact_location"
