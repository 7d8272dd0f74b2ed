"""The clean place that a model is loaded in: a process with little around it."""

from __future__ import annotations

import asyncio
import contextlib
import os
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

# Covers each folder with an empty one, then gives up the right to uncover it.
_HIDE = """
while [ "$1" != -- ]; do mount -t tmpfs -o size=4k,mode=0 none "$1" || exit 126; shift; done
shift
exec setpriv --bounding-set=-all --no-new-privs -- "$@"
"""

_APART = ("--user", "--map-root-user", "--net")
_ALONE = (*_APART, "--pid", "--fork", "--kill-child", "--mount-proc")


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


def find_isolation(secret: Sequence[Path] = (), needed: Sequence[Path] = ()) -> Isolation:
    """Return the strongest isolation that this machine allows the desk.

    ``secret`` folders are hidden where that can be done, except those that the
    ``needed`` paths lie in.
    """
    for isolation in _isolations(_hideable(secret, needed)):
        with contextlib.suppress(OSError):
            tried = subprocess.run([*isolation.command, "true"], capture_output=True, check=False)
            if tried.returncode == 0:
                return isolation
    return Isolation((), "with the desk's own network, because this machine allows no other way")


def _isolations(hidden: Sequence[Path]) -> list[Isolation]:
    words = "without network, without sight of other processes"
    hide = ("sh", "-c", _HIDE, "sh", *map(str, hidden), "--")
    found = [
        Isolation(("unshare", *_ALONE, "--", *hide), f"{words} or of the desk's records"),
        Isolation(("unshare", *_ALONE, "--"), words),
        Isolation(("unshare", *_APART, "--"), "without network"),
        Isolation(("unshare", "--net", "--"), "without network"),
    ]
    return found if hidden else found[1:]


def _hideable(secret: Sequence[Path], needed: Sequence[Path]) -> list[Path]:
    # Both where a path is written and where it leads to: a virtual environment is links.
    used = {form for path in needed for form in (path.absolute(), path.resolve())}
    folders = {path.resolve() for path in secret}
    free = {folder for folder in folders if not any(p.is_relative_to(folder) for p in used)}
    return sorted(
        f for f in free if not any(f != other and f.is_relative_to(other) for other in free)
    )


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
                async with asyncio.timeout(timeout):
                    code = await process.wait()
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
