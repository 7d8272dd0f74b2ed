"""Serves the requests that runs left at their start: snapshot, changes, packages.

    python -m baton_lab.capture.collector FOLDER KEY LOCK

A process of its own session, started by the kernel and outliving it; LOCK is the
descriptor of the lock that it is born with. What it finds goes into the journal, from
where it is sent whether MLflow is there now or not. It imports neither MLflow nor
Jupyter's server.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from baton_lab.capture.findings import collect
from baton_lab.capture.mask import load_mask
from baton_lab.offline.journal import Journal

ATTEMPTS = 3
"""How often a request is tried that ends the collector itself, by memory for instance."""


def serve(folder: Path, key: str, *, lock: int | None = None, is_late: bool = False) -> set[str]:
    """Serve all requests under ``key``, oldest first, also those that come meanwhile.

    Returns the spools that now hold something; at once where another process serves.
    ``lock`` is the lock's descriptor where this process was born with it. With
    ``is_late`` this is not the environment that the run had, so what it would mask is
    not known: see `collect`.
    """
    spools: set[str] = set()
    while waiting(folder, key):
        with _locked(folder / f"{key}.lock", lock) as is_ours:
            if not is_ours:
                break
            while requests := waiting(folder, key):
                spools |= _serve(requests[0], is_late=is_late)
        # One that came while we let go saw the lock and left it to us.
        lock = None
    return spools


def waiting(folder: Path, key: str) -> list[Path]:
    """Return the requests under ``key``, oldest first."""
    return sorted(folder.glob(f"{key}.*.json"), key=lambda path: path.name.split(".")[1])


def _serve(path: Path, *, is_late: bool) -> set[str]:
    attempt = int(path.name.split(".")[3]) + 1 if path.name.count(".") == 4 else 1
    path = path.rename(path.with_name(".".join((*path.name.split(".")[:3], str(attempt), "json"))))
    request: dict[str, Any] = {"spool": ""}
    try:
        request = json.loads(path.read_bytes())
        journal = Journal(Path(request["spool"]))
        mask = load_mask(os.environ)
        for entry in collect(request, journal, mask, is_late=is_late, is_last=attempt >= ATTEMPTS):
            journal.append(request["run"], entry)
        journal.sync()  # Before the request is gone.
    except Exception:  # noqa: BLE001 - the top of a process that nobody sees; tried again later
        if attempt < ATTEMPTS:
            # Put aside; the server's next start tries it again.
            path.rename(path.with_suffix(".later"))
            return set()
    path.unlink(missing_ok=True)
    return {request["spool"]}


@contextmanager
def _locked(path: Path, held: int | None) -> Iterator[bool]:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600) if held is None else held
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(fd)


def send(spools: set[str]) -> None:
    """Send what was found, where no Jupyter server does; what can't be sent stays kept."""
    from baton_lab.offline.places import platform_address, spool_folder

    address = platform_address()
    if not address or str(spool_folder(address)) not in spools or _somebody_sends():
        return
    import asyncio

    from baton_lab.offline.sender import make_sender

    async def once() -> None:
        sender = make_sender(address=address)
        try:
            await sender.send()
        finally:
            await sender.close()

    asyncio.run(once())


def _somebody_sends() -> bool:
    """Return whether a server listens at the socket that the journal wakes it by."""
    from baton_lab.offline.places import wake_path

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        try:
            there.connect(os.fspath(wake_path()))
        except OSError:
            return False
    return True


def give_way() -> None:
    """Let everything else of the person's go first, and be the first to end without memory."""
    os.nice(10)
    with suppress(OSError):  # Linux alone has it.
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")


def main(folder: str, key: str, lock: str) -> None:
    """Serve and send, without being in anybody's way."""
    give_way()
    os.set_inheritable(int(lock), False)
    send(serve(Path(folder), key, lock=int(lock)))


if __name__ == "__main__":
    main(*sys.argv[1:4])
