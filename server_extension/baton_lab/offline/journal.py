"""What is kept on disk until MLflow has it: the calls of each run in order, and files by content.

A spool is a folder::

    runs/RUN.calls     the run's own calls, in the order in which they were made
    runs/RUN.beside    what came beside them and has no place among them
    runs/RUN.….sent    how many bytes of that file MLflow has
    files/SHA256       contents
    made/LOCAL         the id that MLflow gave to a run or model made while it was away
    refused/RUN        what MLflow will never take, each with the reason

Any number of processes may append and read; `sender` alone shortens it. Nothing in it
is a secret of the platform's. Only the person can read it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, NamedTuple

from baton_contract.errors import PublicError
from baton_contract.timestamp import render_timestamp
from baton_lab.offline.entries import Entry, render_line
from baton_lab.offline.lanes import BESIDE, CALLS, load_entries, locked
from baton_lab.offline.local import ID
from baton_lab.offline.places import platform_address, spool_folder, wake_path

__all__ = ["Entry", "Journal", "KeepingError"]
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}", re.ASCII)


class KeepingError(PublicError):
    """Nothing could be kept on this machine's disk; the text says why, in one line."""

    status = 507


class Made(NamedTuple):
    """What MLflow made: its id, and where its artifacts are ("" where it has none)."""

    id: str
    artifacts: str


