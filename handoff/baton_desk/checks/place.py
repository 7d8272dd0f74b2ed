"""The clean place that a model is loaded in: a process with little around it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

GIB = 2**30
OUTPUT_LIMIT = 16 * 2**20

# Set by a process between us and the model's, because a process that has threads,
# as the desk has, must not run Python between fork and exec.
_LAUNCH = """
import os, resource as r, sys
def lower(what, limit):
    hard = r.getrlimit(what)[1]
    limit = limit if hard == r.RLIM_INFINITY else min(limit, hard)
    r.setrlimit(what, (limit, limit))
for name, limit in zip(("CPU", "AS", "FSIZE", "NOFILE", "CORE"), map(int, sys.argv[1:6])):
    lower(getattr(r, "RLIMIT_" + name), limit)
try:
    os.execv(sys.argv[6], sys.argv[6:])
except OSError:
    sys.exit(127)
"""

_ISOLATIONS = (
    (
        ("--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"),
        "without network, and without sight of other processes",
    ),
    (("--user", "--map-root-user", "--net"), "without network"),
    (("--net",), "without network"),
)


@dataclass(frozen=True)
class Isolation:
    """How a process is kept apart: the command in front of it, and the same in words."""

    command: tuple[str, ...]
    words: str


@dataclass(frozen=True)
class Ended:
    """How a process ended; ``code`` is None when its time ran out."""

    code: int | None
    output: bytes
    complaints: bytes


def find_isolation() -> Isolation:
    """Return the strongest isolation that this machine allows the desk."""
    unshare = shutil.which("unshare")
    for options, words in _ISOLATIONS if unshare else ():
        command = (str(unshare), *options, "--")
        tried = subprocess.run([*command, "true"], capture_output=True, check=False)
        if tried.returncode == 0:
            return Isolation(command, words)
    return Isolation((), "with the desk's own network, because this machine allows no other way")


async def run_apart(
    command: Sequence[str],
    *,
    isolation: Isolation,
    folder: Path,
    given: bytes,
    timeout: float,  # noqa: ASYNC109
) -> Ended:
    """Run ``command`` in ``folder``, which is also its home, with ``given`` as standard input.

    It gets no environment of ours, limits on processor time, memory and file sizes,
    and ``timeout`` seconds; then it and everything it started is killed.
    """
    launch = [sys.executable, "-I", "-S", "-c", _LAUNCH, *_limits(timeout), *command]
    with (
        tempfile.TemporaryFile() as source,
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as complaints,
    ):
        source.write(given)
        source.seek(0)
        process = await asyncio.create_subprocess_exec(
            *isolation.command,
            *launch,
            stdin=source,
            stdout=output,
            stderr=complaints,
            cwd=folder,
            env=_environment(folder),
            start_new_session=True,
        )
        code: int | None = None
        try:
            with contextlib.suppress(TimeoutError):
                code = await asyncio.wait_for(process.wait(), timeout)
        finally:
            # Also after it ended: it may have left children behind.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        return Ended(code, _tail(output.fileno(), OUTPUT_LIMIT), _tail(complaints.fileno(), 4000))


def _limits(timeout: float) -> list[str]:
    processor = int(timeout * (os.cpu_count() or 1)) + 1
    return [str(limit) for limit in (processor, 64 * GIB, 2 * GIB, 1024, 0)]


def _environment(folder: Path) -> dict[str, str]:
    threads = str(min(os.cpu_count() or 1, 4))
    return {
        "PATH": os.defpath,
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
    }


def _tail(handle: int, limit: int) -> bytes:
    size = os.fstat(handle).st_size
    return os.pread(handle, limit, max(0, size - limit))
