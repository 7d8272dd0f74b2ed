"""The desk as a process: it starts, says in one line why it can't, and stops at once."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from tests.processes import await_answer, free_port, running

from baton_desk.settings import Settings, SettingsError


def environment(folder: Path, port: int) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "BATON_DESK_DATABASE": f"sqlite:///{folder}/desk.sqlite",
        "BATON_DESK_FILES": str(folder / "files"),
        "BATON_PUBLIC_URL": "http://127.0.0.1:8000/",
        "JUPYTERHUB_API_TOKEN": "very-secret",
        "JUPYTERHUB_API_URL": "http://127.0.0.1:1/hub/api",
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_SERVICE_NAME": "desk",
        "JUPYTERHUB_SERVICE_PREFIX": "/services/desk/",
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}",
        "JUPYTERHUB_CLIENT_ID": "service-desk",
        "JUPYTERHUB_OAUTH_CALLBACK_URL": "/services/desk/oauth_callback",
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": '["access:services!service=desk"]',
    }


@pytest.fixture
def port() -> int:
    return free_port()


def test_it_serves_until_sigterm_and_logs_no_secret(tmp_path: Path, port: int) -> None:
    log = tmp_path / "desk.log"
    command = [sys.executable, "-m", "baton_desk"]
    with running(command, log, env=environment(tmp_path, port)) as process:
        url = f"http://127.0.0.1:{port}/services/desk/"
        await_answer(f"{url}health", process, log)
        bearer = {"Authorization": "Bearer not-known"}
        answer = httpx.get(f"{url}api/handoffs", headers=bearer, trust_env=False)
        assert answer.status_code == 503
        process.send_signal(signal.SIGTERM)
        # Well below what anything that has to be cut off would take.
        assert process.wait(10) == 0
    text = log.read_text()
    assert "the desk stops" in text
    assert "very-secret" not in text
    assert "not-known" not in text


def _start(**changes: str | None) -> str:
    """Run ``baton desk serve`` with a changed environment; return its one line."""
    from baton_desk.cli import command

    env = {**dict.fromkeys(os.environ), **changes}
    result = CliRunner().invoke(command, ["serve"], env=env)
    assert result.exit_code == 1, result.output
    lines: list[str] = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1, result.output
    return lines[0]


def test_what_keeps_it_from_starting_is_one_line(tmp_path: Path, port: int) -> None:
    good: dict[str, str | None] = dict(environment(tmp_path, port))
    assert "BATON_DESK_DATABASE is not set" in _start(**{**good, "BATON_DESK_DATABASE": None})
    none = "postgresql://baton@127.0.0.1:1/none"
    assert "The desk's database can't be opened" in _start(**{**good, "BATON_DESK_DATABASE": none})
    (tmp_path / "occupied").touch()
    files = str(tmp_path / "occupied" / "files")
    assert "can't write to its folder" in _start(**{**good, "BATON_DESK_FILES": files})
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        assert f"can't listen on 127.0.0.1:{port}" in _start(**good)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JUPYTERHUB_OAUTH_ACCESS_SCOPES", "[]"),
        ("JUPYTERHUB_OAUTH_ACCESS_SCOPES", "nonsense"),
        ("BATON_DESK_MAX_PACKET_BYTES", "1 GB"),
        ("BATON_DESK_EXPIRY_DAYS", "0"),
    ],
)
def test_a_setting_that_cant_be_used_is_named(
    tmp_path: Path, port: int, name: str, value: str
) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment({**environment(tmp_path, port), name: value})


@pytest.mark.parametrize("path", ["", "/research"])
def test_its_address_has_the_platforms_path_once(tmp_path: Path, port: int, path: str) -> None:
    given = {
        "BATON_PUBLIC_URL": f"https://hub.example.org{path}/",
        "JUPYTERHUB_SERVICE_PREFIX": f"{path}/services/desk/",
    }
    settings = Settings.from_environment({**environment(tmp_path, port), **given})
    assert settings.url == f"https://hub.example.org{path}/services/desk"


def test_migrate_says_where_the_tables_are(tmp_path: Path) -> None:
    from baton_desk.cli import command

    for _ in range(2):
        result = CliRunner().invoke(
            command, ["migrate", "--database", f"sqlite:///{tmp_path}/desk.sqlite"]
        )
        assert result.output == "The desk's tables are at revision 0001.\n"


async def test_offers_expire_by_themselves(
    start_desk: Any, enter: Any, offer: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from baton_desk import service

    monkeypatch.setattr(service, "_EXPIRY_ROUND", 0.02)
    desk = await start_desk(clock=clock, expiry_days=7)
    handoff_id = await offer(desk)
    clock.forward(days=8)
    await enter("developer", at=desk).until(handoff_id, "expired")
