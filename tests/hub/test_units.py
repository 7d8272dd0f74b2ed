"""Amounts as catalogues write them and as people read them."""

from __future__ import annotations

import pytest

from baton_hub.units import parse_memory, render_cpu, render_memory


@pytest.mark.parametrize(
    ("text", "amount"),
    [("4G", 4 * 1024**3), ("512M", 512 * 1024**2), ("0.5G", 1024**3 // 2), (1000, 1000)],
)
def test_memory_is_read_as_jupyterhub_reads_it(text: str | int, amount: int) -> None:
    assert parse_memory(text) == amount


@pytest.mark.parametrize("text", ["4Gi", "4 G", "4GB", "", "-1G", "G", 0, -1, True, 1.5, None])
def test_anything_else_is_refused(text: str | int) -> None:
    with pytest.raises(ValueError, match="memory"):
        parse_memory(text)


def test_people_read_amounts_with_units() -> None:
    assert render_memory(1536 * 1024**2) == "1.5 GB"
    assert render_memory(512 * 1024**2) == "512 MB"
    assert (render_cpu(0.5), render_cpu(1.0), render_cpu(4.0)) == ("0.5 CPU", "1 CPU", "4 CPUs")