class Journal:
    """Keeps what is to be sent to one MLflow, by run.

    What `append` and `keep` returned for survives the end of the process, by SIGKILL
    too; once `sync` returned, also the end of the machine. Both raise `KeepingError` when
    the disk takes nothing; then nothing of that call is kept.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or spool_folder(platform_address())
        self._is_there = False
        self._unsynced: set[Path] = set()

    def append(self, run_id: str, entry: Entry, *, in_order: bool = False) -> None:
        """Keep an entry of a run behind those that are there.

        With ``in_order`` it stands among the run's own calls, and the calls that follow
        wait until it was sent. Else it is sent beside them, when the run is there.
        """
        path = self.calls_path(run_id) if in_order else self._path(run_id, BESIDE)
        try:
            self._prepare()
            is_first = _append(path, render_line(entry))
            self._unsynced.add(path)
        except OSError as error:
            raise _not_kept(error) from error
        if is_first:
            wake()

    def keep(self, source: Path | bytes) -> str:
        """Store a file's content, once; return its SHA-256 in hexadecimal digits."""
        try:
            self._prepare()
            digest = self._keep(source)
            self._unsynced.add(self.content(digest))
        except OSError as error:
            raise _not_kept(error) from error
        return digest

    def sync(self) -> None:
        """Have the disk itself hold all that this process kept. Raises `OSError`.

        A call of its own, because a disk takes milliseconds for it: too long for each step
        of a training, and no burden once a second.
        """
        written: set[Path] = set()
        # Piece by piece, because other threads add to it.
        while self._unsynced:
            written.add(self._unsynced.pop())
        folders = {path.parent for path in written}
        try:
            # Contents first (files before runs): no entry names one that is not there.
            for path in (*sorted(written), *sorted(folders)):
                with suppress(FileNotFoundError):  # Sent, and cleared away.
                    _sync(path)
        except OSError:
            self._unsynced |= written
            raise

    def has_calls(self, run_id: str) -> bool:
        """Tell whether calls of a run wait to be sent, so that further ones come behind them."""
        return self.calls_path(run_id).exists()

    def calls_path(self, run_id: str) -> Path:
        """Return the file with a run's own calls."""
        return self._path(run_id, CALLS)

    def content(self, digest: str) -> Path:
        """Return where the content with this SHA-256 is kept."""
        return self.folder / "files" / _checked(digest)

    def made(self, local_id: str) -> Made | None:
        """Return what MLflow made of what was begun under ``local_id``; None before that."""
        try:
            text = (self.folder / "made" / _checked(local_id)).read_text("utf-8")
        except OSError:
            return None
        return Made(*text.partition("\n")[::2])

    def note_made(self, local_id: str, made: Made) -> None:
        """Remember what MLflow made. It is never forgotten: notebooks show the local id."""
        self._prepare()
        path = self.folder / "made" / _checked(local_id)
        arriving = path.with_name(f".{secrets.token_hex(8)}")
        arriving.write_text(f"{made.id}\n{made.artifacts}", "utf-8")
        _sync(arriving)
        arriving.replace(path)

    def settle(self, text: str) -> str:
        """Return ``text`` with MLflow's own id in the place of each local one that has one."""
        if "offline-" not in text:
            return text
        return ID.sub(lambda found: self._settled(found[0]), text)

    def _settled(self, local_id: str) -> str:
        made = self.made(local_id)
        return made.id if made else local_id

    def entries(self, run_id: str) -> Iterator[Entry]:
        """Yield a run's own calls that wait, in their order."""
        with suppress(FileNotFoundError):
            for entry, _ in load_entries(self.calls_path(run_id)):
                if entry is not None:
                    yield entry

    def _path(self, run_id: str, lane: str) -> Path:
        return self.folder / "runs" / f"{_checked(run_id)}{lane}"

    def refused(self) -> int:
        """Return how many entries MLflow refused and that are kept aside."""
        with suppress(OSError):
            return sum(
                path.read_bytes().count(b"\n") for path in (self.folder / "refused").iterdir()
            )
        return 0

    def _prepare(self) -> None:
        if self._is_there and self.folder.exists():
            return
        for name in ("runs", "files", "made", "refused"):
            (self.folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        # Parents of a new folder get the usual mode.
        self.folder.chmod(0o700)
        self.folder.parent.chmod(0o700)
        self._is_there = True

    def _keep(self, source: Path | bytes) -> str:
        arriving = self.folder / "files" / f".{secrets.token_hex(8)}"
        try:
            digest = _copy(source, arriving)
            # The newer file replaces one that a sender may be about to clear away.
            arriving.replace(self.folder / "files" / digest)
        except BaseException:
            with suppress(OSError):
                arriving.unlink(missing_ok=True)
            raise
        return digest


def wake() -> bool:
    """Tell the Jupyter server here that something was kept; return whether it listens."""
    import socket

    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.setblocking(False)
        out.sendto(b"kept", os.fspath(wake_path()))
        return True
    return False


def _append(path: Path, line: bytes) -> bool:
    """Write a line at the end of a file; return whether it is the first."""
    with locked(path) as fd:
        size = os.fstat(fd).st_size
        if not size:
            line = render_line({"kind": "since", "at": render_timestamp(datetime.now(UTC))}) + line
        elif os.pread(fd, 1, size - 1) != b"\n":
            line = b"\n" + line  # A crash tore the last line: close it off.
        try:
            _write(fd, line)
        except OSError:
            with suppress(OSError):
                os.ftruncate(fd, size)
            raise
    return size == 0


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write(fd: int, line: bytes) -> None:
    rest = memoryview(line)
    while rest:
        rest = rest[os.write(fd, rest) :]


def _copy(source: Path | bytes, target: Path) -> str:
    """Write the content into ``target``, readable by this person only; return its SHA-256."""
    fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as out:  # noqa: PTH123 - of a descriptor
        if isinstance(source, bytes):
            out.write(source)
            return hashlib.sha256(source).hexdigest()
        with source.open("rb") as file:
            digest = hashlib.sha256()
            shutil.copyfileobj(file, _Both(out, digest), 1024 * 1024)
            return digest.hexdigest()


class _Both:
    """A file that digests what is written to it: one reading, so that both tell the same."""

    def __init__(self, out: IO[bytes], digest: hashlib._Hash) -> None:
        self._out, self._digest = out, digest

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        return self._out.write(data)


def _checked(name: str) -> str:
    if not NAME.fullmatch(name):
        raise KeepingError("bad_name", f"{name[:80]!r} is no id of a run or a file.")
    return name


def describe_failure(error: OSError) -> str:
    """Return what is the matter with the disk, as the end of a sentence."""
    known = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "your share of the disk is used up"}
    return known.get(error.errno or 0, f"{error.strerror or error}".lower())


def _not_kept(error: OSError) -> KeepingError:
    return KeepingError("not_kept", f"Nothing was kept on this machine: {describe_failure(error)}.")
