"""Several workers: MLflow is loaded once, and each worker is a fork of that.

What is loaded stays shared memory, and a worker that died is replaced in
milliseconds instead of the seconds that loading takes.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

log = logging.getLogger(__name__)

SHORT_LIFE_SECONDS = 10.0
"""A worker that ends sooner is replaced only after a pause, which grows."""
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
PATIENCE_SECONDS = 5.0
_PR_SET_PDEATHSIG = 1


class _Stopped(BaseException):
    """Somebody asked this process to end."""


class Workers:
    """Runs ``work`` in ``count`` forked processes until SIGTERM or SIGINT, then ends them.

    The calling process must have one thread only. ``meanwhile`` runs in a process of
    its own until `load` has returned: it answers those who come too early.
    """

    def __init__(self, count: int, work: Callable[[], None], meanwhile: Callable[[], None]) -> None:
        self._count = count
        self._work = work
        self._meanwhile = meanwhile
        self._born: dict[int, float] = {}
        self._pause = FIRST_PAUSE

    def run(self, load: Callable[[], None]) -> None:
        """Load, then keep the workers running. What ``load`` raises ends everything."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stop)
        try:
            porter = self._fork(self._meanwhile)
            load()
            for _ in range(self._count):
                self._fork(self._work)
            log.info("%d workers are ready", self._count)
            # What it still has is answered; what comes from now on the workers take.
            del self._born[porter]
            os.kill(porter, signal.SIGTERM)
            while True:
                self._replace(*os.wait())
        except _Stopped:
            log.debug("told to stop")
        finally:
            self._end()

    def _fork(self, work: Callable[[], None]) -> int:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            _be_child(work, parent)
        self._born[pid] = time.monotonic()
        return pid

    def _replace(self, pid: int, status: int) -> None:
        born = self._born.pop(pid, None)
        if born is None:
            return
        if time.monotonic() - born > SHORT_LIFE_SECONDS:
            self._pause = FIRST_PAUSE
            pause = 0.0
        else:
            pause, self._pause = self._pause, min(self._pause * 2, LONGEST_PAUSE)
        code = os.waitstatus_to_exitcode(status)
        ending = f"signal {-code}" if code < 0 else f"exit code {code}"
        log.error("A worker ended (%s); another takes its place in %g s", ending, pause)
        time.sleep(pause)
        self._fork(self._work)

    def _end(self) -> None:
        # Asked twice, it still ends all of them.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        deadline = time.monotonic() + PATIENCE_SECONDS
        for pid in self._born:
            os.kill(pid, signal.SIGTERM)
        for pid in self._born:
            while os.waitpid(pid, os.WNOHANG) == (0, 0):
                if time.monotonic() > deadline:
                    os.kill(pid, signal.SIGKILL)
                time.sleep(0.02)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise _Stopped


def _be_child(work: Callable[[], None], parent: int) -> NoReturn:
    """Do the work and leave the process, whatever happens: the parent's code is not ours."""
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        # It may have ended before the line above.
        if os.getppid() == parent:
            work()
        code = 0
    # The top of a process.
    except BaseException:
        log.exception("A worker failed")
    finally:
        logging.shutdown()
        os._exit(code)
