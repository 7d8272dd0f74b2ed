"""On whose behalf this thread or task reads and writes MLflow's records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from baton_hub.tracking.access.rules import Caller

if TYPE_CHECKING:
    from baton_hub.tracking.access.view import View


@dataclass(eq=False)
class Asking:
    """One request: who asks, and what was found out for it."""

    caller: Caller | None
    """None is the service itself: its start, migrations and upkeep."""
    view: View | None = None
    """What the caller may see, as it was when the request first read a record."""
    experiments: set[str] = field(default_factory=set)
    """Experiments that the request changed something in."""
    writable_runs: set[str] = field(default_factory=set)
    """Runs whose figures the caller was found to be allowed to write."""


SYSTEM = Asking(None)

_asking: ContextVar[Asking | None] = ContextVar("baton_asking", default=None)


def current() -> Asking | None:
    """Return who asks, or None where nobody said: then nothing may be read."""
    return _asking.get()


@contextmanager
def asking(who: Asking) -> Iterator[Asking]:
    """Read and write on behalf of ``who``, here and in threads that copy this context."""
    token = _asking.set(who)
    try:
        yield who
    finally:
        _asking.reset(token)


def system_work() -> AbstractContextManager[Asking]:
    """Return a context in which the service reads and writes for itself, without walls."""
    return asking(SYSTEM)
