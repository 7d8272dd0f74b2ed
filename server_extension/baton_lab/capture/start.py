"""What happens in the kernel when a run starts: a request on disk, and a process that serves it.

The request holds what only this process knows. The process (`collector`) has a session
of its own, so that it outlives the kernel, and inherits the environment, which it needs
to know what to mask. One serves all requests of a kernel that come while it works.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from baton_lab.capture.cells import capture_folder
from baton_lab.capture.mask import secret_values
from baton_lab.capture.place import Place, current_shell, find_place, load_script, script_path

FRESH_SECONDS = 600.0
"""How old what was noted for a run may be: MLflow's client tries that long to make one."""


@dataclass(frozen=True, kw_only=True)
class Noted:
    """What the run's tags were made of."""

    place: Place
    commit: str | None
    at: float


_noted = threading.local()
_script: tuple[str, str | None] | None = None
_collectors: list[subprocess.Popen[bytes]] = []


def note(place: Place, commit: str | None) -> None:
    """Keep what a run that this thread is about to make was tagged with."""
    _noted.value = Noted(place=place, commit=commit, at=time.monotonic())


def note_script() -> None:
    """Keep the program's text as it is now; later it may have been edited.

    A kernel may run a script again after it was edited: there it is read at each run's start.
    """
    global _script
    path = script_path()
    if path is not None and _script is None and current_shell() is None:
        _script = path, load_script(path)


def _script_text(path: str | None) -> str | None:
    if path is None or (_script is not None and _script[0] == path):
        return _script[1] if _script and path else None
    return load_script(path)


def run_started(run_id: str, experiment_id: str, artifact_uri: str) -> None:
    """Write the request and see that somebody serves it. Raises `OSError` where it can't."""
    noted = getattr(_noted, "value", None)
    _noted.value = None
    tags: dict[str, str] = {}
    if noted is None or time.monotonic() - noted.at > FRESH_SECONDS:
        # Made by MlflowClient, which does not ask for the tags of the place.
        tags = _late_tags()
        noted = _noted.value or Noted(place=find_place(), commit=None, at=0)
        _noted.value = None
    request = {
        "run": run_id,
        "experiment": experiment_folder(run_id, experiment_id, artifact_uri),
        "spool": _spool(),
        "place": asdict(noted.place),
        "folder": os.fspath(folder_of(noted.place) or ""),
        "commit": noted.commit,
        "tags": tags,
        "script": _script_text(noted.place.script),
        "sys_path": sys.path,
    }
    key = environment_key(os.environ)
    write_request(capture_folder(), key, run_id, request)
    ensure_collector(capture_folder(), key)


def _late_tags() -> dict[str, str]:
    from baton_lab.capture.context import NotebookContext

    return NotebookContext().tags()


def _spool() -> str:
    from baton_lab.offline.places import platform_address, spool_folder

    return os.fspath(spool_folder(platform_address()))


def experiment_folder(run_id: str, experiment_id: str, artifact_uri: str) -> str:
    """Return the address of the folder that the experiment's runs lie in."""
    root = artifact_uri.removesuffix("/artifacts").removesuffix(f"/{run_id}")
    known = root != artifact_uri and root.startswith("mlflow-artifacts:")
    return root if known else f"mlflow-artifacts:/{experiment_id}"


def environment_key(environ: Mapping[str, str]) -> str:
    """Return a name for this process with the secrets that its environment has now.

    A collector started before a secret was set would not know to mask it. Python's
    hash differs in each process, so the name tells nothing of the secrets.
    """
    return f"{os.getpid()}-{hash(tuple(secret_values(environ))) & 0xFFFFFFFF:08x}"


def write_request(folder: Path, key: str, run_id: str, request: Mapping[str, Any]) -> Path:
    """Write a request so that it is there whole or not at all; return its path."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{key}.{time.time_ns():020d}.{run_id}.json"
    arriving = path.with_suffix(".arriving")
    fd = os.open(arriving, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as out:  # noqa: PTH123 - of a descriptor
        out.write(json.dumps(request).encode())
    arriving.replace(path)
    return path


def ensure_collector(folder: Path, key: str) -> None:
    """Start a collector for the requests under ``key`` unless one is at work, or about to be.

    Who holds the lock will see this request: a collector looks once more after it let go.
    A new one is born with the lock, so that a loop of runs starts one and not one each.
    """
    for process in list(_collectors):
        if process.poll() is not None:
            _collectors.remove(process)
    lock = os.open(folder / f"{key}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _collectors.append(_start_collector(folder, key, lock))
    except BlockingIOError:
        return
    finally:
        os.close(lock)


def _start_collector(folder: Path, key: str, lock: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "baton_lab.capture.collector", folder, key, str(lock)],
        cwd=folder,
        pass_fds=(lock,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def folder_of(place: Place) -> Path | None:
    """Return the folder whose repository a run comes from."""
    named = place.script or place.file
    if named is not None and not named.startswith(sys.prefix + os.sep):
        folder = Path(named).parent
        if folder.is_dir():
            return folder
    with suppress(OSError):  # The working folder may be gone.
        return Path.cwd()
    return None


def problem(place: Place) -> str:
    """Return why no notebook or script can be kept, in a sentence; "" where it can."""
    folder = capture_folder()
    why = place.trouble
    if not why:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            why = error.strerror or str(error)
    if not why and not os.access(folder, os.W_OK):
        why = "not writable"
    return f"Nothing can be written to {folder} ({why}), so no snapshot is kept." if why else ""
