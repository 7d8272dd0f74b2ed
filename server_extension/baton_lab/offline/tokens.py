"""The Hub's token as it is now: read anew where it changes, by kernels and commands alike."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from baton_contract.authorization import renewed_token_name
from baton_lab.offline.places import ADDRESS, runtime_folder

FILE = "BATON_TOKEN_FILE"
"""Names a file with the token, such as a mounted secret that rotates."""
HUB = "JUPYTERHUB_API_TOKEN"
GIVEN = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")


class TokenFile:
    """A file with a token. It is read again whenever it was replaced or written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, ...] = ()
        self._token = ""

    def token(self) -> str:
        """Return the token; "" where there is no such file."""
        try:
            found = self.path.stat()
            seen = (found.st_mtime_ns, found.st_ino, found.st_size)
            if seen != self._seen:
                self._token = self.path.read_text("utf-8").strip()
                self._seen = seen
        except (OSError, ValueError):
            self._token, self._seen = "", ()
        # What can't stand in a header is no token.
        return self._token if self._token.isascii() and self._token.isprintable() else ""


class HubToken:
    """The token of this person's server, which may be renewed while a kernel runs.

    It is the content of the file that BATON_TOKEN_FILE names; else of the file that the
    Jupyter server writes when the Hub gave it a new one; else what the environment gave
    when this process began.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        # Another Hub's token is not for an MLflow that somebody named.
        own = environ.get(HUB, "") if ADDRESS in environ else ""
        named = [token for name in GIVEN if (token := environ.get(name, ""))]
        # Where services have a token of their own, the server's is none for them.
        self._given = named or [token for token in [own] if token]
        self._files: dict[Path, TokenFile] = {}
        self._renewed = token_path(own) if own else None
        self.known: set[str] = {*self._given, *filter(None, [own])}
        """Every token that this process has seen: none of them is for anybody else."""

    def current(self) -> str:
        """Return the token to sign the next request with; "" where there is none."""
        return next(self.candidates(), "")

    def candidates(self) -> Iterator[str]:
        """Yield the tokens to try, the likeliest first, none twice."""
        tried = set()
        for token in self._found():
            if token and token not in tried:
                tried.add(token)
                self.known.add(token)
                yield token

    def _found(self) -> Iterator[str]:
        named = self._environ.get(FILE, "")
        if named:
            yield self._read(Path(named))
        if self._renewed is not None:
            yield self._read(self._renewed)
        yield from self._given

    def _read(self, path: Path) -> str:
        return self._files.setdefault(path, TokenFile(path)).token()


def server_environ(address: str, own: str) -> dict[str, str]:
    """Return what `HubToken` has to know in the Jupyter server's own process.

    ``own`` is the token that the server was given or configured with; the one for the
    platform's services stands in the environment where the Hub gives that apart.
    """
    names = (FILE, *(GIVEN if own == os.environ.get(HUB) else ()))
    found = {name: value for name in names if (value := os.environ.get(name))}
    return {**found, ADDRESS: address, HUB: own}


def token_path(given: str) -> Path:
    """Return the file with the token that replaced the one a server was ``given``."""
    return runtime_folder() / renewed_token_name(given)


def write_token(path: Path, token: str) -> None:
    """Replace the token in a file that only this person can read, in one step."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    arriving = path.with_name(f".{secrets.token_hex(8)}")
    try:
        fd = os.open(arriving, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(fd, "w", encoding="utf-8") as out:  # noqa: PTH123 - of a descriptor
            out.write(token)
        arriving.replace(path)
    except OSError:
        with suppress(OSError):
            arriving.unlink(missing_ok=True)
        raise
