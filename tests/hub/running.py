"""A running `baton up`, as tests see it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import jupyterhub

BATON = str(Path(sys.executable).with_name("baton"))
PROFILES = Path(__file__).parents[2] / "profiles"


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """Return what ``condition`` returns as soon as it is true; fail when it takes too long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen within {seconds} s")


class Platform:
    """A running `baton up`."""

    def __init__(self, folder: Path, profiles: Path = PROFILES, *options: str) -> None:
        self.folder = folder
        self.profiles = profiles
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [BATON, "up", "--folder", folder, "--port", "0", "--profiles", profiles, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def news(self, text: str, after: int = 0, seconds: float = 60) -> str:
        """Wait for a line that holds ``text``."""
        return str(
            wait_for(
                lambda: next((line for line in self.lines[after:] if text in line), None),
                f"the line {text!r}",
                seconds,
            )
        )

    @property
    def url(self) -> str:
        return self.news("Baton is ready: ").removeprefix("Baton is ready: ")

    @property
    def secrets(self) -> dict[str, str]:
        return dict(json.loads((self.folder / "secrets.json").read_text()))

    def password(self, name: str) -> str:
        """Return the password of one of the demo's people."""
        return self.secrets["admin_password" if name == "operator" else "user_password"]

    @contextmanager
    def sign_in(self, name: str) -> Iterator[httpx.Client]:
        """Yield a browser's session of one of the demo's people."""
        with httpx.Client(base_url=self.url, follow_redirects=True, timeout=30) as client:
            client.get("/hub/login")
            fields = {"username": name, "password": self.password(name), "_xsrf": xsrf(client)}
            answer = client.post("/hub/login", data=fields)
            assert answer.status_code == 200, answer.text
            yield client

    def api(self, name: str) -> httpx.Client:
        """Return a session of somebody's program: the Hub's API, with a token of theirs."""
        with self.sign_in(name) as browser:
            answer = browser.post(
                f"/hub/api/users/{name}/tokens", json={}, headers={"X-XSRFToken": xsrf(browser)}
            )
            assert answer.status_code == 201, answer.text
        headers = {"Authorization": f"Bearer {answer.json()['token']}"}
        return httpx.Client(base_url=f"{self.url}/hub/api/", headers=headers, timeout=30)

    def audit(self) -> list[dict[str, Any]]:
        path = self.folder / "audit.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def edit(self, path: Path, text: str | None) -> None:
        """Write a file of the catalogue, or remove it (None), and wait until that is noticed."""
        seen = len(self._catalogues())
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
        with self.sign_in("operator") as browser:

            def is_noticed() -> bool:
                browser.get("/hub/spawn").raise_for_status()
                return len(self._catalogues()) > seen

            wait_for(is_noticed, f"the edit of {path.name}")

    def _catalogues(self) -> list[dict[str, Any]]:
        return [event for event in self.audit() if event["event"] == "catalog"]

    def stop(self) -> None:
        """Stop it, if it still runs."""
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        finally:
            # Its parts end with it, however it ends.
            self.process.kill()
            self.process.wait()


def xsrf(client: httpx.Client | httpx.AsyncClient) -> str:
    return next(
        c.value or "" for c in client.cookies.jar if c.name == "_xsrf" and c.path == "/hub/"
    )


def asking(options: Any) -> Any:
    """Return the body of a start: JupyterHub 6 wraps the options, 5 takes them as they are."""
    return {"user_options": options} if jupyterhub.version_info >= (6,) else options
