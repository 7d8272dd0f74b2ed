"""The packets' files on disk, each under the name that its content gives it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from baton_contract import BadRequestError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

_STALE = 24 * 60 * 60


@dataclass(frozen=True)
class StoredFile:
    """A packet's file: where it is, the last part of its path in the packet, bytes."""

    path: Path
    name: str
    size: int


class FileStore:
    """A folder of files named by their SHA-256.

    A file is complete or not there: it is written aside, checked, flushed to disk
    and renamed. The same content twice is one file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"

    def open(self) -> None:
        """Make the folder, and clear uploads that were cut off; raises `OSError`."""
        self._incoming.mkdir(parents=True, exist_ok=True)
        probe = self._incoming / f"{uuid.uuid4().hex}.part"
        probe.touch()
        probe.unlink()
        for left in self._incoming.glob("*.part"):
            if time.time() - left.stat().st_mtime > _STALE:
                left.unlink(missing_ok=True)

    def path(self, sha256: str) -> Path:
        """Return where the file with this digest is, or would be."""
        return self._folder / sha256[:2] / sha256

    def receive(self, sha256: str, size: int) -> IncomingFile:
        """Open a file of ``size`` bytes that is to have this digest."""
        part = self._incoming / f"{uuid.uuid4().hex}.part"
        return IncomingFile(part, self.path(sha256), sha256, size)


class IncomingFile:
    """A file on its way in: `write` as often as needed, then `finish` or `abort`."""

    def __init__(self, part: Path, target: Path, sha256: str, size: int) -> None:
        self._part = part
        self._target = target
        self._sha256 = sha256
        self._size = size
        self._seen = 0
        self._hash = hashlib.sha256()
        self._fault: OSError | None = None
        self._stream = part.open("wb")

    def write(self, data: bytes) -> None:
        """Take the next bytes; what is more than was announced is counted and dropped."""
        self._seen += len(data)
        if self._seen > self._size:
            return
        try:
            self._hash.update(data)
            self._stream.write(data)
        except OSError as error:
            self._fault = error

    def finish(self) -> None:
        """Check the content and put it in place.

        Raises `BadRequestError` ``file_digest_mismatch``, or `UnavailableError`
        ``storage`` when the disk does not take it.
        """
        try:
            self._flush()
        except OSError as error:
            self._fault = self._fault or error
        if self._fault is not None:
            raise UnavailableError(
                "storage",
                "The desk's disk does not take the file. What was uploaded before is safe; tell "
                "operations and try again later.",
            ) from self._fault
        if self._seen != self._size:
            raise self._mismatch(f"{self._seen} bytes where the packet says {self._size}")
        found = self._hash.hexdigest()
        if found != self._sha256:
            raise self._mismatch(f"a content with SHA-256 {found}")
        self._target.parent.mkdir(exist_ok=True)
        self._part.chmod(0o440)
        self._part.replace(self._target)

    def _flush(self) -> None:
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()

    def abort(self) -> None:
        """Forget what came; harmless after `finish`."""
        with contextlib.suppress(OSError):
            self._stream.close()
        self._part.unlink(missing_ok=True)

    def _mismatch(self, found: str) -> BadRequestError:
        return BadRequestError(
            "file_digest_mismatch",
            f"What was uploaded is not the packet's file {self._sha256[:12]}…: {found} came. "
            "It was thrown away; upload that file again.",
            sha256=self._sha256,
        )


class Upload:
    """One of a draft's files on its way in; `finish` also tells the desk's records."""

    def __init__(
        self, incoming: IncomingFile, size: int, record: Callable[[], Awaitable[None]]
    ) -> None:
        self._incoming = incoming
        self._record = record
        self.size = size

    def write(self, data: bytes) -> None:
        """Take the next bytes."""
        self._incoming.write(data)

    async def finish(self) -> None:
        """Check, keep and record the file; after this it is no longer missing."""
        await asyncio.to_thread(self._incoming.finish)
        await self._record()

    def abort(self) -> None:
        """Forget what came; harmless after `finish`."""
        self._incoming.abort()
