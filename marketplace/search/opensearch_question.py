"""One search put to OpenSearch: the questions it takes, and the page made from their answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from marketplace.search import matching, words
from marketplace.search import opensearch_queries as queries
from marketplace.search.opensearch_calls import Deadline, Engine, Json
from marketplace.search.query import SearchPage, SearchQuery
from marketplace.search.synonyms import Need

WHOLE = {"allow_partial_search_results": "false"}
"""Half an answer is none."""

_ANYWHERE: Mapping[str, str] = {}


class Question:
    """One search: at most three questions, of which only misspelt words need more than one."""

    def __init__(
        self, engine: Engine, base: str, query: SearchQuery, needs: Sequence[Need], deadline: Deadline
    ) -> None:
        self._engine = engine
        self._path = f"/{base}/_search"
        self._query = query
        self._needs = needs
        self._deadline = deadline

    def page(self) -> SearchPage:
        """Return the page; where nothing at all is found, letters may be wrong."""
        compiled = queries.plan(self._query, self._needs)
        by_score = matching.goes_by_score(self._query)
        answer = self._answer(compiled, by_score=by_score)
        loose = queries.NOTHING_LOOSE
        if queries.total_of(answer) == 0 and (loose := self._loose(compiled)):
            by_score = False
            answer = self._answer(queries.plan(self._query, self._needs, loose), by_score=False)
        read = queries.ranked_hits if by_score else queries.ordered_hits
        hits, after = read(self._query, answer)
        facets = queries.facets_of(self._query, answer) if self._query.with_facets else ()
        reading = words.reading(self._needs, loose)
        return SearchPage(queries.total_of(answer), hits, facets, after, reading)

    def _answer(self, compiled: queries.Plan, *, by_score: bool) -> Json:
        body = queries.page_body(self._query, compiled)
        if by_score:
            return self._ask(queries.ranked(self._query, body), {"preference": queries.preference(compiled)})
        return self._ask(queries.ordered(self._query, body))

    def _loose(self, compiled: queries.Plan) -> queries.Loose:
        possible = matching.possible_typos(self._needs)
        if not possible:
            return queries.NOTHING_LOOSE
        return queries.loose_of(self._ask(queries.typo_body(compiled, possible)), possible)

    def _ask(self, body: Json, where: Mapping[str, str] = _ANYWHERE) -> Json:
        within = {"timeout": f"{max(1, int(self._deadline.left * 1000))}ms"}
        return self._engine.ask(self._path, body | within, self._deadline, {**WHOLE, **where})
