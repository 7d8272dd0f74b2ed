"""What operations see at one moment. Pure: from catalogue, account and audit to a page."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from baton_hub.amount import Amount, render_amount, render_resources
from baton_hub.audit.replay import Served
from baton_hub.booking import Booking
from baton_hub.catalog import Catalog, Fault, Profile
from baton_hub.catalog.evidence import Finding
from baton_hub.hours import hours_between, period_start
from baton_hub.offer import deprecation, obstacle
from baton_hub.operations.chart import Chart, stack
from baton_hub.operations.history import Past
from baton_hub.quota import Bound
from baton_hub.units import render_duration

DAYS = 30
"""How far the charts go back."""
REFUSALS = 50
"""How many refusals are listed, the latest first."""


@dataclass(frozen=True)
class State:
    """What is true of a profile today. ``word`` and ``icon`` say it, ``why`` explains."""

    word: str
    icon: str
    tone: str
    why: str = ""


@dataclass(frozen=True)
class ProfileRow:
    """One profile of the catalogue, as a line."""

    profile: Profile
    state: State
    finding: Finding
    running: int


@dataclass(frozen=True)
class ServerRow:
    """One server that runs or starts, as a line."""

    booking: Booking
    title: str
    resources: tuple[str, ...]
    state: State
    is_current: bool
    """Whether its image is the one that the profile names now."""
    idle: str
    """After how long without activity it is stopped."""


@dataclass(frozen=True)
class RefusalRow:
    """One refusal, as a line."""

    at: datetime
    user: str
    wanted: str
    code: str
    reason: str


@dataclass(frozen=True)
class LimitRow:
    """One limit of a group or of all, and how much of it is used."""

    whose: str
    used: str
    limit: str
    percent: int
    period: str


@dataclass(frozen=True)
class Survey:
    """Everything on the operations page."""

    now: datetime
    revision: str
    faults: tuple[Fault, ...]
    figures: tuple[tuple[str, str], ...]
    """Headings and figures of what is held now."""
    servers: tuple[ServerRow, ...]
    limits: tuple[LimitRow, ...]
    charts: tuple[Chart, ...]
    gap: str
    """Why charts and refusals are not complete; empty when they are."""
    refusals: tuple[RefusalRow, ...]
    codes: tuple[tuple[str, int], ...]
    """How often each code refused somebody in the last 7 days, most first."""
    profiles: tuple[ProfileRow, ...]


def survey(
    catalog: Catalog,
    faults: Sequence[Fault],
    bookings: Sequence[Booking],
    limits: Sequence[Bound],
    past: Past,
    now: datetime,
) -> Survey:
    """Return what the operations page shows.

    ``limits`` are everybody's and the groups', with what is used of them; ``past`` is what
    the audit holds of the last `DAYS` days. Every moment knows its zone.
    """
    today = now.astimezone(UTC).date()
    running = Counter(booking.profile for booking in bookings)
    refusals = [_refusal(event) for event in past.refused]
    return Survey(
        now=now,
        revision=catalog.revision,
        faults=tuple(faults),
        figures=_figures(bookings),
        servers=_servers(catalog, bookings, today),
        limits=tuple(_limit(bound) for bound in limits),
        charts=charts([*past.served, *_running(bookings)], now),
        gap=past.fault,
        refusals=tuple(reversed(refusals[-REFUSALS:])),
        codes=_codes(refusals, now - timedelta(days=7)),
        profiles=tuple(
            ProfileRow(p, state_of(catalog, p, today), catalog.finding(p.name), running[p.name])
            for p in sorted(catalog.profiles.values(), key=lambda p: p.title.casefold())
        ),
    )


def state_of(catalog: Catalog, profile: Profile | None, today: date) -> State:
    """Return whether a profile can be started, is being retired, or is gone (None)."""
    if profile is None:
        return State("gone", "fa-circle-question", "danger", "No longer in the catalogue.")
    why = obstacle(catalog, profile, today)
    if why:
        return State("blocked", "fa-ban", "danger", why)
    why = deprecation(catalog, profile, today)
    if why:
        return State("deprecated", "fa-hourglass-half", "warning", why)
    return State("active", "fa-check", "success")


def charts(served: Iterable[Served], now: datetime) -> tuple[Chart, ...]:
    """Return CPU-hours and, if any were used, GPU-hours of each day by profile."""
    last = now.astimezone(UTC).date()
    days = [last - timedelta(days=back) for back in reversed(range(DAYS))]
    first = datetime(days[0].year, days[0].month, days[0].day, tzinfo=UTC)
    cpu: dict[str, dict[date, float]] = defaultdict(lambda: defaultdict(float))
    gpu: dict[str, dict[date, float]] = defaultdict(lambda: defaultdict(float))
    for each in served:
        start, end = max(each.started, first), each.ended or now
        while start < end:
            midnight = period_start("day", start) + timedelta(days=1)
            used = hours_between(each.booking.amount, start, min(end, midnight))
            cpu[each.booking.profile][start.astimezone(UTC).date()] += used.cpu
            gpu[each.booking.profile][start.astimezone(UTC).date()] += used.gpu
            start = midnight
    found = [stack("CPU hours", days, cpu)]
    if any(sum(by_day.values()) for by_day in gpu.values()):
        found.append(stack("GPU hours", days, gpu))
    return tuple(found)


def _running(bookings: Iterable[Booking]) -> list[Served]:
    return [Served(booking, booking.started) for booking in bookings if booking.started]


def _figures(bookings: Sequence[Booking]) -> tuple[tuple[str, str], ...]:
    total = sum((booking.amount for booking in bookings), Amount())
    found = [
        ("Servers", f"{total.servers}"),
        ("People", f"{len({booking.user for booking in bookings})}"),
        ("CPUs", f"{total.cpu:g}"),
        ("Memory", render_amount("memory", total.memory).removesuffix(" memory")),
    ]
    found += [
        ("GPUs" if kind == "nvidia.com/gpu" else kind, f"{number}")
        for kind, number in sorted(total.gpus.items())
    ]
    return tuple(found)


def _servers(catalog: Catalog, bookings: Sequence[Booking], today: date) -> tuple[ServerRow, ...]:
    rows = []
    for booking in sorted(bookings, key=lambda b: (b.user, b.server)):
        profile = catalog.profiles.get(booking.profile)
        rows.append(
            ServerRow(
                booking,
                profile.title if profile else booking.profile,
                tuple(render_resources(booking.amount)),
                state_of(catalog, profile, today),
                profile is not None and profile.image.digest == booking.digest,
                render_duration(booking.idle_limit) if booking.idle_limit else "never",
            )
        )
    return tuple(rows)


def _limit(bound: Bound) -> LimitRow:
    if bound.period:
        kind = "CPU hours" if bound.resource == "cpu_hours" else "GPU hours"
        used, limit = f"{bound.used:.4g}", f"{bound.limit:g} {kind}"
    else:
        used = render_amount(bound.resource, bound.used)
        limit = render_amount(bound.resource, bound.limit)
    percent = round(100 * bound.used / bound.limit) if bound.limit else 100 * bool(bound.used)
    whose = bound.name or "everybody together"
    return LimitRow(whose, used, limit, min(percent, 100), bound.period)


def _refusal(event: Mapping[str, Any]) -> RefusalRow:
    wanted = " · ".join(str(event[key]) for key in ("profile", "size") if event.get(key))
    return RefusalRow(
        datetime.fromisoformat(event["time"]),
        event["user"],
        wanted or "nothing named",
        event["code"],
        event.get("reason", ""),
    )


def _codes(refusals: Iterable[RefusalRow], since: datetime) -> tuple[tuple[str, int], ...]:
    return tuple(Counter(row.code for row in refusals if row.at >= since).most_common())
