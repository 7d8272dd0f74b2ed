"""A real Hub: nobody starts what they are not offered, whichever way they ask."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import jupyterhub
import psutil
import pytest
from tests.hub.running import Platform, asking, wait_for, xsrf

HOSTILE = [
    ({}, 400, "no_profile"),
    ({"profile": "pytorch-gpu"}, 403, "profile_not_offered"),
    ({"profile": "pytorch-gpu", "size": "one-gpu"}, 403, "profile_not_offered"),
    ({"profile": "nothing"}, 403, "profile_not_offered"),
    ({"profile": "python", "size": "huge"}, 400, "unknown_size"),
    ({"profile": "python", "cpu_limit": 64}, 400, "unknown_option"),
    ({"profile": ["python"]}, 400, "bad_choice"),
    ({"profile": "python", "image": {"a": [1]}}, 400, "unknown_option"),
    ({"profile": "x" * 100_000}, 403, "profile_not_offered"),
    ({"profile": "x" * 200_000}, 413, "too_large"),
]


@pytest.fixture(scope="module")
def scientist(platform: Platform) -> Iterator[httpx.Client]:
    with platform.api("scientist") as client:
        yield client


def servers(client: httpx.Client, name: str = "scientist") -> dict[str, Any]:
    return dict(client.get(f"users/{name}").json()["servers"])


@pytest.mark.parametrize(("options", "status", "code"), HOSTILE, ids=lambda value: str(value)[:40])
def test_the_api_refuses_with_a_reason_and_starts_nothing(
    platform: Platform, scientist: httpx.Client, options: dict[str, Any], status: int, code: str
) -> None:
    answer = scientist.post("users/scientist/server", json=asking(options))
    assert (answer.status_code, answer.headers["Baton-Refusal"]) == (status, code)
    assert len(answer.json()["message"]) > 20
    assert not servers(scientist)
    last = platform.audit()[-1]
    assert (last["decision"], last["code"], last["user"]) == ("refused", code, "scientist")


def test_stored_options_are_decided_on_again(scientist: httpx.Client) -> None:
    """The Hub stores refused options too: a start without options takes and refuses them."""
    scientist.post("users/scientist/server", json=asking({"profile": "pytorch-gpu"}))
    answer = scientist.post("users/scientist/server")
    assert answer.status_code == 403
    assert "pytorch-gpu" in answer.json()["message"]


@pytest.mark.skipif(jupyterhub.version_info < (6,), reason="JupyterHub 6 brought it")
def test_edited_options_are_decided_on_again(scientist: httpx.Client) -> None:
    edited = {"user_options": {"profile": "python", "size": "small", "debug": True}}
    assert scientist.patch("users/scientist/servers/", json=edited).status_code < 300
    answer = scientist.post("users/scientist/server")
    assert (answer.status_code, answer.headers["Baton-Refusal"]) == (400, "unknown_option")


def test_form_and_address_refuse_on_the_spawn_page(platform: Platform) -> None:
    """The person reads why, on the page where they are, and can choose again."""
    with platform.sign_in("scientist") as browser:
        form = browser.post(
            f"/hub/spawn/scientist?_xsrf={xsrf(browser)}", data={"choice": "pytorch-gpu/one-gpu"}
        )
        address = browser.get("/hub/spawn/scientist?profile=pytorch-gpu")
    for answer in (form, address):
        assert answer.status_code == 403
        assert "is not offered to you" in answer.text
        assert 'id="profile-scikit-learn"' in answer.text


def test_a_refused_form_proposes_again_what_was_chosen(platform: Platform) -> None:
    """Also for a named server, whose refusal JupyterHub shows on the default server's page."""
    chosen = {
        "profile": "tables",
        "size.tables": "small",
        "option.tables.log-level": "info",
        "option.tables.note": "n" * 201,
        "connection.tables": "tables-lake",
        "size.python": "medium",
    }
    with platform.sign_in("scientist") as browser:
        for server in ("", "/third"):
            address = f"/hub/spawn/scientist{server}?_xsrf={xsrf(browser)}"
            refused = browser.post(address, data=chosen)
            assert refused.headers["Baton-Refusal"] == "bad_option"
            tables = refused.text.split('data-profile="tables"')[1].split("data-profile=")[0]
            assert refused.text.split("data-profile=")[1].startswith('"tables"')
            assert '<option value="info" selected>' in tables
            assert re.search(r'value="tables-lake"[^>]* checked', tables) is None
            assert "its access data is not on this machine" in tables


