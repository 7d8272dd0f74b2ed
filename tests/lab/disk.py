"""Disks of their own, really mounted: read-only ones, full ones, one whose machine lost power."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest


class Disk:
    """A file system at ``path`` that only the processes see which are started ``inside``.

    Everything ends with its holder: what was mounted is no longer there.
    """

    def __init__(self, path: Path, holder: subprocess.Popen[str]) -> None:
        self.path = path
        self._holder = holder

    @property
    def inside(self) -> tuple[str, ...]:
        """The beginning of a command that runs where the disk is, in its top folder."""
        user = () if os.geteuid() == 0 else ("--user", "--preserve-credentials")
        target = ("nsenter", "--target", str(self._holder.pid), "--mount", *user)
        return (*target, "env", "-C", str(self.path))

    @property
    def content(self) -> Path:
        """Its top folder, as it is seen from outside."""
        return Path(f"/proc/{self._holder.pid}/root{self.path}")

    def call(self, *command: str) -> None:
        """Run a command where the disk is."""
        subprocess.run([*self.inside, *command], check=True, capture_output=True)

    def make_read_only(self) -> None:
        """Mount it anew, for reading."""
        self.call("mount", "-o", "remount,ro", str(self.path))


@contextmanager
def mounted(path: Path, *arguments: str) -> Iterator[Disk]:
    """Mount a disk at ``path``; skip the test where the machine does not let us."""
    path.mkdir(parents=True, exist_ok=True)
    user = () if os.geteuid() == 0 else ("--map-root-user",)
    # It ends when its input does, also if this process is killed.
    script = 'mount "$@" && echo mounted && exec cat'
    holder = subprocess.Popen(
        ["unshare", *user, "--mount", "sh", "-c", script, "sh", *arguments, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert holder.stdout is not None
    try:
        said = holder.stdout.readline()
        if said.strip() != "mounted":
            pytest.skip(f"this machine lets nobody mount a disk: {said.strip()}")
        yield Disk(path, holder)
    finally:
        holder.kill()
        holder.communicate()


def small_disk(path: Path, size: str) -> AbstractContextManager[Disk]:
    """Mount an empty disk of this size (such as 400k) that is in memory."""
    return mounted(path, "-t", "tmpfs", "-o", f"size={size},mode=700", "none")
