"""Amounts as catalogues write them and as people read them."""

from __future__ import annotations

import pytest

from baton_hub.units import (
    parse_cpu,
    parse_duration,
    parse_memory,
    render_cpu,
    render_duration,
    render_memory,
)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("4G", 4 * 1024**3), ("512M", 512 * 1024**2), ("0.5G", 1024**3 // 2), (1000, 1000)],
)
def test_memory_is_read_as_jupyterhub_reads_it(text: str | int, amount: int) -> None:
    assert parse_memory(text) == amount


@pytest.mark.parametrize(
    "text",
    ["4Gi", "4 G", "4GB", "", "-1G", "G", 0, -1, True, 1.5, None, "9" * 400 + "G", 2**60, "٤G"],
)
def test_anything_else_is_refused(text: str | int) -> None:
    with pytest.raises(ValueError, match="memory"):
        parse_memory(text)


def test_people_read_amounts_with_units() -> None:
    assert render_memory(1536 * 1024**2) == "1.5 GB"
    assert render_memory(512 * 1024**2) == "512 MB"
    assert (render_cpu(0.5), render_cpu(1.0), render_cpu(4.0)) == ("0.5 CPU", "1 CPU", "4 CPUs")


@pytest.mark.parametrize(("text", "hint"), [("4Gi", "4G"), ("512 mb", "512M"), ("2GB", "2G")])
def test_what_was_probably_meant_is_said(text: str, hint: str) -> None:
    with pytest.raises(ValueError, match=f"write {hint}$"):
        parse_memory(text)


@pytest.mark.parametrize("number", [0.5, 4, 0])
def test_a_number_of_cpus_is_a_plain_number(number: float) -> None:
    assert parse_cpu(number) == number


@pytest.mark.parametrize("given", ["2", "500m", True, None, float("nan"), float("inf"), [1]])
def test_no_other_value_is_a_number_of_cpus(given: float) -> None:
    with pytest.raises(ValueError, match="not a number of CPUs"):
        parse_cpu(given)


def test_millicores_are_translated() -> None:
    with pytest.raises(ValueError, match=r"write 0\.25$"):
        parse_cpu("250m")  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "seconds"), [("30m", 1800), ("8h", 28800), ("2d", 172800)])
def test_a_length_of_time_is_read(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["30", "0m", "1.5h", "8 hours", "-1h", "9" * 5000 + "d", 3600])
def test_any_other_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write it such as 30m, 8h or 2d"):
        parse_duration(text)


def test_people_read_lengths_of_time() -> None:
    texts = [render_duration(seconds) for seconds in (20, 1800, 5400, 172800)]
    assert texts == ["less than a minute", "30 min", "1 h 30 min", "2 d"]
