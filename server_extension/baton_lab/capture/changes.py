"""What differs from the commit: asked of git itself, with a time limit, changing nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

LARGEST_DIFF = 1024 * 1024
"""Bytes of a difference that is kept."""
SECONDS = 20.0
"""How long git may take, all questions together."""
# Nothing that the repository configures may run, fetch, ask or lock.
_ENVIRONMENT = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "LC_ALL": "C",
}
_OPTIONS = ("-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-c", "core.pager=cat")
_DIFF = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=dirty")


@dataclass(frozen=True, kw_only=True)
class Changes:
    """How a working tree differs from a commit; None where git could not say.

    ``dirty`` is about files that git tracks, as in ``git describe --dirty``;
    ``untracked`` counts the others. ``diff`` leaves out the notebook that ran, of which
    there is a snapshot, and is None where it is empty or too large.
    """

    commit: str | None = None
    branch: str | None = None
    remote: str | None = None
    dirty: bool | None = None
    untracked: int | None = None
    diff: bytes | None = None
    problem: str = ""


class _GitError(Exception):
    """Git did not answer, or not well; the text says why."""


def find_changes(
    folder: Path, commit: str | None, *, without: Path | None = None, seconds: float = SECONDS
) -> Changes:
    """Return how the repository at ``folder`` differs from ``commit``, by default its HEAD.

    ``without`` is left out of the diff. What was found before git failed or ran out of
    ``seconds`` is returned with the problem. All is None where there is no repository.
    """
    if _no_repository(folder):
        return Changes()
    asked = _Git(folder, seconds)
    found: dict[str, object] = {}
    try:
        found["commit"] = commit = commit or asked.line("rev-parse", "--verify", "HEAD")
        found["branch"] = asked.line("rev-parse", "--abbrev-ref", "HEAD")
        found["remote"] = asked.remote()
        found["dirty"] = asked.differs(commit)
        if found["dirty"]:
            found |= _diff(asked, commit, without)
        found["untracked"] = asked.untracked()
    except _GitError as error:
        found["problem"] = str(error)
    return Changes(**found)  # type: ignore[arg-type]


def _no_repository(folder: Path) -> bool:
    return not any((parent / ".git").exists() for parent in (folder, *folder.parents))


def _diff(asked: _Git, commit: str, without: Path | None) -> dict[str, object]:
    excluded = (f":(exclude,top,literal){path}",) if (path := asked.below(without)) else ()
    text = asked.output(*_DIFF, commit, "--", ":/", *excluded, limit=LARGEST_DIFF)
    if len(text) > LARGEST_DIFF:
        return {"problem": f"The diff has more than {LARGEST_DIFF // 1024} KiB and is not kept."}
    return {"diff": text or None}


class _Git:
    """Git in one folder, until the time is up."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self._folder = folder
        self._deadline = time.monotonic() + seconds
        self._seconds = seconds

    def line(self, *arguments: str) -> str:
        return self.output(*arguments).decode("utf-8", "replace").strip()

    def remote(self) -> str | None:
        status, text = self._run(("config", "--get-regexp", r"^remote\..*\.url$"), LARGEST_DIFF)
        lines = text.decode("utf-8", "replace").splitlines() if status == 0 else []
        urls = dict(line.split(" ", 1) for line in lines if " " in line)
        return urls.get("remote.origin.url") or next(iter(urls.values()), None)

    def differs(self, commit: str) -> bool:
        status, text = self._run((*_DIFF, "--quiet", commit, "--", ":/"), 4096)
        if status not in {0, 1}:
            raise _GitError(_reason(text))
        return status == 1

    def untracked(self) -> int:
        listing = ("ls-files", "--others", "--exclude-standard", "--directory", "-z", "--", ":/")
        return self.output(*listing).count(b"\0")

    def below(self, path: Path | None) -> str | None:
        """Return a path as git names it, or None for one outside the working tree."""
        if path is None:
            return None
        top = Path(self.line("rev-parse", "--show-toplevel"))
        try:
            return path.resolve().relative_to(top.resolve()).as_posix()
        except ValueError:
            return None

    def output(self, *arguments: str, limit: int = LARGEST_DIFF) -> bytes:
        status, text = self._run(arguments, limit)
        if status != 0:
            raise _GitError(_reason(text))
        return text

    def _run(self, arguments: tuple[str, ...], limit: int) -> tuple[int, bytes]:
        """Return git's exit code (0 where it said more than ``limit``) and what it said."""
        with tempfile.TemporaryFile() as said:
            status, text = self._read(self._start(arguments, said), limit)
            if status and not text:
                said.seek(0)
                text = said.read(4096)
            return status, text

    def _start(self, arguments: tuple[str, ...], said: IO[bytes]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                ["git", *_OPTIONS, *arguments],  # noqa: S607 - the person's own git
                cwd=self._folder,
                env={**_plain(os.environ), **_ENVIRONMENT},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                start_new_session=True,
            )
        except OSError as error:
            raise _GitError("There is no git on this machine.") from error

    def _read(self, process: subprocess.Popen[bytes], limit: int) -> tuple[int, bytes]:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        out = process.stdout
        os.set_blocking(out.fileno(), False)
        found = bytearray()
        try:
            while len(found) <= limit and (chunk := _next(out.fileno(), self._left())) != b"":
                found += chunk
            if len(found) > limit:
                return 0, bytes(found)
            return process.wait(self._left()), bytes(found)
        except subprocess.TimeoutExpired as error:
            raise _GitError(f"git did not answer within {self._seconds:g} s.") from error
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            out.close()

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise subprocess.TimeoutExpired("git", self._seconds)
        return left


def _next(fd: int, seconds: float) -> bytes:
    """Return what can be read, b"" at the end; `TimeoutExpired` when nothing comes."""
    import select

    if not select.select([fd], [], [], seconds)[0]:
        raise subprocess.TimeoutExpired("git", seconds)
    return os.read(fd, 64 * 1024)


def _plain(environ: os._Environ[str]) -> dict[str, str]:
    """Return the environment without what leads git elsewhere than to the folder."""
    return {name: value for name, value in environ.items() if not name.startswith("GIT_")}


def _reason(text: bytes) -> str:
    lines = text.decode("utf-8", "replace").strip().splitlines()
    return f"git says: {lines[0][:300]}" if lines else "git failed."
