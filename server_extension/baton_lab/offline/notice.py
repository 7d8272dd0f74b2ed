"""Tells the person, in one line each, that a run is kept, and that all of it was sent."""

from __future__ import annotations

import asyncio
import atexit
import sys
import threading
import time
from contextlib import suppress

from baton_lab.offline.journal import Journal, wake

LOOK = 1.0
"""Seconds between two looks at what still waits, and for the disk itself to hold it."""
BEGUN = {
    "down": "MLflow does not answer.",
    "starting": "MLflow is still starting.",
    "token": "The Hub no longer accepts this server's token.",
}
KEPT = "What you log is kept on this machine and sent, in order, as soon as that is over."


class Notice:
    """Watches what this process keeps, from the first call that is kept to the last one sent.

    Where no Jupyter server is there to send it, this process does, in the background.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._kept: set[str] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._refused = 0
        self._has_failed = False

    def kept(self, owner: str, reason: str) -> None:
        """Say, once, that what is logged is kept."""
        with self._lock:
            self._kept.add(owner)
            if self._thread is not None and self._thread.is_alive():
                return
            self._refused = self._journal.refused()
            say(f"{BEGUN[reason]} {KEPT}")
            self._thread = threading.Thread(target=self._watch, name="baton-kept", daemon=True)
            self._thread.start()
            atexit.unregister(self._leave)
            atexit.register(self._leave)

    def _watch(self) -> None:
        """Wait until nothing waits any more; send it where nobody else does."""
        if not wake():
            threading.Thread(target=self._send, name="baton-send", daemon=True).start()
        while self._is_waiting():
            self._sync()
            time.sleep(LOOK)
        refused = self._journal.refused() - self._refused
        say("All that was kept on this machine has been sent to MLflow.")
        if refused > 0:
            say(
                f"MLflow refused {refused} of it; they are kept aside. "
                "`baton sync` says which, and why."
            )

    def _is_waiting(self) -> bool:
        with self._lock:
            self._kept = {owner for owner in self._kept if self._journal.has_calls(owner)}
            if not self._kept:
                self._thread = None  # What is kept from here on is news again.
            return bool(self._kept)

    def _sync(self) -> None:
        """Have the disk hold what was kept, so that a power cut costs a second of it."""
        try:
            self._journal.sync()
        except OSError as error:
            if not self._has_failed:
                say(f"The disk that keeps what you log fails ({error.strerror or error}).")
            self._has_failed = True

    def _send(self) -> None:
        from baton_lab.offline.sender import make_sender

        with suppress(Exception):  # The end of the process, whatever it breaks, is no news.
            asyncio.run(make_sender(self._journal).run(until_empty=True))

    def _leave(self) -> None:
        self._sync()
        waiting = sum(self._journal.has_calls(owner) for owner in self._kept)
        if waiting and not wake():
            say("What could not be sent is kept on this machine; `baton sync` sends it.")


def waits(seconds: float) -> None:
    """Say that a question which only MLflow can answer waits until it has started."""
    say(f"{BEGUN['starting']} This waits until it answers, {seconds:.0f} seconds at most.")


def say(line: str) -> None:
    """Show a line to whoever looks at this notebook or script."""
    with suppress(OSError, ValueError):
        print(f"Baton: {line}", file=sys.stderr, flush=True)  # noqa: T201 - it is for the person
