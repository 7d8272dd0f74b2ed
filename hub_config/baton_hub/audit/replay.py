"""What an audit says once it is read again: who runs what, who used how much, what ran."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from numbers import Number
from pathlib import Path
from typing import IO, Any

from baton_contract import NotFoundError
from baton_hub.account import Account
from baton_hub.audit.files import AuditError, first_event, log_files, open_files, read_lines
from baton_hub.booking import Booking, Key, load_booking
from baton_hub.hours import PERIODS, period_start

Event = Mapping[str, Any]

_ABOUT_A_SERVER = ("spawn", "start", "stop")
_WHOSE = (*((key, str) for key in ("user", "server", "revision")), ("groups", list))
_RUN = (*((key, str) for key in ("id", "profile", "size", "digest")), ("gpus", dict))
_NAMED: Mapping[bool, tuple[tuple[str, type], ...]] = {
    True: (*_WHOSE, ("code", str), ("reason", str)),
    False: (*_WHOSE, *_RUN, ("cpu", Number), ("memory", Number)),
}
"""What is read of an event about a server, and of which kind; by whether it was refused."""


@dataclass(frozen=True)
class Served:
    """A stretch in which a server really ran. ``ended`` is None while it still does."""

    booking: Booking
    started: datetime
    ended: datetime | None = None
    code: str = ""
    """Why it ended, as the stop's event has it."""


def read_events(path: Path, since: datetime | None = None) -> Iterator[dict[str, Any]]:
    """Yield every event of an audit, as `read_chain` does, each with the facts that are read here.

    Raises `AuditError` for one that has not; hashes are `baton_hub.audit.verify`'s to check.
    """
    for file, number, event in read_chain(path, since):
        if not _has_facts(event):
            raise AuditError(file, number, "This line is not an event.")
        yield event


def read_chain(
    path: Path, since: datetime | None = None
) -> Iterator[tuple[Path, int, dict[str, Any]]]:
    """Yield the file, line and event of all of an audit, oldest first, rotated files too.

    ``since`` leaves out files that hold only what is older; what else is older in the
    first file that is read still comes.
    Nothing is left out silently: a torn line is followed by the ``repair`` event that
    tells of it; any other line that can't be read, or that is missing between two
    others, raises `AuditError`.
    """
    with open_files(lambda: _files(path, since)) as files:
        if not files:
            raise NotFoundError("no_audit", f"There is no audit at {path}.")
        yield from _events(files)


def _events(
    files: Iterable[tuple[Path, IO[bytes]]],
) -> Iterator[tuple[Path, int, dict[str, Any]]]:
    expected: int | None = None
    unread: AuditError | None = None
    line = b""
    for file, stream in files:
        for number, line in read_lines(stream):
            event = _parse(line)
            if event is None:
                unread = unread or AuditError(file, number, "This line is not an event.")
                continue
            if unread and event["event"] != "repair":
                raise unread
            unread = None
            if expected is not None and event["seq"] != expected:
                sentence = f"Line {expected} of the chain should stand here, not {event['seq']}."
                raise AuditError(file, number, sentence)
            expected = event["seq"] + 1
            yield file, number, event
    # Without its newline it is what a Hub leaves that was killed; its next start marks it.
    if unread and line.endswith(b"\n"):
        raise unread


def _files(path: Path, since: datetime | None) -> list[Path]:
    """Return an audit's files, from the last one on that begins before ``since``."""
    files = log_files(path)
    for index in range(len(files) - 1, 0, -1) if since else ():
        event = first_event(files[index])
        if event is not None and since is not None and moment_of(event) < since:
            return files[index:]
    return files


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line) if line.endswith(b"\n") else None
    except (ValueError, RecursionError):
        return None
    whole = isinstance(event, dict) and isinstance(event.get("seq"), int) and "event" in event
    return event if whole else None


def _has_facts(event: Event) -> bool:
    try:
        if moment_of(event).tzinfo is None:
            return False
        if event["event"] not in _ABOUT_A_SERVER:
            return True
        named = _NAMED[event["event"] == "spawn" and event["decision"] == "refused"]
        return all(isinstance(event[key], kind) for key, kind in named) and _began(event)
    except (KeyError, TypeError, ValueError):
        return False


def _began(event: Event) -> bool:
    began = event["started"] if event["event"] in ("start", "stop") else None
    return began is None or datetime.fromisoformat(began).tzinfo is not None


def load_account(events: Iterable[Event], now: datetime) -> Account:
    """Return the account as the Hub has it at ``now``: what runs and starts, and hours spent.

    Budgets look no further back than their periods: hours before those are left out.
    """
    account = Account()
    running: dict[Key, Event] = {}
    first = min(period_start(period, now) for period in PERIODS)
    for event in events:
        moment = moment_of(event)
        ended = _enter(running, event) if moment <= now else None
        if ended is not None and ended.get("started") and moment > first:
            account.spend(booking_of(ended), datetime.fromisoformat(ended["started"]), moment)
    for event in running.values():
        account.book(booking_of(event))
    return account


def _enter(running: dict[Key, Event], event: Event) -> Event | None:
    """Note what an event says of a server; returns the last event of the one that it ends."""
    if event["event"] == "stop":
        known = running.get(key_of(event))
        if known is not None and known["id"] != event["id"]:
            return None
        running.pop(key_of(event), None)
        # Also one that began in a file that is not kept any more.
        return event
    if event["event"] == "start" or (event["event"], event.get("decision")) == ("spawn", "allowed"):
        known = running.get(key_of(event))
        if known is not None and known["id"] == event["id"]:
            running[key_of(event)] = {"since": known["time"], **event}
            return None
        running[key_of(event)] = event
        return known
    return None


def served(events: Iterable[Event]) -> list[Served]:
    """Return what really ran, by the time at which it began; what only waited is left out."""
    done: list[Served] = []
    running: dict[Key, Booking] = {}
    for event in events:
        if event["event"] not in ("spawn", "start", "stop") or event.get("decision") == "refused":
            continue
        key, moment = key_of(event), moment_of(event)
        known = running.pop(key, None)
        if event["event"] == "start":
            running[key] = booking_of(event)
        elif event["event"] == "stop" and event["started"]:
            done.append(_ended(booking_of(event), moment, event["code"]))
            continue
        if known is not None and known.id != event["id"]:
            done.append(_ended(known, moment, "lost"))
    done += [Served(booking, booking.started) for booking in running.values() if booking.started]
    return sorted(done, key=lambda one: (one.started, one.booking.id))


def _ended(booking: Booking, moment: datetime, code: str) -> Served:
    return Served(booking, booking.started or moment, moment, code)


def moment_of(event: Event) -> datetime:
    """Return when an event was recorded."""
    return datetime.fromisoformat(event["time"])


def key_of(event: Event) -> Key:
    """Return whose server an event is about."""
    return event["user"], event["server"]


def booking_of(event: Event) -> Booking:
    """Return the booking that a ``spawn`` (allowed), ``start`` or ``stop`` event tells of."""
    return load_booking({"since": event["time"], **event})
