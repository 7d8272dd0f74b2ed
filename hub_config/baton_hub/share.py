"""What one holder of limits holds now, and what it used: sums that are kept up to date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from baton_hub.amount import NO_GPUS, Amount
from baton_hub.booking import Booking, Key
from baton_hub.hours import Hours, Period, period_start

MILLION = 1_000_000
HOUR, DAY = 3600 * MILLION, 24 * 3600 * MILLION
"""In microseconds."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Share:
    """What a person, a group, a member of one, or everybody holds now and used."""

    __slots__ = ("bookings", "cpu", "gpus", "memory", "running", "spent")

    def __init__(self) -> None:
        self.bookings: dict[Key, Booking] = {}
        # In millionths, so that sums of tenths come back to where they began.
        self.cpu = 0
        self.memory = 0
        self.gpus: dict[str, int] = {}
        # By the day on which they started, what runs: CPUs, GPUs, and each times the moment of
        # its start. A period begins at midnight, so a day is in it as a whole or not at all.
        self.running: dict[int, list[int]] = {}
        # The beginning, CPU-hours and GPU-hours of the latest period of each kind: no budget
        # asks for more.
        self.spent: dict[Period, list[Any]] = {}

    @property
    def amount(self) -> Amount:
        """What its servers take together."""
        gpus = {kind: number for kind, number in self.gpus.items() if number}
        return Amount(len(self.bookings), self.cpu / MILLION, self.memory, gpus or NO_GPUS)

    def put(self, booking: Booking) -> None:
        """Add a server."""
        self.bookings[booking.key] = booking
        self._count(booking, 1)

    def take(self, booking: Booking) -> None:
        """Take a server off; its hours are not kept."""
        del self.bookings[booking.key]
        self._count(booking, -1)

    def _count(self, booking: Booking, sign: int) -> None:
        amount = booking.amount
        cpu = sign * round(amount.cpu * MILLION)
        self.cpu += cpu
        self.memory += sign * amount.memory
        for kind, number in amount.gpus.items():
            self.gpus[kind] = self.gpus.get(kind, 0) + sign * number
        if booking.started is not None:
            self._count_running(_moment(booking.started), cpu, sign * amount.gpu)

    def _count_running(self, start: int, cpu: int, gpu: int) -> None:
        day = start // DAY
        sums = self.running.setdefault(day, [0, 0, 0, 0])
        for index, number in enumerate((cpu, gpu, cpu * start, gpu * start)):
            sums[index] += number
        if not any(sums):
            del self.running[day]

    def add(self, period: Period, first: datetime, cpu: float, gpu: float) -> None:
        """Keep hours that were used in the period that began at ``first``."""
        spent = self.spent.get(period)
        if spent is None or spent[0] < first:
            self.spent[period] = [first, cpu, gpu]
        elif spent[0] == first:
            spent[1] += cpu
            spent[2] += gpu

    def spent_in(self, period: Period, now: datetime) -> Hours:
        """Return what was used in the period that holds ``now``, what runs included up to then."""
        first = period_start(period, now)
        since, cpu, gpu = self.spent.get(period, (first, 0.0, 0.0))
        if since != first:
            cpu = gpu = 0.0
        cpu_now, gpu_now = self._used_by_running(_moment(first), _moment(now))
        return Hours(cpu + cpu_now / (MILLION * HOUR), gpu + gpu_now / HOUR)

    def _used_by_running(self, first: int, now: int) -> tuple[int, int]:
        cpu_used = gpu_used = 0
        for day, (cpu, gpu, cpu_starts, gpu_starts) in self.running.items():
            if day * DAY < first:
                cpu_starts, gpu_starts = cpu * first, gpu * first
            cpu_used += cpu * now - cpu_starts
            gpu_used += gpu * now - gpu_starts
        # Where a clock was set back, what runs may have started later than now.
        return max(cpu_used, 0), max(gpu_used, 0)


def _moment(time: datetime) -> int:
    """Return microseconds since 1970 in UTC."""
    return (time - EPOCH) // timedelta(microseconds=1)
