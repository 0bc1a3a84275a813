"""A search as the embedded engine's queries, built in code: no parser of the engine sees user text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import tantivy
from tantivy import Occur, Query

from marketplace.search import matching, synonyms
from marketplace.search.document import SPELLINGS, Field
from marketplace.search.query import SearchQuery
from marketplace.search.synonyms import Alternative, Need, Sought
from marketplace.search.tantivy_files import schema

_MOST_TERMS = 500
"""Up to here a union of terms is quicker than a set of them."""


@dataclass(frozen=True)
class Plan:
    """A compiled search: filters that always hold, the dates, the words, and one filter per selection."""

    mandatory: tuple[tuple[Occur, Query], ...]
    dates: tuple[tuple[Occur, Query], ...]
    text: tuple[tuple[Occur, Query], ...]
    selected: Mapping[str, tuple[Occur, Query]]

    def query(self, without: str | None = None) -> Query:
        """Return the whole query, without the selection of one facet if named."""
        filters = [*self.mandatory, *self.dates]
        filters += [chosen for name, chosen in self.selected.items() if name != without]
        return all_of([(Occur.Must, Query.const_score_query(all_of(filters), 0.0)), *self.text])


def compiled(query: SearchQuery, needs: Sequence[Need], loose: frozenset[str] = frozenset()) -> Plan:
    """Return the plan of a search; words in ``loose`` may differ from what is written by one letter."""
    mandatory = [(Occur.Must, at_least(*bound)) for bound in matching.lower_bounds(query)]
    if excluded := query.visibility.excluded_keys:
        mandatory.append((Occur.MustNot, one_of("key", sorted(excluded))))
    ends, begins = matching.date_bounds(query)
    dates = [(Occur.Must, at_least(*ends))] if ends is not None else []
    if begins is not None:
        dates.append((Occur.Must, _at_most(*begins)))
    selected = {
        name: (Occur.Must, one_of(*chosen)) for name, chosen in matching.selected_values(query).items()
    }
    text = tuple(_need(need, loose) for need in needs)
    return Plan(tuple(mandatory), tuple(dates), text, selected)


def _need(need: Need, loose: frozenset[str]) -> tuple[Occur, Query]:
    if len(need.alternatives) == 1 and need.alternatives[0].is_excluded:
        return Occur.MustNot, _exactly(need.alternatives[0].exact)
    return Occur.Must, _best([alternative_query(alternative, loose) for alternative in need.alternatives])


def alternative_query(alternative: Alternative, loose: frozenset[str] = frozenset()) -> Query:
    """Return the query for one alternative of a need: its words, what else they mean, or not them."""
    exact = _exactly(alternative.exact)
    if alternative.is_excluded:
        everyone = Query.const_score_query(Query.all_query(), 0.0)
        return all_of([(Occur.Must, everyone), (Occur.MustNot, exact)])
    if alternative.text in loose:
        return all_of([(Occur.Must, _nearly(sought)) for sought in alternative.exact])
    if not alternative.also:
        return exact
    also = _best([_anywhere(sought) for sought in alternative.also], synonyms.ALSO_TIE)
    return _best([exact, Query.boost_query(also, synonyms.BOOST)], synonyms.EXACT_TIE)


def _exactly(exact: Sequence[Sought]) -> Query:
    return all_of([(Occur.Must, _anywhere(sought)) for sought in exact])


def _anywhere(sought: Sought) -> Query:
    """Return the query for words in any text and fitting stemming; the best field counts most."""
    parts = [
        query if field.boost == 1 else Query.boost_query(query, field.boost)
        for field in matching.fields_of(sought)
        for query in _in_field(field, sought.positions)
    ]
    return _best(parts, matching.TIE)


def _in_field(field: Field, positions: Sequence[Sequence[str]]) -> list[Query]:
    return [
        Query.term_query(schema(), field.name, stems[0])
        if len(stems) == 1
        else Query.phrase_query(schema(), field.name, list(stems))
        for stems in matching.readings(field, positions)
    ]


def _nearly(sought: Sought) -> Query:
    """Return the query for words one letter away (never more: security.md X-07)."""
    return _best(
        [Query.fuzzy_term_query(schema(), SPELLINGS, form, distance=1) for form in sought.positions[0]]
    )


def one_of(field: str, values: Sequence[str | int]) -> Query:
    """Return the filter on any of ``values``: a union of terms, measured 3 to 20 times as fast as a set."""
    if len(values) > _MOST_TERMS:
        return Query.term_set_query(schema(), field, values)
    terms = [(Occur.Should, Query.term_query(schema(), field, value)) for value in values]
    return Query.boolean_query(terms)


def at_least(field: str, bound: int) -> Query:
    """Return the filter on numbers from ``bound`` on."""
    return Query.range_query(schema(), field, tantivy.FieldType.Integer, lower_bound=bound)


def _at_most(field: str, bound: int) -> Query:
    return Query.range_query(schema(), field, tantivy.FieldType.Integer, upper_bound=bound)


def _best(queries: Sequence[Query], tie: float = 0.0) -> Query:
    return queries[0] if len(queries) == 1 else Query.disjunction_max_query(queries, tie)


def all_of(clauses: Sequence[tuple[Occur, Query]]) -> Query:
    """Return the query every clause holds for."""
    if len(clauses) == 1 and clauses[0][0] is Occur.Must:
        return clauses[0][1]
    return Query.boolean_query(clauses)
