"""What is sent to OpenSearch is bounded, whatever a person types (security.md X-07, P-05)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from marketplace.search import matching, synonyms, words
from marketplace.search import opensearch_queries as queries
from marketplace.search.facets import FACETS, Facet
from marketplace.search.query import Position, SearchQuery, Sort, Visibility

VISIBLE = Visibility(country="FR", job_country="GB", today=date(2026, 11, 23))
CHEAP = {
    "bool", "dis_max", "filter", "filters", "match_all", "match_phrase", "range", "term", "terms",
}  # fmt: skip
"""The only kinds of query there are."""

MOST_CLAUSES = 1024
"""What the engine allows in one query."""


def asked(text: str, **how: Any) -> tuple[SearchQuery, queries.Plan]:
    tree = words.parse(text)
    sort = Sort.RELEVANCE if tree.clauses else Sort.FRESH
    query = SearchQuery(**{"visibility": VISIBLE, "words": tree, "sort": sort, **how})
    return query, queries.plan(query, synonyms.expand(query.words))


def kinds(part: Any) -> Iterator[str]:
    """Yield the kind of every query in a compiled one."""
    if isinstance(part, list | tuple):
        for one in part:
            yield from kinds(one)
    elif isinstance(part, dict):
        for name, inner in part.items():
            yield name
            if name in {"bool", "dis_max"}:
                for clause, members in inner.items():
                    if clause not in {"boost", "tie_breaker"}:
                        yield from kinds(members)


@settings(deadline=None)
@given(st.text(max_size=256) | st.text(alphabet='ab"-|~*?:/[]{}()+. ', max_size=256))
def test_any_text_becomes_cheap_queries(text: str) -> None:
    """X-07: no query string, script, wildcard, pattern, prefix or fuzziness, and few clauses."""
    assume(words.count_terms(words.parse(text)) <= 16)
    _, compiled = asked(text)
    found = list(kinds(compiled.query()))
    assert set(found) <= CHEAP
    assert len(found) < MOST_CLAUSES


def test_the_dearest_search_stays_below_the_clauses_of_the_engine() -> None:
    """X-07, D1: sixteen inclusive forms with all synonyms there may be are within what the engine allows."""
    heads = [f"a{n}eur(se)" for n in range(15)]
    _, compiled = asked(" ".join(["javascript", *heads]))
    assert len(list(kinds(compiled.query()))) < MOST_CLAUSES


def test_visibility_is_in_the_query_never_in_the_post_filter() -> None:
    """P-05: who may not be seen is in no count: only facet selections are filtered after counting."""
    query, compiled = asked(
        "voile",
        visibility=replace(VISIBLE, excluded_keys=frozenset({7})),
        selections={"region": frozenset({"FR-IDF"}), "language": frozenset({"fr"})},
    )
    body = queries.page_body(query, compiled)
    assert {"range": {"visible_until_on": {"gte": 20261123}}} in body["query"]["bool"]["filter"]
    assert {"range": {"may_work_until_gb": {"gte": 20261123}}} in body["query"]["bool"]["filter"]
    assert body["query"]["bool"]["must_not"] == [{"terms": {"key": [7]}}]
    assert body["post_filter"] == {
        "bool": {"filter": [{"terms": {"region": ["FR-IDF"]}}, {"terms": {"languages": ["fr"]}}]}
    }


def test_each_facet_is_counted_without_its_own_selection() -> None:
    """D1: those without a selection share one filter; nothing is counted twice."""
    query, compiled = asked("", selections={"region": frozenset({"FR-IDF"}), "language": frozenset({"fr"})})
    counted = queries.page_body(query, compiled)["aggs"]
    assert set(counted) == {"free", "but_region", "but_language"}
    assert counted["but_region"]["filter"] == {"bool": {"filter": [{"terms": {"languages": ["fr"]}}]}}
    assert set(counted["free"]["aggs"]) == FACETS.keys() - {"region", "language"}
    query, compiled = asked("", selections={"region": frozenset({"FR-IDF"})})
    assert "terms" in queries.page_body(query, compiled)["aggs"]["region"]


def test_without_facets_nothing_is_counted() -> None:
    """D1: a page of hits alone filters by the selections in the query itself."""
    query, compiled = asked("", selections={"region": frozenset({"FR-IDF"})}, with_facets=False)
    body = queries.page_body(query, compiled)
    assert "aggs" not in body
    assert "post_filter" not in body
    assert {"terms": {"region": ["FR-IDF"]}} in body["query"]["bool"]["filter"]


@pytest.mark.parametrize(("many", "parts"), [(50_000, 1), (50_001, 2)])
def test_any_number_of_keys_is_excluded_in_parts(many: int, parts: int) -> None:
    """D2: an index refuses a list of more than 65,536 keys, so there are several."""
    _, compiled = asked("", visibility=replace(VISIBLE, excluded_keys=frozenset(range(many))))
    assert len(compiled.excluded) == parts
    assert sum(len(part["terms"]["key"]) for part in compiled.excluded) == many


def test_cursors_become_values_of_the_sort_key() -> None:
    """E2: a stable order goes on after the last key; another order's cursor is none."""
    after = Position(Sort.START, 5, 20)
    query, compiled = asked("", sort=Sort.START, after=after)
    assert queries.ordered(query, queries.page_body(query, compiled))["search_after"] == [5]
    query, compiled = asked("", sort=Sort.FRESH, after=after)
    assert "search_after" not in queries.ordered(query, queries.page_body(query, compiled))
    query, compiled = asked("voile", after=Position(Sort.RELEVANCE, 20, 20))
    assert queries.ranked(query, queries.page_body(query, compiled))["from"] == 20


def test_pages_of_one_search_go_to_the_same_copy() -> None:
    """E2: copies of a shard may score differently, so the words choose which answers."""
    chosen = {
        queries.preference(asked("voile", after=after)[1]) for after in (None, Position(Sort.FRESH, 1, 1))
    }
    assert len(chosen) == 1
    assert chosen != {queries.preference(asked("jardin")[1])}


@pytest.mark.parametrize("facet", FACETS.values(), ids=list(FACETS))
def test_no_vocabulary_is_cut(facet: Facet) -> None:
    """D1: every facet can count all its values at once, so counts are exact on any number of shards."""
    assert len(facet.choices()) < matching.MOST_VALUES


def test_only_possible_typos_are_looked_up() -> None:
    """D1: a phrase, an exclusion and a short word are what they are."""
    needs = synonyms.expand(words.parse('montgane "voile" -jardin abc'))
    assert [one.text for one in matching.possible_typos(needs)] == ["montgane"]
