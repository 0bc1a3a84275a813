"""The order by relevance keeps its distance from plain BM25 (docs/benchmarks.md, Who comes first)."""

from __future__ import annotations

import pytest

from bench import relevance
from bench.relevance import Figures


@pytest.fixture(scope="module")
def figures() -> dict[str, Figures]:
    """Both rankings on a small corpus, on the queries that no weight was tuned on."""
    return relevance.run(per_field=12)


@pytest.mark.parametrize(
    ("kind", "gained"), [("field name", 0.0), ("synonym", 0.05), ("other language", 0.3)]
)
def test_the_order_is_better_than_plain_bm25(figures: dict[str, Figures], kind: str, gained: float) -> None:
    """D1: names of fields are found no worse, synonyms and other languages by that much better."""
    for measured in (0, 1):
        assert figures["service"][kind][measured] - figures["bm25"][kind][measured] >= gained


def test_the_measures_are_those_of_the_literature() -> None:
    """P@10 counts empty places as misses; nDCG@10 is 1 for a perfect order of what there is."""
    assert relevance.precision([1, 1, 0]) == pytest.approx(0.2)
    assert relevance.ndcg([1, 1, 0], relevant=2) == pytest.approx(1.0)
    assert relevance.ndcg([0, 1], relevant=1) == pytest.approx(0.6309, abs=1e-4)