def test_a_connection_without_its_secret_is_refused_before_anything_is_booked(
    platform: Platform, scientist: httpx.Client
) -> None:
    wanted = asking({"profile": "tables", "connections": ["tables-moon"]})
    answer = scientist.post("users/scientist/server", json=wanted)
    assert (answer.status_code, answer.headers["Baton-Refusal"]) == (409, "connection_unavailable")
    assert answer.json()["message"].startswith("Moon can't be attached:")
    assert "tables-moon/key" not in answer.text
    last = platform.audit()[-1]
    assert (last["code"], last["connections"]) == ("connection_unavailable", ["tables-moon"])
    assert not servers(scientist)


def test_options_and_connections_arrive_as_they_were_chosen(
    platform: Platform, scientist: httpx.Client
) -> None:
    """An answer is no template, and a secret's value is in the server's environment only."""
    secret = platform.folder / "secrets.d" / "tables-lake" / "key"
    assert secret.parents[1].stat().st_mode & 0o777 == 0o700
    secret.parent.mkdir()
    secret.write_text("s3cr3t-of-the-lake\n")
    note = "{username} {0} $(JUPYTERHUB_API_TOKEN) $HOME %s `id` ä"
    wanted = {
        "profile": "tables",
        "options": {"note": note, "log-level": "info"},
        "connections": ["tables-lake"],
    }
    answer = scientist.post("users/scientist/server", json=asking(wanted))
    assert answer.status_code in (201, 202), answer.text
    wait_for(lambda: servers(scientist).get("", {}).get("ready"), "the server")
    server = server_process(platform)
    env = server.environ()
    assert (env["TABLES_NOTE"], env["TABLES_LOG_LEVEL"]) == (note, "info")
    assert (env["LAKE_BUCKET"], env["LAKE_KEY"]) == ("tables", "s3cr3t-of-the-lake")
    assert env["BATON_CONNECTIONS"] == "tables-lake"
    assert "s3cr3t" not in " ".join(server.cmdline())
    assert scientist.delete("users/scientist/server").status_code < 300
    wait_for(lambda: not servers(scientist), "the stop")
    for kept in platform.folder.rglob("*"):
        if kept.is_file() and kept != secret:
            assert b"s3cr3t" not in kept.read_bytes(), kept


def test_many_refusals_do_not_stop_the_hub(platform: Platform, scientist: httpx.Client) -> None:
    for _ in range(20):
        scientist.post("users/scientist/server", json=asking({"profile": "nothing"}))
    assert httpx.get(f"{platform.url}/hub/health").status_code == 200


def test_the_form_starts_a_server_that_is_set_up_as_decided(
    platform: Platform, scientist: httpx.Client
) -> None:
    with platform.sign_in("scientist") as browser:
        page = browser.get("/hub/spawn")
        assert "Start a server" in page.text
        assert "pytorch" not in page.text
        started = browser.post(
            f"/hub/spawn/scientist?_xsrf={xsrf(browser)}",
            data={"profile": "scikit-learn", "size.scikit-learn": "small"},
        )
        assert started.status_code == 200
        wait_for(lambda: servers(scientist).get("", {}).get("ready"), "the server")
        assert browser.get("/user/scientist/lab").status_code == 200
    env = server_process(platform).environ()
    assert env["MLFLOW_TRACKING_URI"] == f"{platform.url}/services/mlflow"
    assert env["MLFLOW_TRACKING_USERNAME"] == "scientist"
    assert env["MLFLOW_TRACKING_PASSWORD"] == env["JUPYTERHUB_API_TOKEN"]
    assert env["BATON_DESK_URL"] == f"{platform.url}/services/desk"
    assert (env["BATON_PROFILE"], env["BATON_SIZE"]) == ("scikit-learn", "small")
    # The image was not used, so nothing that is recorded may name it.
    assert (env["BATON_IMAGE"], env["BATON_IMAGE_DIGEST"]) == ("", "")
    assert env["HOME"] == str(platform.folder / "homes" / "scientist")
    token = httpx.get(
        f"{platform.url}/hub/api/user",
        headers={"Authorization": f"token {env['JUPYTERHUB_API_TOKEN']}"},
    ).json()
    for service in ("mlflow", "desk"):
        assert f"access:services!service={service}" in token["scopes"]


