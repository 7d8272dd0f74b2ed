"""CPU-hours and GPU-hours, and the periods in which they are counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal

from baton_hub.amount import Amount

Period = Literal["day", "week", "month"]
PERIODS: tuple[Period, ...] = ("day", "week", "month")


@dataclass(frozen=True)
class Hours:
    """CPU-hours and GPU-hours, those of every kind of GPU together."""

    cpu: float = 0.0
    gpu: float = 0.0

    def __add__(self, other: Hours) -> Hours:
        return Hours(self.cpu + other.cpu, self.gpu + other.gpu)

    def of(self, resource: str) -> float:
        """Return ``cpu_hours`` or ``gpu_hours``."""
        return self.cpu if resource == "cpu_hours" else self.gpu


def hours_between(amount: Amount, start: datetime, end: datetime) -> Hours:
    """Return what a server used between two moments; nothing when they are out of order."""
    hours = max((end - start).total_seconds(), 0) / 3600
    return Hours(amount.cpu * hours, amount.gpu * hours)


def period_start(period: Period, now: datetime) -> datetime:
    """Return when the period that holds ``now`` began, in UTC; a week begins on Monday."""
    return _first_midnight(period, now.astimezone(UTC).date())


@lru_cache(maxsize=256)  # One object for all who keep it, and no arithmetic at each decision.
def _first_midnight(period: Period, day: date) -> datetime:
    if period == "week":
        day -= timedelta(days=day.weekday())
    elif period == "month":
        day = day.replace(day=1)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
