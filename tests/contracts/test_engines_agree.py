"""Both engines give the same answer, and where order by relevance may differ it differs little.

docs/search.md, 11 says what may differ. Needs a real OpenSearch node.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.search import words
from marketplace.search.document import CandidateDocument
from marketplace.search.facets import FACETS
from marketplace.search.opensearch import OpenSearchIndex
from marketplace.search.port import SearchIndex
from marketplace.search.query import Hit, SearchPage, SearchQuery, Sort
from marketplace.search.tantivy import TantivyIndex
from tests.contracts.search_index import EVERYONE, PLAIN, corpus, keys, values_of
from tests.opensearch import an_index

SPECIAL = (
    "C++",
    ".NET",
    "développeur·se",
    "l'informatique",
    "JavaScript",
    "TypeScript",
    "machine learning",
    "CI/CD",
)
SIZE = 300
EXAMPLES = int(os.environ.get("MARKETPLACE_EXAMPLES", "80"))
"""Random searches; docs/benchmarks.md tells of a thousand."""


@cache
def people(fewest_skills: int = 0) -> list[CandidateDocument]:
    """Return the generated corpus with texts of different lengths and words that are read specially."""
    random = Random(5)
    return [
        replace(
            one,
            cv_text=" ".join(random.choices([*PLAIN, *SPECIAL, "rouge", "bleu"], k=random.randint(3, 60))),
            headline=" ".join(random.sample([*PLAIN, *SPECIAL], random.randint(1, 3))),
            skills_text=", ".join(random.sample(SPECIAL, random.randint(fewest_skills, 3))),
        )
        for one in corpus(11, SIZE)
    ]


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TantivyIndex, OpenSearchIndex]]:
    with both(tmp_path_factory.mktemp("both"), people()) as indexes:
        yield indexes


@pytest.fixture(scope="module", params=[1, 2], ids=["one shard", "two shards"])
def cut(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[TantivyIndex, OpenSearchIndex]]:
    """Both engines, the cluster's index in one piece or cut in two, as docs/scale.md has it for a million."""
    with both(tmp_path_factory.mktemp("cut"), people(), shards=request.param) as indexes:
        yield indexes


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TantivyIndex, OpenSearchIndex]]:
    """Both engines where nobody leaves a text empty."""
    with both(tmp_path_factory.mktemp("filled"), people(fewest_skills=1)) as indexes:
        yield indexes


@contextmanager
def both(
    folder: Path, documents: list[CandidateDocument], shards: int = 1
) -> Iterator[tuple[TantivyIndex, OpenSearchIndex]]:
    with an_index(shards=shards) as cluster:
        embedded = TantivyIndex(folder)
        for index in (embedded, cluster):
            index.rebuild("FR", documents)
        yield embedded, cluster


TERMS = st.sampled_from([*PLAIN, *SPECIAL, "rouge"])
TEXTS = st.lists(
    TERMS
    | TERMS.map("-{}".format)
    | st.tuples(TERMS, TERMS).map(" OR ".join)
    | st.tuples(TERMS, TERMS).map(lambda pair: f'"{pair[0]} {pair[1]}"'),
    max_size=3,
).map(" ".join)


@cache
def choices() -> dict[str, list[str]]:
    """Return what can be chosen of each facet."""
    return {name: sorted({v for one in people() for v in values_of(one, name)}) for name in FACETS}


def whole_answer(index: SearchIndex, query: SearchQuery) -> tuple[list[int], list[SearchPage]]:
    pages = [index.search(query)]
    while (after := pages[-1].after) is not None and after.seen < query.window:
        pages.append(index.search(replace(query, after=after)))
    return [key for page in pages for key in keys(page)], pages


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_same_people_and_numbers(cut, data: st.DataObject) -> None:
    """D1, G: membership, total, reading and every facet count are the same; so is every stable order."""
    query = SearchQuery(
        visibility=replace(
            EVERYONE, excluded_keys=data.draw(st.frozensets(st.integers(1, SIZE), max_size=9))
        ),
        words=words.parse(data.draw(TEXTS, label="text")),
        selections={
            name: data.draw(st.frozensets(st.sampled_from(values), max_size=2), label=name)
            for name, values in choices().items()
        }
        if data.draw(st.booleans())
        else {},
        sort=data.draw(st.sampled_from(Sort)),
        size=40,
    )
    (one, of_one), (other, of_other) = (whole_answer(index, query) for index in cut)
    assert set(one) == set(other)
    assert len(one) == len(other)
    if query.sort is not Sort.RELEVANCE:
        assert one == other
    assert [page.total for page in of_one] == [page.total for page in of_other]
    assert [page.facets for page in of_one] == [page.facets for page in of_other]
    assert [page.reading for page in of_one] == [page.reading for page in of_other]


def by_relevance(index: SearchIndex, text: str) -> list[Hit]:
    query = SearchQuery(
        visibility=EVERYONE, words=words.parse(text), sort=Sort.RELEVANCE, size=SIZE, with_facets=False
    )
    return list(index.search(query).hits)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS)
def test_the_same_order_where_every_text_is_filled(filled, text: str) -> None:
    """E7: in a fresh index whose documents have every text the order is the same, but for rounding."""
    embedded, cluster = (by_relevance(index, text) for index in filled)
    score = {hit.key: hit.score or 0.0 for hit in embedded}
    for one, other in zip(embedded, cluster, strict=True):
        if one.key != other.key:
            assert score[one.key] == pytest.approx(score[other.key], rel=1e-4)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS)
def test_the_order_differs_little_elsewhere(engines, text: str) -> None:
    """E7: empty texts count in one engine's averages only: eight of the first ten are the same."""
    embedded, cluster = ([hit.key for hit in by_relevance(index, text)[:10]] for index in engines)
    assert len(set(embedded) & set(cluster)) >= min(8, len(embedded))
