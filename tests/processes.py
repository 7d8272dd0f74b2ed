"""Processes that tests start: their ports, the wait until they answer, and their end."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from socket import socket

import httpx
import pytest

STARTING_SECONDS = 300
"""What a loaded machine gets for what takes seconds elsewhere."""


def free_ports(count: int) -> list[int]:
    """Return different ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def free_port() -> int:
    """Return a port that nobody listens on."""
    return free_ports(1)[0]


@contextlib.contextmanager
def running(
    command: list[str], log: Path, *, env: Mapping[str, str], cwd: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that writes into ``log``, and end it with the context."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=cwd, env=env, stdout=out, stderr=out)
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes], seconds: float = 20) -> None:
    """End a process: politely, and after that for good."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    process.kill()
    process.wait()


def await_answer(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until ``url`` answers well; fail with the log's end when that does not happen."""
    deadline = time.monotonic() + STARTING_SECONDS
    with httpx.Client(trust_env=False, timeout=10) as client:
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                if client.get(url).is_success:
                    return
            time.sleep(0.05)
    pytest.fail(f"{url} does not answer:\n{log.read_text()[-3000:]}")
