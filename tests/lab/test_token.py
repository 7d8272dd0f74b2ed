"""Tokens that end in the middle of a run do not lose it, and go to nobody else."""

from __future__ import annotations

import asyncio
import http.server
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.lab.conftest import start_lab
from tests.lab.token_hub import LIFETIME, TokenHub, token_hub, wait_for

from baton_hub.settings import ConfigurationError, read_settings
from baton_lab.hub import Hub
from baton_lab.offline.tokens import HubToken, token_path, write_token
from baton_lab.renewal import Renewal


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenHub]:
    with token_hub(tmp_path_factory.mktemp("tokens")) as running:
        yield running


@pytest.fixture
def server(hub: TokenHub) -> Iterator[dict[str, str]]:
    """The environment that the Hub gave to Ada's server."""
    yield hub.spawn("ada")
    hub.stop("ada")


STEPS = """
import sys, mlflow
mlflow.set_experiment({name!r})
with mlflow.start_run():
    for step in range({steps}):
        mlflow.log_metric("loss", step, step=step)
        if step in {pauses}:
            print("AT", step, flush=True)
            sys.stdin.readline()
print("DONE", flush=True)
"""


class Script:
    """A person's script with plain `import mlflow`, which pauses where it is told."""

    def __init__(self, code: str, environment: dict[str, str], folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", code],
            env={**environment, "HOME": str(folder), "JUPYTER_RUNTIME_DIR": str(folder / "run")},
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = ""

    def until(self, text: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if text in line:
                return
        raise AssertionError(self.said)

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def _steps(hub: TokenHub, token: str, experiment: str) -> list[int]:
    """Return what MLflow has of the one run of an experiment."""
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(
        base_url=hub.mlflow + "/api/2.0/mlflow/", headers=headers, trust_env=False, timeout=30
    ) as client:
        found = client.get("experiments/get-by-name", params={"experiment_name": experiment})
        experiment_id = found.json()["experiment"]["experiment_id"]
        runs = client.post("runs/search", json={"experiment_ids": [experiment_id]}).json()["runs"]
        assert len(runs) == 1
        assert {t["key"]: t["value"] for t in runs[0]["data"]["tags"]}["mlflow.user"] == "ada"
        params = {"run_id": runs[0]["info"]["run_id"], "metric_key": "loss"}
        history = client.get("metrics/get-history", params=params).json()["metrics"]
    return [int(metric.get("step", 0)) for metric in history]


def _renew(environment: dict[str, str], folder: Path) -> dict[str, str]:
    """Renew as the server extension does, once; return the environment it leaves."""
    path = folder / "run" / "baton" / token_path("x").name

    async def once() -> None:
        own = environment["JUPYTERHUB_API_TOKEN"]
        hub = Hub(environment["JUPYTERHUB_API_URL"], own, "")

        async def stop(_: float) -> None:
            raise asyncio.CancelledError

        renewed = path.with_name(token_path(own).name)
        try:
            await Renewal(hub, renewed, environ=environment, sleep=stop).run()
        except asyncio.CancelledError:
            pass
        finally:
            await hub.close()

    asyncio.run(once())
    return environment


def test_a_token_renewed_in_the_middle_of_a_run_loses_no_step(
    hub: TokenHub, server: dict[str, str], tmp_path: Path
) -> None:
    first = server["MLFLOW_TRACKING_PASSWORD"]
    code = STEPS.format(name="renewed", steps=200, pauses=(99,))
    script = Script(code, server, tmp_path)
    try:
        script.until("AT 99")
        renewed = _renew(dict(server), tmp_path)["MLFLOW_TRACKING_PASSWORD"]
        assert renewed != first
        hub.revoke(first, "ada")
        script.go_on()
        script.until("DONE")
        assert script.process.wait(60) == 0
    finally:
        script.end()
    assert "Baton:" not in script.said
    assert _steps(hub, renewed, "renewed") == list(range(200))


def test_steps_without_any_good_token_are_kept_and_sent_when_there_is_one(
    hub: TokenHub, server: dict[str, str], tmp_path: Path
) -> None:
    first = server["MLFLOW_TRACKING_PASSWORD"]
    code = STEPS.format(name="expired", steps=200, pauses=(49, 149))
    script = Script(code, server, tmp_path)
    try:
        script.until("AT 49")
        hub.revoke(first, "ada")
        script.go_on()
        script.until("AT 149")
        assert "The Hub no longer accepts this server's token. What you log is kept" in script.said
        environment = _renew(dict(server), tmp_path)
        script.go_on()
        script.until("DONE")
        assert script.process.wait(60) == 0
    finally:
        script.end()
    token = environment["MLFLOW_TRACKING_PASSWORD"]
    sync = [Path(sys.executable).with_name("baton"), "sync"]
    home = {"HOME": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path / "run")}
    done = subprocess.run(
        sync, env=environment | home, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert _steps(hub, token, "expired") == list(range(200))


def test_the_jupyter_server_renews_by_itself_and_uses_the_new_token_too(
    hub: TokenHub, server: dict[str, str], tmp_path: Path
) -> None:
    home = tmp_path / "ada"
    first = server["MLFLOW_TRACKING_PASSWORD"]
    names = ("JUPYTERHUB_", "MLFLOW_", "BATON_")
    given = {k: v for k, v in server.items() if k.startswith(names)}
    given |= {"JUPYTER_RUNTIME_DIR": str(home / "run"), "JUPYTERHUB_SERVICE_URL": ""}
    with start_lab(home, given) as lab:
        lab.process.await_answer("/login")
        path = home / "run" / "baton" / token_path(given["JUPYTERHUB_API_TOKEN"]).name
        wait_for(path.exists)
        renewed = path.read_text()
        assert path.stat().st_mode & 0o777 == 0o600
        assert renewed not in {first, given["JUPYTERHUB_API_TOKEN"]}
        hub.revoke(first, "ada")
        assert hub.status(renewed) == 200
        assert lab.get("experiments")
        code = STEPS.format(name="by itself", steps=20, pauses=())
        script = Script(code, server, home)
        script.until("DONE")
        assert script.process.wait(60) == 0
        script.end()
        log = (tmp_path / "ada.log").read_text()
    assert first not in log
    assert renewed not in log
    assert _steps(hub, renewed, "by itself") == list(range(20))


def test_a_mounted_secret_that_rotates_is_read_anew(
    hub: TokenHub, server: dict[str, str], tmp_path: Path
) -> None:
    first = server["MLFLOW_TRACKING_PASSWORD"]
    secret = tmp_path / "secret"
    write_token(secret, first)
    outside = {k: v for k, v in server.items() if k not in ("JUPYTERHUB_API_TOKEN",)}
    outside |= {"BATON_TOKEN_FILE": str(secret), "MLFLOW_TRACKING_PASSWORD": ""}
    script = Script(STEPS.format(name="mounted", steps=100, pauses=(49,)), outside, tmp_path)
    try:
        script.until("AT 49")
        second = _renew(dict(server), tmp_path)["MLFLOW_TRACKING_PASSWORD"]
        write_token(secret, second)
        hub.revoke(first, "ada")
        script.go_on()
        script.until("DONE")
        assert script.process.wait(60) == 0
    finally:
        script.end()
    assert _steps(hub, second, "mounted") == list(range(100))


def test_a_service_token_reaches_the_services_only_ends_and_is_gone_with_the_server(
    hub: TokenHub,
) -> None:
    environment = hub.spawn("eve")
    token = environment["MLFLOW_TRACKING_PASSWORD"]
    assert token != environment["JUPYTERHUB_API_TOKEN"]
    assert hub.status(token) == 200
    api = environment["JUPYTERHUB_API_URL"]
    assert _get(f"{api}/users/eve/tokens", token) == 403
    assert _post(f"{api}/users/eve/servers/more", token) == 403
    assert _post(f"{api}/users/eve/tokens", token) == 403
    # The server's own token is none for services then, and no other can ask for more.
    assert hub.status(environment["JUPYTERHUB_API_TOKEN"]) == 403
    assert _post(f"{api}/baton/token", token, {"server": ""}) == 403
    (found,) = [t for t in hub.tokens("eve") if "services" in t["note"]]
    # Beside who it is of, which the Hub tells whoever has a token.
    assert sorted(s for s in found["scopes"] if not s.startswith("read:users:")) == [
        "access:services!service=desk",
        "access:services!service=mlflow",
    ]
    assert found["expires_at"]
    hub.stop("eve")
    assert [t for t in hub.tokens("eve") if "services" in t["note"]] == []
    wait_for(lambda: hub.status(token) == 401)


def test_only_the_servers_own_token_gets_another_and_only_while_it_runs(hub: TokenHub) -> None:
    environment = hub.spawn("bob")
    api, own = environment["JUPYTERHUB_API_URL"], environment["JUPYTERHUB_API_TOKEN"]
    assert _post(f"{api}/baton/token", own, {"server": ""}) == 200
    assert _post(f"{api}/baton/token", own, {"server": "other"}) == 404
    assert _post(f"{api}/baton/token", own, {"server": 5}) == 400
    assert _post(f"{api}/baton/token", "nonsense", {"server": ""}) == 403
    theirs = hub.http.post("users/bob/tokens", json={"note": "Server at /user/bob/"}).json()
    assert _post(f"{api}/baton/token", theirs["token"], {"server": ""}) == 403
    for _ in range(10):
        assert _post(f"{api}/baton/token", own, {"server": ""}) == 200
    assert len([t for t in hub.tokens("bob") if "services" in t["note"]]) <= 3
    hub.stop("bob")
    assert _post(f"{api}/baton/token", own, {"server": ""}) in {403, 404}


def _get(url: str, token: str) -> int:
    headers = {"Authorization": f"token {token}"}
    return httpx.get(url, headers=headers, trust_env=False).status_code


def _post(url: str, token: str, body: Any = None) -> int:
    headers = {"Authorization": f"token {token}"}
    return httpx.post(url, json=body or {}, headers=headers, trust_env=False).status_code


class Stranger(http.server.BaseHTTPRequestHandler):
    """Another tracking server, which notes what it is told."""

    heard: list[dict[str, str]] = []  # noqa: RUF012 - one for all requests

    def do_GET(self) -> None:
        self.heard.append({**dict(self.headers.items()), "path": self.path})
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_POST = do_PUT = do_GET  # noqa: N815 - as the base class wants them

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def stranger() -> Iterator[str]:
    Stranger.heard.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


ELSEWHERE = """
import os, mlflow
for uri in {uris!r}:
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient(uri)
    for call in (
        lambda: client.search_experiments(),
        lambda: client.search_registered_models(),
        lambda: mlflow.artifacts.list_artifacts(uri + "/api/2.0/mlflow-artifacts/artifacts/1"),
        lambda: client.log_metric("0" * 32, "m", 1),
    ):
        try: call()
        except Exception as error: print(type(error).__name__)
if {own!r}:
    os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"] = "me", {own!r}
    client.search_experiments()
"""


def test_no_other_server_gets_the_hubs_token_and_ones_own_for_it_stays(
    stranger: str, tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "BATON_TRACKING_URI": "http://127.0.0.1:9/services/mlflow",
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:9/services/mlflow",
        "MLFLOW_TRACKING_USERNAME": "ada",
        "MLFLOW_TRACKING_PASSWORD": "the-secret",
        "JUPYTERHUB_API_TOKEN": "the-secret",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    }
    uris = [stranger, stranger + "/services/mlflow", stranger + "/services/../services/mlflow"]
    code = ELSEWHERE.format(uris=uris, own="their-own")
    script = Script(code, environment, tmp_path)
    said, _ = script.process.communicate(timeout=120)
    assert script.process.returncode == 0, said
    assert len(Stranger.heard) > 6
    import base64

    secrets_sent = [
        base64.b64decode(h["Authorization"].split()[1]).decode()
        for h in Stranger.heard
        if "Authorization" in h
    ]
    assert set(secrets_sent) == {"me:their-own"}
    assert not any("the-secret" in str(heard) for heard in Stranger.heard)


def test_a_token_file_is_read_again_when_it_changes_and_may_be_absent(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "token"
    token = HubToken({"BATON_TOKEN_FILE": str(path), "MLFLOW_TRACKING_PASSWORD": "given"})
    assert token.current() == "given"
    write_token(path, "one\n")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert list(token.candidates()) == ["one", "given"]
    write_token(path, "two")
    assert token.current() == "two"
    path.write_bytes(b"\xff\xfe")
    assert token.current() == "given"
    path.write_text("two\r\nX-Header: 1")
    assert token.current() == "given"
    path.unlink()
    assert token.current() == "given"
    began = time.process_time()
    for _ in range(1000):
        token.current()
    assert time.process_time() - began < 0.5


def test_another_hubs_token_is_not_for_an_mlflow_that_somebody_named() -> None:
    token = HubToken({"JUPYTERHUB_API_TOKEN": "hub", "MLFLOW_TRACKING_PASSWORD": "mine"})
    assert list(token.candidates()) == ["mine"]
    assert LIFETIME >= 120


def test_a_lifetime_shorter_than_services_believe_a_token_is_refused_with_what_to_write() -> None:
    given = dict.fromkeys(("public_url", "mlflow_api_token", "desk_api_token"), "http://hub")
    assert read_settings({**given, "service_token_lifetime": "8h"}, {}).service_token_lifetime == (
        8 * 3600
    )
    with pytest.raises(ConfigurationError, match="must be 0, or at least 120 seconds"):
        read_settings({**given, "service_token_lifetime": "1m"}, {})
    with pytest.raises(ConfigurationError, match="service_token_lifetime: '60s' is not a length"):
        read_settings({**given, "service_token_lifetime": "60s"}, {})
