"""A throw-away PostgreSQL from the machine's packages, started once a session."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.machine import postgres as find_postgres
from tests.processes import end, free_port


def _as_postgres(command: list[str]) -> list[str]:
    # PostgreSQL refuses to run as root.
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A throw-away PostgreSQL; yields its address up to the database's name."""
    if os.environ.get("BATON_TEST_NO_POSTGRES") == "1":
        pytest.skip("BATON_TEST_NO_POSTGRES=1")
    programs = find_postgres()
    if not programs:
        pytest.fail(
            "PostgreSQL's server is not installed. Install Debian's postgresql package, or set "
            "BATON_TEST_NO_POSTGRES=1 to test on SQLite only."
        )
    with start_postgres(programs) as address:
        yield address


@contextlib.contextmanager
def start_postgres(programs: Path) -> Iterator[str]:
    """Run a server of the programs in this folder; yields its address, and deletes it."""
    # Not under pytest's own folder, which the user postgres may not enter.
    folder = Path(subprocess.check_output(_as_postgres(["mktemp", "-d"]), text=True).strip())
    port = free_port()
    subprocess.run(
        _as_postgres(
            [f"{programs}/initdb", "-D", f"{folder}/data", "-U", "baton", "-A", "trust", "-N"]
        ),
        check=True,
        capture_output=True,
        cwd="/",
    )
    options = ["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(
        _as_postgres([f"{programs}/postgres", "-D", f"{folder}/data", "-k", str(folder), *options]),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    address = f"postgresql://baton@127.0.0.1:{port}"
    try:
        _await_postgres(address, server)
        yield address
    finally:
        stop = [f"{programs}/pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "stop"]
        subprocess.run(_as_postgres(stop), check=False, capture_output=True, cwd="/")
        end(server)
        shutil.rmtree(folder, ignore_errors=True)


def _await_postgres(address: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(f"{address}/postgres").close()
            return
        if server.poll() is not None or time.monotonic() > deadline:
            pytest.fail("PostgreSQL did not start.")
        time.sleep(0.05)


def make_database(server: str, name: str) -> str:
    """Return the address of a new, empty database on the server."""
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"{server}/{name}"
