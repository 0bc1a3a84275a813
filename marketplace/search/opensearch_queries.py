"""From a :class:`SearchQuery` to the body of one ``_search``, and back from its answer. Pure.

Shapes and what each saves: docs/search.md, 15. The words of people only ever stand as values of
``term``, ``terms`` and ``match_phrase`` with a fixed analyzer: no query string, script, wildcard,
pattern or fuzziness exists here (security.md X-07).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from marketplace.search import matching, synonyms
from marketplace.search.document import SPELLINGS, Field, join_id
from marketplace.search.facets import FACETS, result
from marketplace.search.query import FacetResult, Hit, Position, SearchQuery, Sort
from marketplace.search.synonyms import Alternative, Need, Sought

Json = dict[str, Any]

_MOST_KEYS = 50_000
"""Keys in one ``terms``; an index refuses more than 65,536."""

_MOST_SPELLINGS = 1000
"""Words one letter away that stand for a misspelt one: more than any word has."""

_NEAR = "near"
_IDS = ["id_high", "id_low"]

Loose = Mapping[str, tuple[tuple[str, ...], ...]]
"""A misspelt term, as typed: for each of its words those one letter away that somebody has."""

NOTHING_LOOSE: Loose = {}


@dataclass(frozen=True)
class Plan:
    """A compiled search: who may be seen, the dates, the words, and one filter per selection."""

    mandatory: tuple[Json, ...]
    excluded: tuple[Json, ...]
    dates: tuple[Json, ...]
    words: tuple[Json, ...]
    unwanted: tuple[Json, ...]
    selected: Mapping[str, Json]

    def query(self, selections: Iterable[Json] = ()) -> Json:
        """Return the query; filters count nothing towards the score."""
        return _bool(
            filter=[*self.mandatory, *self.dates, *selections],
            must_not=[*self.excluded, *self.unwanted],
            must=self.words,
        )


def plan(query: SearchQuery, needs: Sequence[Need], loose: Loose = NOTHING_LOOSE) -> Plan:
    """Compile a search; the words in ``loose`` are read as those one letter away."""
    ends, begins = matching.date_bounds(query)
    dates = [_range(ends[0], "gte", ends[1])] if ends is not None else []
    if begins is not None:
        dates.append(_range(begins[0], "lte", begins[1]))
    keys = sorted(query.visibility.excluded_keys)
    return Plan(
        mandatory=tuple(_range(field, "gte", day) for field, day in matching.lower_bounds(query)),
        excluded=tuple(
            {"terms": {"key": keys[start : start + _MOST_KEYS]}} for start in range(0, len(keys), _MOST_KEYS)
        ),
        dates=tuple(dates),
        words=tuple(_need(need, loose) for need in needs if not _is_exclusion(need)),
        unwanted=tuple(_exactly(need.alternatives[0].exact) for need in needs if _is_exclusion(need)),
        selected={
            name: {"terms": {field: values}}
            for name, (field, values) in matching.selected_values(query).items()
        },
    )


def page_body(query: SearchQuery, compiled: Plan) -> Json:
    """Return the body that asks for one page, its exact total and every facet, in one snapshot."""
    _, room = matching.room(query)
    body: Json = {
        "size": room + 1,
        "track_total_hits": True,
        "stored_fields": "_none_",
        "docvalue_fields": _IDS,
    }
    if query.with_facets:
        body["query"] = compiled.query(_near_misses(compiled))
        if compiled.selected:
            body["post_filter"] = _bool(filter=list(compiled.selected.values()))
        body["aggs"] = _aggregations(compiled)
    else:
        body["query"] = compiled.query(compiled.selected.values())
    return body


def _near_misses(compiled: Plan) -> list[Json]:
    """Return the filter that leaves out who misses two selections or more: nothing counts them.

    A facet counts who misses its own selection at most, so most of the others are never scored.
    """
    chosen = list(compiled.selected.values())
    if len(chosen) < 2:  # noqa: PLR2004
        return []
    return [{"bool": {"should": chosen, "minimum_should_match": len(chosen) - 1}}]


def ordered(query: SearchQuery, body: Json) -> Json:
    """Return ``body`` by a unique key, after the last one given: writes between pages move nobody."""
    order = matching.stable_order(query)
    more: Json = {"sort": [{matching.ORDER_FIELDS[order]: "asc"}]}
    if query.after is not None and query.after.order is order:
        more["search_after"] = [query.after.value]
    return body | more


def ranked(query: SearchQuery, body: Json) -> Json:
    """Return ``body`` by score, ties by key, from the rank the last page ended at."""
    seen, _ = matching.room(query)
    return body | {"from": seen, "sort": [{"_score": "desc"}, {"key": "asc"}]}


def preference(compiled: Plan) -> str:
    """Return what sends every page of a search to the same copies, for others may score otherwise.

    Made of what the search asks, so that different searches spread over the copies.
    """
    asked = (compiled.words, compiled.dates, compiled.selected)
    return hashlib.sha256(msgspec.json.encode(asked)).hexdigest()[:16]


def typo_body(compiled: Plan, possible: Sequence[Alternative]) -> Json:
    """Ask whether anybody in scope has each word, and which words are one letter away from it.

    The second is the engine's term suggester, which walks the dictionary, not documents.
    """
    forms = sorted({form for one in possible for sought in one.exact for form in sought.positions[0]})
    return {
        "size": 0,
        "track_total_hits": False,
        "query": _bool(filter=list(compiled.mandatory), must_not=compiled.excluded),
        "aggs": {
            _NEAR: {"filters": {"filters": {str(n): _alternative(one) for n, one in enumerate(possible)}}}
        },
        "suggest": {form: {"text": form, "term": _ONE_LETTER_AWAY} for form in forms},
    }


_ONE_LETTER_AWAY: Json = {
    "field": SPELLINGS, "analyzer": "keyword", "suggest_mode": "always", "string_distance": "internal",
    "max_edits": 1, "prefix_length": 0, "min_word_length": 1, "min_doc_freq": 0.0, "accuracy": 0.0,
    "max_term_freq": 1e9, "size": _MOST_SPELLINGS, "shard_size": _MOST_SPELLINGS, "sort": "frequency",
}  # fmt: skip
"""Exactly one letter put, dropped, changed or swapped, anywhere, however rare or common the word."""


def loose_of(answer: Json, possible: Sequence[Alternative]) -> Loose:
    """Read the answer to :func:`typo_body`: words nobody in scope has, with those one letter away."""
    counted = answer["aggregations"][_NEAR]["buckets"]
    near = {
        form: [option["text"] for entry in entries for option in entry["options"]]
        for form, entries in answer["suggest"].items()
    }
    return {
        one.text: tuple(
            tuple(word for form in sought.positions[0] for word in (form, *near[form]))
            for sought in one.exact
        )
        for n, one in enumerate(possible)
        if counted[str(n)]["doc_count"] == 0
    }


def total_of(answer: Json) -> int:
    """Return how many were found; counted, never estimated."""
    total: int = answer["hits"]["total"]["value"]
    return total


def ordered_hits(query: SearchQuery, answer: Json) -> tuple[tuple[Hit, ...], Position | None]:
    """Return the hits of an answer to :func:`ordered`, and where the next page starts."""
    seen, room = matching.room(query)
    order = matching.stable_order(query)
    found = answer["hits"]["hits"]
    page = found[:room]
    hits = tuple(_hit(one, one["sort"][0] & matching.KEY_MASK) for one in page)
    if len(found) <= room:
        return hits, None
    last = page[-1]["sort"][0] if page else query.after.value if query.after is not None else 0
    return hits, Position(order, last, seen + len(page))


def ranked_hits(query: SearchQuery, answer: Json) -> tuple[tuple[Hit, ...], Position | None]:
    """Return the hits of an answer to :func:`ranked`, and where the next page starts."""
    seen, room = matching.room(query)
    found = answer["hits"]["hits"]
    hits = tuple(_hit(one, one["sort"][1], one["sort"][0]) for one in found[:room])
    end = seen + room
    return hits, Position(Sort.RELEVANCE, end, end) if len(found) > room else None


def _hit(one: Json, key: int, score: float | None = None) -> Hit:
    return Hit(join_id(*(one["fields"][name][0] for name in _IDS)), key, score)


def facets_of(query: SearchQuery, answer: Json) -> tuple[FacetResult, ...]:
    """Return every facet of an answer, selected values included."""
    counts = {
        name: {bucket["key"]: bucket["doc_count"] for bucket in counted["buckets"]}
        for name, counted in _counted(answer["aggregations"])
    }
    return tuple(
        result(facet, counts[facet.name], query.selections.get(facet.name, ())) for facet in FACETS.values()
    )


def _counted(aggregations: Json) -> Iterator[tuple[str, Json]]:
    for name, group in aggregations.items():
        if name in FACETS:
            yield name, group
        else:
            yield from ((inner, group[inner]) for inner in FACETS if inner in group)


def _aggregations(compiled: Plan) -> Json:
    """Count each facet with every filter but its own; those without a selection under one filter."""
    free = {name: _values(name) for name in FACETS if name not in compiled.selected}
    if not compiled.selected:
        return free
    asked: Json = {}
    if free:
        asked["free"] = {"filter": _bool(filter=list(compiled.selected.values())), "aggs": free}
    for name in compiled.selected:
        others = [chosen for other, chosen in compiled.selected.items() if other != name]
        counted = {name: _values(name)}
        asked |= {f"but_{name}": {"filter": _bool(filter=others), "aggs": counted}} if others else counted
    return asked


def _values(name: str) -> Json:
    return {
        "terms": {
            "field": FACETS[name].field,
            "size": matching.MOST_VALUES,
            "shard_size": matching.MOST_VALUES,
        }
    }


def _is_exclusion(need: Need) -> bool:
    return len(need.alternatives) == 1 and need.alternatives[0].is_excluded


def _need(need: Need, loose: Loose) -> Json:
    return _best([_alternative(alternative, loose) for alternative in need.alternatives])


def _alternative(alternative: Alternative, loose: Loose = NOTHING_LOOSE) -> Json:
    exact = _exactly(alternative.exact)
    if alternative.is_excluded:
        return _bool(filter=[{"match_all": {}}], must_not=[exact])
    if alternative.text in loose:
        return _bool(filter=[{"terms": {SPELLINGS: words}} for words in loose[alternative.text]])
    if not alternative.also:
        return exact
    also = _best([_anywhere(sought) for sought in alternative.also], synonyms.ALSO_TIE)
    return _best([exact, _bool(must=[also], boost=synonyms.BOOST)], synonyms.EXACT_TIE)


def _exactly(exact: Sequence[Sought]) -> Json:
    found = [_anywhere(sought) for sought in exact]
    return found[0] if len(found) == 1 else _bool(must=found)


def _anywhere(sought: Sought) -> Json:
    """Return the query for words in any text and fitting stemming; the best field counts most."""
    fields = matching.fields_of(sought)
    return _best([query for field in fields for query in _in_field(field, sought.positions)], matching.TIE)


def _in_field(field: Field, positions: Sequence[Sequence[str]]) -> list[Json]:
    return [
        {"term": {field.name: {"value": stems[0], "boost": field.boost}}}
        if len(stems) == 1
        else {
            "match_phrase": {
                field.name: {"query": " ".join(stems), "analyzer": "whitespace", "boost": field.boost}
            }
        }
        for stems in matching.readings(field, positions)
    ]


def _best(queries: Sequence[Json], tie: float = 0.0) -> Json:
    return queries[0] if len(queries) == 1 else {"dis_max": {"tie_breaker": tie, "queries": queries}}


def _range(field: str, bound: str, value: int) -> Json:
    return {"range": {field: {bound: value}}}


def _bool(**parts: Any) -> Json:
    return {"bool": {name: part for name, part in parts.items() if part}}
