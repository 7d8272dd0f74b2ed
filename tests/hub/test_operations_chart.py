"""The charts of the operations page: every hour stands somewhere, and nothing is drawn outside."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from baton_hub.operations.chart import BOTTOM, HEIGHT, LEFT, OTHERS, WIDTH, Chart, stack

DAYS = [date(2026, 6, 1) + timedelta(days=n) for n in range(30)]


def check(chart: Chart) -> None:
    for bar in chart.bars:
        assert bar.x >= LEFT
        assert bar.x + bar.width <= WIDTH
        assert bar.y >= 0
        assert bar.y + bar.height <= HEIGHT - BOTTOM + 1e-6


def test_bars_stand_on_one_another_and_add_up() -> None:
    figures = {"a": {DAYS[0]: 3.0, DAYS[1]: 1.0}, "b": {DAYS[0]: 1.0}}
    chart = stack("CPU hours", DAYS, figures)
    check(chart)
    assert chart.names == ("a", "b")
    assert chart.total == 5.0
    low, high = [bar for bar in chart.bars if bar.text.startswith("2026-06-01")]
    assert (low.series, high.series) == (0, 1)
    assert high.y + high.height == pytest.approx(low.y)
    assert low.height == pytest.approx(3 * high.height)
    assert low.text == "2026-06-01: a, 3 CPU hours"
    assert chart.rows[0] == (DAYS[0], (3.0, 1.0))


def test_the_axis_ends_at_a_round_figure_above_the_highest_day() -> None:
    chart = stack("CPU hours", DAYS, {"a": {DAYS[0]: 130.0}})
    assert [level.label for level in chart.levels] == ["0", "100", "200"]
    check(chart)


def test_more_series_than_colours_are_drawn_together() -> None:
    figures = {f"p{n}": {DAYS[n]: float(10 - n)} for n in range(9)}
    chart = stack("CPU hours", DAYS, figures)
    assert chart.names == ("p0", "p1", "p2", "p3", "p4", OTHERS)
    assert chart.total == sum(10 - n for n in range(9))


@pytest.mark.parametrize("figures", [{}, {"a": {}}, {"a": {DAYS[0]: 0.0}}])
def test_without_use_there_is_nothing_to_draw(figures: dict[str, dict[date, float]]) -> None:
    chart = stack("GPU hours", DAYS, figures)
    assert (chart.names, chart.bars, chart.levels, chart.total) == ((), (), (), 0)


def test_the_last_day_is_always_named() -> None:
    assert stack("CPU hours", DAYS, {}).days[-1].label == "30 Jun"
