"""Stacked bars as plain figures: what a template needs to draw them as SVG. Knows no HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, floor, log10

WIDTH, HEIGHT = 720.0, 180.0
"""Units of the drawing's own; the page scales it."""
LEFT, BOTTOM = 44.0, 22.0
SERIES = 6
"""Colours there are. What is beyond is drawn together as ``others``."""
OTHERS = "others"


@dataclass(frozen=True)
class Bar:
    """A rectangle: one series on one day."""

    x: float
    y: float
    width: float
    height: float
    series: int
    """Index of its colour."""
    text: str
    """What it says, in words."""


@dataclass(frozen=True)
class Mark:
    """A line or a label on an axis, at ``at`` units from the left or the top."""

    at: float
    label: str


@dataclass(frozen=True)
class Chart:
    """A chart of hours a day. Empty ``bars`` mean that nothing was used."""

    unit: str
    names: tuple[str, ...]
    """Of the series, in the order of their colours."""
    bars: tuple[Bar, ...]
    levels: tuple[Mark, ...]
    days: tuple[Mark, ...]
    total: float
    rows: tuple[tuple[date, tuple[float, ...]], ...]
    """The same as a table: each day's figures by series."""


def stack(unit: str, days: Sequence[date], figures: Mapping[str, Mapping[date, float]]) -> Chart:
    """Return the chart of ``figures`` (series → day → hours), the largest series lowest."""
    series = _largest(figures)
    rows = tuple((day, tuple(by_day.get(day, 0.0) for by_day in series.values())) for day in days)
    top = _round_up(max((sum(values) for _, values in rows), default=0.0))
    scale = (HEIGHT - BOTTOM - 8) / top if top else 0.0
    step = (WIDTH - LEFT) / max(len(days), 1)
    bars = [
        bar
        for index, (day, values) in enumerate(rows)
        for bar in _column(LEFT + index * step, step, day, values, tuple(series), scale, unit)
    ]
    levels = [Mark(HEIGHT - BOTTOM - part * scale, f"{part:g}") for part in (0.0, top / 2, top)]
    every = ceil(len(days) / 6) or 1
    labels = [
        # The last label would stick out to the right.
        Mark(min(LEFT + (index + 0.5) * step, WIDTH - 20), f"{day.day} {day:%b}")
        for index, day in enumerate(days)
        if (len(days) - 1 - index) % every == 0
    ]
    total = sum(sum(values) for _, values in rows)
    return Chart(
        unit, tuple(series), tuple(bars), tuple(levels if top else ()), tuple(labels), total, rows
    )


def _column(
    x: float,
    step: float,
    day: date,
    values: tuple[float, ...],
    names: tuple[str, ...],
    scale: float,
    unit: str,
) -> list[Bar]:
    bars, floor_y = [], HEIGHT - BOTTOM
    for index, value in enumerate(values):
        if value > 0:
            height = value * scale
            floor_y -= height
            text = f"{day}: {names[index]}, {value:.4g} {unit}"
            bars.append(Bar(x + step * 0.12, floor_y, step * 0.76, height, index, text))
    return bars


def _largest(figures: Mapping[str, Mapping[date, float]]) -> dict[str, Mapping[date, float]]:
    """Return the series by size, and what there are no colours for as one."""
    ordered = sorted(figures.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    used = [(name, by_day) for name, by_day in ordered if sum(by_day.values()) > 0]
    if len(used) <= SERIES:
        return dict(used)
    rest: dict[date, float] = {}
    for _, by_day in used[SERIES - 1 :]:
        for day, value in by_day.items():
            rest[day] = rest.get(day, 0.0) + value
    return {**dict(used[: SERIES - 1]), OTHERS: rest}


def _round_up(value: float) -> float:
    """Return the next figure of the form 1, 2 or 5 times a power of ten; 0 for nothing."""
    if value <= 0:
        return 0.0
    power = 10.0 ** floor(log10(value))
    return next(power * step for step in (1, 2, 5, 10) if power * step >= value * (1 - 1e-9))
