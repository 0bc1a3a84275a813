"""The arithmetic of docs/scale.md: a line through two sizes, and counts times what was measured."""

from __future__ import annotations

import pytest

from bench.sizing import SIZES, Assumed, Measured, rows

SMALL, LARGE = (
    {
        "candidates": candidates,
        "service_node_cpu_ms": node,
        "service_web_cpu_ms": 40.0,
        "service_postgres_cpu_ms": 3.0,
        "bytes_a_document": 2000,
        "database_mb": candidates / 250,
        "rebuild_cpu_ms_a_document": 0.5,
        "rebuild_node_cpu_ms_a_document": 0.6,
        "rebuild_documents_per_second": 1000,
    }
    for candidates, node in ((100_000, 20.0), (1_000_000, 110.0))
)


def test_the_line_goes_through_both_sizes() -> None:
    """A search costs a fixed part and a part for each million documents."""
    measured = Measured.of([SMALL, LARGE])
    assert measured.search_cpu_ms(100_000) == pytest.approx(20)
    assert measured.search_cpu_ms(1_000_000) == pytest.approx(110)
    assert measured.search_cpu_ms(0) == pytest.approx(10)


def test_every_figure_is_told_for_every_size() -> None:
    """The table has a column a size, and what is assumed changes it."""
    measured = Measured.of([SMALL, LARGE])
    table = {name: values for name, *values in rows(measured, Assumed())}
    assert all(len(values) == len(SIZES) for values in table.values())
    assert table["shards FR / GB / US"] == ["1 / 1 / 1", "10 / 6 / 5", "100 / 54 / 46"]
    assert table["index, copies included"] == ["4.0 GB", "40 GB", "400 GB"]
    assert table["PostgreSQL, rows and texts"] == ["4.0 GB", "40 GB", "400 GB"]
    assert table["rebuild of FR, on the machine measured"] == ["8 min", "83 min", "13.9 h"]
    busier = {name: values for name, *values in rows(measured, Assumed(searches_a_day=20))}
    assert table["searches a second, busiest hour"] == ["5.6", "56", "556"]
    assert busier["searches a second, busiest hour"] == ["11", "111", "1,111"]
