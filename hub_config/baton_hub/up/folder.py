"""The one folder that everything of a one-machine platform is kept in."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO


class FolderError(Exception):
    """The folder can't be used; the text says why and what to do."""


@dataclass(frozen=True)
class Secrets:
    """Passwords and tokens: made once, kept in ``secrets.json``, readable by the owner only."""

    user_password: str
    admin_password: str
    mlflow_token: str
    desk_token: str
    proxy_token: str
    cookie_secret: str


class Folder:
    """Where each part keeps its files. `prepare` makes the folder ready and locks it."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()
        self.hub_database = f"sqlite:///{self.root / 'hub.sqlite'}"
        self.mlflow_database = f"sqlite:///{self.root / 'mlflow.sqlite'}"
        self.desk_database = f"sqlite:///{self.root / 'desk.sqlite'}"
        self.artifacts = self.root / "artifacts"
        self.files = self.root / "files"
        self.homes = self.root / "homes"
        self.logs = self.root / "logs"
        self.audit = self.root / "audit.jsonl"
        self.connection_secrets = self.root / "secrets.d"
        self._lock: IO[str] | None = None

    def prepare(self) -> None:
        """Make the folder and what is in it, and keep others from using it until this process ends.

        Raises `FolderError` when it can't be written, or when another Baton uses it.
        """
        try:
            # Databases and logs are nobody else's business; a folder that is there keeps its mode.
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for part in (self.artifacts, self.files, self.homes, self.logs):
                part.mkdir(exist_ok=True)
            self.connection_secrets.mkdir(mode=0o700, exist_ok=True)
            self._lock = (self.root / "lock").open("a+", encoding="utf-8")
        except OSError as error:
            raise FolderError(
                f"The folder {self.root} can't be written ({error.strerror})."
                " Nothing was started. Choose another one with --folder."
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise FolderError(
                f"Another Baton is running in {self.root}. Nothing was started."
                " Stop it first, or choose another folder with --folder."
            ) from None

    def secrets(self) -> Secrets:
        """Return the folder's passwords and tokens, making those that are missing."""
        path = self.root / "secrets.json"
        kept = json.loads(path.read_text("utf-8")) if path.exists() else {}
        known = {field.name: kept.get(field.name) or _new(field.name) for field in fields(Secrets)}
        made = Secrets(**known)
        if asdict(made) != kept:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(asdict(made), stream, indent=2)
            path.chmod(0o600)
        return made


def _new(name: str) -> str:
    if name == "user_password":
        return secrets.token_urlsafe(9)
    # JupyterHub asks for at least 32 characters where a password makes somebody an admin.
    return secrets.token_hex(32 if name == "cookie_secret" else 16)
