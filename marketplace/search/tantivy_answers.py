"""One search answered from one commit of the embedded index: page, total and facets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import tantivy
from tantivy import Occur, Query

from marketplace.search import matching, words
from marketplace.search.document import join_id
from marketplace.search.facets import FACETS, result
from marketplace.search.query import FacetResult, Hit, Position, SearchPage, SearchQuery, Sort
from marketplace.search.synonyms import Need
from marketplace.search.tantivy_queries import Plan, all_of, alternative_query, at_least, compiled


@dataclass(frozen=True)
class _Found:
    """One page: the exact total, the hits, and where the next page starts."""

    total: int
    hits: tuple[Hit, ...]
    after: Position | None


def answer(searcher: tantivy.Searcher, query: SearchQuery, needs: Sequence[Need]) -> SearchPage:
    """Answer one page; where nobody is found, once more with one wrong letter forgiven."""
    plan = compiled(query, needs)
    loose: frozenset[str] = frozenset()
    if matching.goes_by_score(query):
        page = _ranked(searcher, query, plan.query())
    else:
        page = _ordered(searcher, query, plan.query())
    if page.total == 0 and (loose := _misspelt(searcher, plan, needs)):
        plan = compiled(query, needs, loose)
        page = _ordered(searcher, query, plan.query())
    facets = _facets(searcher, query, plan) if query.with_facets else ()
    return SearchPage(page.total, page.hits, facets, page.after, words.reading(needs, loose))


def count(searcher: tantivy.Searcher, query: Query) -> int:
    """Return how many documents match."""
    return _total(searcher.search(query, 1, count=True))


def _total(answer: tantivy.SearchResult) -> int:
    return cast("int", answer.count)  # type: ignore[attr-defined]  # missing from its stubs


def _ordered(searcher: tantivy.Searcher, query: SearchQuery, full: Query) -> _Found:
    """Return a page by a unique sort key; the next one starts after the last key, whatever is written."""
    seen, room = matching.room(query)
    order = matching.stable_order(query)
    field = matching.ORDER_FIELDS[order]
    after, asked = query.after, full
    if after is not None and after.order is order:
        asked = all_of([(Occur.Must, full), (Occur.Must, at_least(field, after.value + 1))])
    answer = searcher.search(
        asked, room + 1, count=asked is full, order_by_field=field, order=tantivy.Order.Asc
    )
    total = _total(answer) if asked is full else count(searcher, full)
    page = answer.hits[:room]
    keys = [value & matching.KEY_MASK for value, _ in page]
    hits = _hits(searcher, keys, [address for _, address in page], [None] * len(page))
    if len(answer.hits) <= room:
        return _Found(total, hits, None)
    last = page[-1][0] if page else after.value if after is not None else 0
    return _Found(total, hits, Position(order, last, seen + len(page)))


def _ranked(searcher: tantivy.Searcher, query: SearchQuery, full: Query) -> _Found:
    """Return a page by score, ties by key. Ties that reach over the page's end are read to their end."""
    seen, room = matching.room(query)
    end = seen + room
    limit = end + 1
    while True:
        answer = searcher.search(full, limit, count=True)
        found = answer.hits
        if len(found) < limit or found[-1][0] < found[end - 1][0] or not room:
            break
        limit *= 4
    addresses = [address for _, address in found]
    keys = cast("list[int]", searcher.fast_field_values("key", addresses))
    scores = [score for score, _ in found]
    ranks = sorted(range(len(found)), key=lambda rank: (-scores[rank], keys[rank]))
    page = ranks[seen:end]
    hits = _hits(
        searcher,
        [keys[rank] for rank in page],
        [addresses[rank] for rank in page],
        [scores[rank] for rank in page],
    )
    more = len(ranks) > end
    return _Found(_total(answer), hits, Position(Sort.RELEVANCE, end, end) if more else None)


def _hits(
    searcher: tantivy.Searcher,
    keys: Sequence[int],
    addresses: list[tantivy.DocAddress],
    scores: Sequence[float | None],
) -> tuple[Hit, ...]:
    high = cast("list[int]", searcher.fast_field_values("id_high", addresses))
    low = cast("list[int]", searcher.fast_field_values("id_low", addresses))
    return tuple(
        Hit(join_id(*halves), key, score) for key, score, *halves in zip(keys, scores, high, low, strict=True)
    )


def _facets(searcher: tantivy.Searcher, query: SearchQuery, plan: Plan) -> tuple[FacetResult, ...]:
    """Count each facet with every filter but its own; those without a selection in one go."""
    counts: dict[str, dict[str, int]] = {}
    free = [name for name in FACETS if name not in plan.selected]
    for names, without in [(free, None), *(([name], name) for name in plan.selected)]:
        asked = {
            name: {
                "terms": {
                    "field": FACETS[name].field,
                    "size": matching.MOST_VALUES,
                    "segment_size": matching.MOST_VALUES,
                }
            }
            for name in names
        }
        answer = searcher.aggregate(plan.query(without), asked) if asked else {}
        for name, found in answer.items():
            counts[name] = {bucket["key"]: bucket["doc_count"] for bucket in found["buckets"]}
    return tuple(
        result(facet, counts.get(facet.name, {}), query.selections.get(facet.name, ()))
        for facet in FACETS.values()
    )


def _misspelt(searcher: tantivy.Searcher, plan: Plan, needs: Sequence[Need]) -> frozenset[str]:
    """Return the words that nobody in the visible scope has, so that a typo may be forgiven."""
    return frozenset(
        alternative.text
        for alternative in matching.possible_typos(needs)
        if not count(searcher, all_of([*plan.mandatory, (Occur.Must, alternative_query(alternative))]))
    )
