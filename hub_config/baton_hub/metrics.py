"""Live figures for Prometheus, on the Hub's own page ``/hub/metrics``.

Labels are names of the catalogue and codes of this program, never of people, so that
the number of series stays small. Groups are those that the catalogue names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cache

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from baton_hub.amount import Amount
from baton_hub.audit import Audit
from baton_hub.audit.catalog import RecordedCatalog
from baton_hub.booking import Booking
from baton_hub.catalog import Catalog
from baton_hub.offer import obstacle
from baton_hub.process import audit_of, recorded_catalog, reservations
from baton_hub.quota import Bound

METRICS = {
    "baton_servers": "Servers, by profile and state (starting, running)",
    "baton_cpu_in_use": "CPUs of servers that run or start, by profile",
    "baton_memory_in_use_bytes": "Memory of servers that run or start, by profile",
    "baton_gpus_in_use": "GPUs of servers that run or start, by profile and kind",
    "baton_group_servers": "Servers of a group's members that run or start",
    "baton_group_cpu_in_use": "CPUs of servers of a group's members",
    "baton_group_memory_in_use_bytes": "Memory of servers of a group's members",
    "baton_group_gpus_in_use": "GPUs of servers of a group's members, by kind",
    "baton_quota_limit": "What a group, or everybody, may hold at once, by resource (bytes, CPUs)",
    "baton_quota_left": "What a group, or everybody, may still take, by resource",
    "baton_budget_limit_hours": "Hours that a group, or everybody, may use in a period",
    "baton_budget_left_hours": "Hours that are left of the period's budget",
    "baton_decisions_total": "Decisions about servers since the Hub started, by decision and code",
    "baton_stops_total": "Servers that stopped since the Hub started, by code",
    "baton_catalog_profiles": "Profiles of the catalogue, by whether they can be started",
    "baton_catalog_faults": "Faults because of which the files are not in effect; 0 when they are",
    "baton_catalog_info": "1, with the beginning of the revision in effect",
    "baton_catalog_loaded_timestamp_seconds": "When the catalogue in effect was loaded",
    "baton_audit_errors_total": "Times that the audit could not be written since the Hub started",
    "baton_audit_waiting_events": "Events that happened and are not in the audit yet",
    "baton_audit_lines": "Lines of the audit's chain, over all its files",
}
"""Every metric, and what it says."""


class HubCollector(Collector):
    """Reads what is true at the moment of a scrape."""

    def __init__(self) -> None:
        self._catalog: RecordedCatalog | None = None
        self._audit: Audit | None = None

    def serve(self, catalog: RecordedCatalog, audit: Audit) -> None:
        """Tell from now on of this catalogue and this audit."""
        self._catalog, self._audit = catalog, audit

    def describe(self) -> Iterable[Metric]:
        """Return the names alone, so that registering reads nothing."""
        return [GaugeMetricFamily(name, text) for name, text in METRICS.items()]

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        if self._catalog is None or self._audit is None:
            return
        # What waits for a disk that was full gets another try at each scrape.
        self._audit.retry()
        catalog = self._catalog.current()
        bookings = reservations.bookings()
        yield from _servers(bookings)
        yield from _groups(bookings, _named_groups(catalog))
        yield from _limits(reservations.shared_bounds(catalog.quotas))
        yield from _decisions(self._audit)
        yield from _catalog(self._catalog, catalog)
        yield from _audit(self._audit)


COLLECTOR = HubCollector()
"""The one of this process."""


def publish(catalog_folder: str, audit_file: str, rotate_at: int) -> None:
    """Have ``/hub/metrics`` tell of this Hub, and its audit of the catalogue that it found.

    Calling it again replaces what is told of. Raises `BusyError` when another process
    writes the audit.
    """
    audit = audit_of(audit_file, rotate_at)
    audit.open()
    catalog = recorded_catalog(catalog_folder, audit)
    catalog.current()
    COLLECTOR.serve(catalog, audit)
    _register()


@cache
def _register() -> None:
    REGISTRY.register(COLLECTOR)


def _gauge(name: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, METRICS[name], labels=labels)


def _servers(bookings: Iterable[Booking]) -> Iterator[Metric]:
    states: dict[tuple[str, str], int] = {}
    sums: dict[str, Amount] = {}
    for booking in bookings:
        state = (booking.profile, "running" if booking.started else "starting")
        states[state] = states.get(state, 0) + 1
        sums[booking.profile] = sums.get(booking.profile, Amount()) + booking.amount
    servers = _gauge("baton_servers", "profile", "state")
    for state, count in states.items():
        servers.add_metric(state, count)
    yield servers
    yield from _in_use("baton_", "profile", sums)


def _groups(bookings: Iterable[Booking], named: frozenset[str]) -> Iterator[Metric]:
    sums = {group: Amount() for group in named}
    for booking in bookings:
        for group in booking.groups & named:
            sums[group] += booking.amount
    servers = _gauge("baton_group_servers", "group")
    for group, amount in sums.items():
        servers.add_metric([group], amount.servers)
    yield servers
    yield from _in_use("baton_group_", "group", sums)


def _in_use(prefix: str, label: str, sums: dict[str, Amount]) -> Iterator[Metric]:
    cpu = _gauge(f"{prefix}cpu_in_use", label)
    memory = _gauge(f"{prefix}memory_in_use_bytes", label)
    gpus = _gauge(f"{prefix}gpus_in_use", label, "kind")
    for name, amount in sums.items():
        cpu.add_metric([name], amount.cpu)
        memory.add_metric([name], amount.memory)
        for kind, number in amount.gpus.items():
            gpus.add_metric([name, kind], number)
    yield from (cpu, memory, gpus)


def _named_groups(catalog: Catalog) -> frozenset[str]:
    """Return the groups that the catalogue knows; a Hub may have thousands more."""
    named = {group for profile in catalog.profiles.values() for group in profile.access.groups}
    return frozenset(named | catalog.quotas.groups.keys())


def _limits(bounds: Iterable[Bound]) -> Iterator[Metric]:
    labels = ("scope", "group", "resource")
    limit, left = _gauge("baton_quota_limit", *labels), _gauge("baton_quota_left", *labels)
    hours = _gauge("baton_budget_limit_hours", *labels, "period")
    hours_left = _gauge("baton_budget_left_hours", *labels, "period")
    for bound in bounds:
        names = [bound.scope, bound.name, bound.resource]
        if bound.period:
            hours.add_metric([*names, bound.period], bound.limit)
            hours_left.add_metric([*names, bound.period], bound.left)
        else:
            limit.add_metric(names, bound.limit)
            left.add_metric(names, bound.left)
    yield from (limit, left, hours, hours_left)


def _decisions(audit: Audit) -> Iterator[Metric]:
    decisions = CounterMetricFamily(
        "baton_decisions", METRICS["baton_decisions_total"], labels=("decision", "code")
    )
    for names, count in sorted(audit.decisions.items()):
        decisions.add_metric(names, count)
    stops = CounterMetricFamily("baton_stops", METRICS["baton_stops_total"], labels=("code",))
    for code, count in sorted(audit.stops.items()):
        stops.add_metric([code], count)
    yield from (decisions, stops)


def _catalog(recorded: RecordedCatalog, catalog: Catalog) -> Iterator[Metric]:
    today = datetime.now(UTC).date()
    blocked = sum(bool(obstacle(catalog, p, today)) for p in catalog.profiles.values())
    profiles = _gauge("baton_catalog_profiles", "state")
    profiles.add_metric(["offered"], len(catalog.profiles) - blocked)
    profiles.add_metric(["blocked"], blocked)
    faults = _gauge("baton_catalog_faults")
    faults.add_metric([], len(recorded.live.faults))
    info = _gauge("baton_catalog_info", "revision")
    info.add_metric([catalog.revision[:12]], 1)
    loaded = _gauge("baton_catalog_loaded_timestamp_seconds")
    if recorded.live.loaded_at is not None:
        loaded.add_metric([], recorded.live.loaded_at.timestamp())
    yield from (profiles, faults, info, loaded)


def _audit(audit: Audit) -> Iterator[Metric]:
    errors = CounterMetricFamily("baton_audit_errors", METRICS["baton_audit_errors_total"])
    errors.add_metric([], audit.errors)
    waiting, lines = _gauge("baton_audit_waiting_events"), _gauge("baton_audit_lines")
    waiting.add_metric([], audit.waiting)
    lines.add_metric([], audit.lines)
    yield from (errors, waiting, lines)
