"""What other limits would have changed: decisions of the past, made once more. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import chain
from statistics import median

from baton_hub.account import Account
from baton_hub.audit.replay import Event, booking_of, key_of, load_account, moment_of
from baton_hub.booking import Booking, Key
from baton_hub.catalog.quotas import Quotas
from baton_hub.policy import ServerSpec
from baton_hub.quota import Bound, Decision, admit

GUESS = timedelta(hours=1)
"""How long a server is taken to run where none of its profile, nor any other, ever ended."""
LIMITED = ("quota_", "budget_")
"""How the codes begin of refusals that other limits could change."""


@dataclass(frozen=True)
class Change:
    """One decision that other limits would have changed."""

    at: datetime
    user: str
    server: str
    profile: str
    size: str
    groups: frozenset[str]
    was: str
    """The code of the decision as it was: ``ok``, or a refusal's."""
    bound: Bound | None
    """The limit that would have refused it, as it would have stood; None: it would have started."""

    @property
    def becomes(self) -> str:
        """The code of the decision as it would have been."""
        return self.bound.code if self.bound else "ok"


@dataclass
class Outcome:
    """What a replay came to."""

    allowed: int = 0
    """Decisions of the time that let a server start."""
    limited: int = 0
    """Refusals of the time that a quota or a budget was the reason of."""
    other: int = 0
    """Refusals for another reason, which limits do not change."""
    moot: int = 0
    """Refusals of what would have been running already, as an earlier one would have started."""
    changes: list[Change] = field(default_factory=list)

    @property
    def refused(self) -> tuple[Change, ...]:
        """What would have been refused, and was not."""
        return tuple(change for change in self.changes if change.bound)

    @property
    def admitted(self) -> tuple[Change, ...]:
        """What would have started, and was refused."""
        return tuple(change for change in self.changes if not change.bound)


def median_runs(events: Iterable[Event]) -> dict[str, timedelta]:
    """Return how long servers of each profile ran; under ``""`` those of all together."""
    runs: dict[str, list[float]] = {}
    for event in events:
        if event["event"] == "stop" and event["started"]:
            ran = moment_of(event) - datetime.fromisoformat(event["started"])
            for name in (event["profile"], ""):
                runs.setdefault(name, []).append(ran.total_seconds())
    return {name: timedelta(seconds=median(found)) for name, found in runs.items()}


def what_if(
    events: Iterable[Event],
    quotas: Quotas,
    since: datetime,
    runs: Mapping[str, timedelta],
) -> Outcome:
    """Return which decisions since a moment would have been others under these limits.

    ``events`` are in order and reach back before ``since``: what ran then, and had been
    used in periods of budgets, counts as it was. A server that would not have started
    takes nothing. One that would have, and did not, is taken to run for the median of its
    profile in ``runs``, see `median_runs`, or until its owner really started it.
    """
    stream = iter(events)
    first: list[Event] = []
    account = load_account(_until(since, stream, first), since)
    replay = _Replay(quotas, runs, account)
    for event in chain(first, stream):
        moment = moment_of(event)
        replay.end_guesses(moment)
        if event["event"] == "spawn":
            replay.decide(event, moment)
        else:
            replay.follow(event, moment)
    return replay.outcome


def _until(since: datetime, events: Iterator[Event], first: list[Event]) -> Iterator[Event]:
    """Yield what is older than a moment, and keep the first event that is not."""
    for event in events:
        if moment_of(event) >= since:
            first.append(event)
            return
        yield event


class _Replay:
    def __init__(self, quotas: Quotas, runs: Mapping[str, timedelta], account: Account) -> None:
        self.outcome = Outcome()
        self._quotas = quotas
        self._runs = runs
        self._account = account
        self._guesses: list[tuple[datetime, str, Key]] = []
        """Ends of servers that did not run, the next one first."""

    def follow(self, event: Event, moment: datetime) -> None:
        """Let happen what happened, to servers that would have been there."""
        if event["event"] not in ("start", "stop"):
            return
        held = self._account.get(key_of(event))
        if held is None or held.id != event["id"]:
            return
        if event["event"] == "stop":
            self._account.release(held.key, moment)
        else:
            self._account.start(held.key, datetime.fromisoformat(event["started"]))

    def decide(self, event: Event, moment: datetime) -> None:
        """Decide once more."""
        if event["decision"] == "allowed":
            self.outcome.allowed += 1
            booking = booking_of(event)
            decision = self._admit(booking, moment)
            if decision.allowed:
                self._book(booking, moment)
            else:
                self._changed(event, moment, decision)
        elif event["code"].startswith(LIMITED) and event.get("memory") is not None:
            self._decide_on_refused(event, moment)
        else:
            self.outcome.other += 1

    def _decide_on_refused(self, event: Event, moment: datetime) -> None:
        self.outcome.limited += 1
        if self._account.get(key_of(event)) is not None:
            self.outcome.moot += 1
            return
        booking = replace(booking_of(event), id=f"guess-{event['seq']}", started=moment)
        decision = self._admit(booking, moment)
        if decision.allowed:
            self._changed(event, moment, decision)
            self._book(booking, moment)
            run = self._runs.get(booking.profile) or self._runs.get("") or GUESS
            heappush(self._guesses, (moment + run, booking.id, booking.key))

    def end_guesses(self, moment: datetime) -> None:
        """End what would have ended by then."""
        while self._guesses and self._guesses[0][0] <= moment:
            end, identity, key = heappop(self._guesses)
            held = self._account.get(key)
            if held is not None and held.id == identity:
                self._account.release(key, end)

    def _admit(self, booking: Booking, moment: datetime) -> Decision:
        replaced = self._account.get(booking.key)
        return admit(_spec(booking), self._account, self._quotas, moment, without=replaced)

    def _book(self, booking: Booking, moment: datetime) -> None:
        self._account.release(booking.key, moment)
        self._account.book(booking)

    def _changed(self, event: Event, moment: datetime, decision: Decision) -> None:
        spec = decision.spec
        self.outcome.changes.append(
            Change(
                moment,
                spec.user,
                event["server"],
                spec.profile,
                spec.size,
                spec.groups,
                event["code"],
                decision.exceeded[0] if decision.exceeded else None,
            )
        )


def _spec(booking: Booking) -> ServerSpec:
    return ServerSpec(
        user=booking.user,
        groups=booking.groups,
        profile=booking.profile,
        title=booking.profile,
        size=booking.size,
        image=booking.image,
        digest=booking.digest,
        amount=booking.amount,
        revision=booking.revision,
    )


def name_of(bound: Bound) -> str:
    """Return a limit's name: ``each user, cpu``, ``group deep-learning, gpu_hours a month``."""
    whose = {"user": "each user", "group": f"group {bound.name}", "total": "total"}[bound.scope]
    return f"{whose}, {bound.resource}" + (f" a {bound.period}" if bound.period else "")