def test_a_quota_holds_also_after_the_hub_was_killed(
    platform: Platform, scientist: httpx.Client
) -> None:
    """The server of the test before takes 1 of 2 CPUs; it and its booking outlive the Hub."""
    medium = asking({"profile": "scikit-learn", "size": "medium"})
    answer = scientist.post("users/scientist/servers/second", json=medium)
    assert (answer.status_code, answer.headers["Baton-Refusal"]) == (403, "quota_cpu")
    assert "you may use 2 CPUs at once, and 1 CPU in use already" in answer.json()["message"]
    seen = len(platform.lines)
    hub = next(p for p in children(platform) if "jupyterhub" in p.cmdline())
    hub.kill()
    platform.news("The Hub stopped (signal 9)", seen)
    platform.news("The Hub is up again.", seen)
    assert servers(scientist)[""]["ready"]
    answer = scientist.post("users/scientist/servers/second", json=medium)
    assert (answer.status_code, answer.headers["Baton-Refusal"]) == (403, "quota_cpu")


def test_an_edited_catalogue_is_in_effect_on_the_next_spawn(
    platform: Platform, scientist: httpx.Client
) -> None:
    path = platform.profiles / "pytorch-gpu.yaml"
    good = path.read_text()
    wanted = asking({"profile": "pytorch-gpu"})
    platform.edit(path, good.replace("title:", "titel:"))
    answer = scientist.post("users/scientist/servers/second", json=wanted)
    assert answer.headers["Baton-Refusal"] == "profile_not_offered"
    platform.edit(path, good.replace("[deep-learning]", "[data-science]"))
    answer = scientist.post("users/scientist/servers/second", json=wanted)
    assert answer.headers["Baton-Refusal"] == "quota_cpu"
    platform.edit(path, good)


def test_a_stop_is_recorded_and_frees_the_quota(
    platform: Platform, scientist: httpx.Client
) -> None:
    assert scientist.delete("users/scientist/server").status_code < 300
    wait_for(lambda: platform.audit()[-1]["event"] == "stop", "the stop's record")
    with platform.sign_in("scientist") as browser:
        assert "2 CPUs" in browser.get("/hub/spawn").text.split('data-baton="left"')[1][:200]


@pytest.mark.parametrize("is_told", [True, False], ids=["stopped", "killed"])
def test_what_a_server_leaves_behind_ends_with_it(
    platform: Platform, scientist: httpx.Client, is_told: bool
) -> None:
    """A process that outlived its server would run on without being counted."""
    answer = scientist.post("users/scientist/server", json=asking({"profile": "python"}))
    assert answer.status_code in (201, 202), answer.text
    wait_for(lambda: servers(scientist).get("", {}).get("ready"), "the server")
    server = server_process(platform)
    left = subprocess.Popen(["sleep", "99"], env=server.environ(), start_new_session=True)
    try:
        if is_told:
            scientist.delete("users/scientist/server")
        else:
            server.kill()
        wait_for(lambda: left.poll() is not None, "the end of what was left behind", 20)
        wait_for(lambda: not servers(scientist), "the stop")
    finally:
        left.kill()
        left.wait()


def test_the_desk_learns_groups_and_teams_and_nothing_else(platform: Platform) -> None:
    headers = {"Authorization": f"token {platform.secrets['desk_token']}"}
    with httpx.Client(base_url=f"{platform.url}/hub/api/", headers=headers) as desk:
        person = desk.get("users/operator").json()
        teams = {group["name"] for group in desk.get("groups").json()}
        assert person["admin"] is True
        assert set(person["groups"]) == {"operations", "deep-learning"}
        assert teams >= {"data-science", "app-developers", "operations"}
        assert not person.get("servers")
        assert desk.get("users").status_code == 403
        assert desk.post("users/operator/server").status_code == 403
        assert desk.get("users/operator/tokens").status_code == 403
        assert desk.post("groups/operations/users", json={"users": ["x"]}).status_code == 403


def children(platform: Platform) -> list[psutil.Process]:
    every = psutil.Process(platform.process.pid).children(recursive=True)
    return [p for p in every if p.status() != psutil.STATUS_ZOMBIE]


def server_process(platform: Platform) -> psutil.Process:
    return next(p for p in children(platform) if "jupyterhub.singleuser" in p.cmdline())
