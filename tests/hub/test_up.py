"""`baton up`: one clear line for what is wrong, and no process left behind."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from tests.hub.running import BATON, PROFILES, Platform, wait_for, xsrf

from baton_hub.up.folder import Folder, FolderError


def up(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BATON, "up", *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_a_port_in_use_is_one_line_and_nothing_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = up("--folder", str(tmp_path / "lab"), "--port", str(port))
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert f"Port {port} " in result.stderr
    assert "--port" in result.stderr
    assert not (tmp_path / "lab" / "hub.sqlite").exists()


def test_an_unwritable_folder_is_one_line_and_nothing_starts(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = up("--folder", str(tmp_path / "file" / "lab"), "--port", "0")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "can't be written" in result.stderr
    assert "--folder" in result.stderr


def test_a_folder_is_used_by_one_platform_at_a_time(tmp_path: Path) -> None:
    first = Folder(tmp_path)
    first.prepare()
    with pytest.raises(FolderError, match="Another Baton is running"):
        Folder(tmp_path).prepare()


def test_a_new_folder_is_its_owners_alone(tmp_path: Path) -> None:
    Folder(tmp_path / "lab").prepare()
    assert (tmp_path / "lab").stat().st_mode & 0o777 == 0o700


def test_passwords_are_made_once_and_only_the_owner_reads_them(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    made = folder.secrets()
    path = tmp_path / "secrets.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.secrets() == made
    # A folder of an older version gets what it lacks, and keeps the rest.
    kept = json.loads(path.read_text())
    del kept["desk_token"]
    path.write_text(json.dumps(kept))
    assert folder.secrets().user_password == made.user_password
    assert folder.secrets().desk_token


@pytest.fixture
def own_platform(tmp_path: Path) -> Iterator[Platform]:
    """A platform that the test may stop."""
    shutil.copytree(PROFILES, tmp_path / "profiles")
    started = Platform(tmp_path / "lab", tmp_path / "profiles")
    yield started
    started.stop()


def test_ctrl_c_leaves_no_process_behind(own_platform: Platform) -> None:
    """Also with a server running, a second Ctrl-C in the middle, and a broken catalogue."""
    platform = own_platform
    with platform.sign_in("developer") as browser:
        fields = {"choice": "python/small"}
        browser.post(f"/hub/spawn/developer?_xsrf={xsrf(browser)}", data=fields)
        with platform.api("developer") as api:
            wait_for(lambda: api.get("users/developer").json()["server"], "a server")
    (platform.profiles / "python.yaml").write_text("name: python\n")
    platform.news("The profiles are broken: ")
    assert not any("catalogue is broken" in line for line in platform.lines), "told twice"
    descendants = psutil.Process(platform.process.pid).children(recursive=True)
    assert any("jupyterhub.singleuser" in " ".join(p.cmdline()) for p in descendants)
    platform.process.send_signal(signal.SIGINT)
    platform.news("Stopping")
    platform.process.send_signal(signal.SIGINT)
    assert platform.process.wait(30) == 0
    _, alive = psutil.wait_procs(descendants, timeout=1)
    assert not alive
    assert platform.lines[-1].startswith("Stopped.")


def test_a_part_that_is_killed_is_reported_and_started_again(platform: Platform) -> None:
    """And the Hub keeps answering meanwhile."""
    seen = len(platform.lines)
    wait_for(lambda: find(platform, "baton_hub.tracking"), "MLflow's start").kill()
    line = platform.news("MLflow stopped (signal 9)", seen)
    assert "The rest keeps running." in line
    assert str(platform.folder / "logs" / "mlflow.log") in line
    assert httpx.get(f"{platform.url}/hub/health").status_code == 200
    wait_for(lambda: find(platform, "baton_hub.tracking"), "MLflow's next start")


def find(platform: Platform, module: str) -> psutil.Process:
    children = psutil.Process(platform.process.pid).children()
    found = [p for p in children if p.status() != psutil.STATUS_ZOMBIE and module in p.cmdline()]
    return next(iter(found), None)  # type: ignore[return-value]


def test_a_part_that_fails_says_with_which_words(tmp_path: Path) -> None:
    (tmp_path / "mlflow.sqlite").write_text("This is no database, however long it is.\n" * 100)
    platform = Platform(tmp_path)
    try:
        platform.news("MLflow stopped (exit code 1)", seconds=120)
        said = platform.news("  Its last words: ")
    finally:
        platform.stop()
    assert said.startswith("  Its last words: MLflow can't start: ")
    assert "not a database" in said
