"""The raw question that the service is measured against is the committed one."""

from __future__ import annotations

import json

from bench import engine


def test_the_committed_body_is_the_one_that_is_sent() -> None:
    """docs/benchmarks.md: who reads ``bench/raw_query.json`` reads what the benchmark sends."""
    assert json.loads(engine.RAW_QUERY.read_text(encoding="utf-8")) == engine.example_body()
