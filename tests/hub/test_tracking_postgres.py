"""The same on PostgreSQL with several workers, and what stops or delays a start there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest
from tests.hub.test_tracking_access import *  # noqa: F403 - the same claims, on another database
from tests.hub.test_tracking_records import *  # noqa: F403
from tests.postgres import make_database
from tests.processes import free_port
from tests.tracking import Tracking

from baton_hub.tracking.database import DatabaseError, prepare
from baton_hub.tracking.settings import SettingsError, parse_settings

pytest_plugins = ("tests.tracking",)


@pytest.fixture(scope="session")
def tracking(tracking_postgres: Tracking) -> Tracking:
    """What the claims of the other files are tested on here."""
    return tracking_postgres


def test_of_two_that_begin_at_once_one_makes_the_tables(postgres: str) -> None:
    database = make_database(postgres, "at_once")
    code = f"from baton_hub.tracking.database import prepare; prepare({_named(database)!r})"
    command = [sys.executable, "-W", "ignore", "-c", code]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    ends = [(process.communicate(timeout=180)[1], process.returncode) for process in both]
    assert [code for _, code in ends] == [0, 0], ends
    with psycopg.connect(database) as connection:
        found = connection.execute("SELECT count(*) FROM alembic_version").fetchone()
    assert found == (1,)


def _named(address: str) -> str:
    return address.replace("postgresql://", "postgresql+psycopg://")


def test_a_database_that_is_not_there_stops_the_start_at_once(postgres: str) -> None:
    address = _named(f"{postgres}/nowhere").replace("baton@", "baton:hunter2@")
    with pytest.raises(DatabaseError, match='database "nowhere" does not exist') as raised:
        prepare(address)
    assert "hunter2" not in str(raised.value)


def test_a_server_that_never_comes_is_named_without_its_password(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("baton_hub.tracking.database.PAUSE_SECONDS", 0.05)
    port = free_port()
    address = f"postgresql+psycopg://baton:hunter2@127.0.0.1:{port}/late"
    with pytest.raises(DatabaseError, match=r"can't be opened: .*refused") as raised:
        prepare(address, patience=0.1)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("driver", ["postgresql+nothing", "oracle", "mysql+pymysql"])
def test_what_can_not_be_used_is_named(driver: str) -> None:
    with pytest.raises(DatabaseError, match=rf"{re.escape(driver)}, which can't be used here"):
        prepare(f"{driver}://host/db")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"BATON_MLFLOW_WORKERS": "many"}, "must be a number from 1 to 64"),
        ({"BATON_MLFLOW_WORKERS": "0"}, "must be a number from 1 to 64"),
        ({"BATON_MLFLOW_WORKERS": "2"}, "needs PostgreSQL"),
        ({"BATON_MLFLOW_DATABASE": "secret-words"}, "must be an address such as"),
        ({"BATON_MLFLOW_ARTIFACTS": "gs://secret-words/x"}, "a folder or an address .* not gs://…"),
    ],
)
def test_settings_that_do_not_fit_are_named(settings: dict[str, str], sentence: str) -> None:
    given = {
        "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:1",
        "BATON_PUBLIC_URL": "http://127.0.0.1:2",
        "BATON_MLFLOW_DATABASE": "sqlite:////srv/mlflow.sqlite",
        "BATON_MLFLOW_ARTIFACTS": "/srv/artifacts",
    }
    with pytest.raises(SettingsError, match=sentence) as raised:
        parse_settings(given | settings)
    assert "secret-words" not in str(raised.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_postgresql_is_reached_by_psycopg_whatever_it_is_called(scheme: str) -> None:
    given = {
        "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:1",
        "BATON_PUBLIC_URL": "http://127.0.0.1:2",
        "BATON_MLFLOW_DATABASE": f"{scheme}://u:p@host/db",
        "BATON_MLFLOW_ARTIFACTS": "/srv/artifacts",
        "BATON_MLFLOW_WORKERS": "4",
    }
    settings = parse_settings(given)
    assert (settings.database, settings.workers) == ("postgresql+psycopg://u:p@host/db", 4)


def test_hints_go_on_after_the_database_was_away(
    tracking_postgres: Tracking, postgres: str
) -> None:
    """Connections that PostgreSQL ends come back, and listeners are told to look anew."""
    heard: list[str] = []
    listening, done = threading.Event(), threading.Event()

    def listen() -> None:
        with (
            tracking_postgres.client("ada") as client,
            client.stream("GET", "/baton/events", timeout=90) as stream,
        ):
            for line in stream.iter_lines():
                listening.set()
                heard.append(line)
                if done.is_set():
                    return

    thread = threading.Thread(target=listen)
    thread.start()
    assert listening.wait(30)
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'baton hints'"
        )
    _await_lines(heard, '"run_id": null, "experiment_id": null, "change": "run"')
    run = tracking_postgres.run("ada", "back again")["run_id"]
    _await_lines(heard, run)
    done.set()
    tracking_postgres.run("ada", "the last line")
    thread.join(60)


def _await_lines(heard: list[str], words: str) -> None:
    deadline = time.monotonic() + 60
    while not any(words in line for line in heard):
        assert time.monotonic() < deadline, heard[-5:]
        time.sleep(0.05)


def test_the_password_is_in_no_log(tracking_postgres: Tracking, tmp_path: Path) -> None:
    """Neither a start that fails nor one that works writes the database's password."""
    address = f"postgresql://baton:hunter2@127.0.0.1:{free_port()}/none?connect_timeout=1"
    environment = {
        **os.environ,
        "JUPYTERHUB_API_TOKEN": "t",
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{free_port()}",
        "JUPYTERHUB_CLIENT_ID": "service-mlflow",
        "BATON_PUBLIC_URL": "http://127.0.0.1:1",
        "BATON_MLFLOW_ARTIFACTS": str(tmp_path),
        "BATON_MLFLOW_DATABASE": address,
        "BATON_MLFLOW_WORKERS": "2",
    }
    command = [sys.executable, "-W", "ignore", "-m", "baton_hub.tracking"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    line = ""
    while "can't be reached yet" not in line:
        line = process.stderr.readline()
        assert line, "it ended"
        assert "hunter2" not in line
    process.terminate()
    rest = process.communicate(timeout=30)[1]
    assert "hunter2" not in rest
    assert "Traceback" not in rest
