"""What an engine looks for, said once for all engines: where words stand, what a typo is, which page.

The adapters only write these down in their engine's language, so that membership and counts cannot
differ (docs/search.md, 11). Knows no engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice, product

from marketplace.periods import day_number
from marketplace.search import analysis
from marketplace.search.document import KEY_BITS, SCHEMA, Field, Kind, permit_field
from marketplace.search.facets import FACETS
from marketplace.search.query import SearchQuery, Sort
from marketplace.search.synonyms import Alternative, Need, Sought

SCORED = tuple(field for field in SCHEMA if field.kind is Kind.TEXT and field.boost > 0)
"""The fields words are looked for in."""

TIE = 0.2
"""How much the fields beside the best one count (dis_max)."""

MOST_VALUES = 500
"""Above the size of every vocabulary, so that facet counts are exact; OpenSearch pays for more."""

KEY_MASK = (1 << KEY_BITS) - 1
"""Cuts the key out of a composite sort key."""

ORDER_FIELDS: Mapping[Sort, str] = {Sort.FRESH: "order_fresh", Sort.START: "order_start"}
"""The unique integer each stable order goes by."""

_MOST_READINGS = 8
"""Combinations of inclusive forms tried in one phrase."""

_SHORTEST_TYPO = 4


def fields_of(sought: Sought) -> list[Field]:
    """Return the fields words are looked for in: every text, by the stemmings that fit them."""
    return [field for field in SCORED if field.stemming in sought.stemmings]


def readings(field: Field, positions: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Return the runs of stems of which one must stand in ``field`` (rules D1); a run of one is a word."""
    which = 0 if field.stemming == "fr" else 1
    stemmed = [tuple(dict.fromkeys(analysis.stems(form)[which] for form in forms)) for forms in positions]
    if len(stemmed) == 1:
        return [(stem,) for stem in stemmed[0]]
    return list(islice(product(*stemmed), _MOST_READINGS))


def possible_typos(needs: Iterable[Need]) -> list[Alternative]:
    """Return the single words long enough that a letter may be wrong in them, each once."""
    return [
        alternative
        for alternative in dict.fromkeys(one for need in needs for one in need.alternatives)
        if not alternative.is_excluded
        and not alternative.is_phrase
        and all(_may_be_typo(sought) for sought in alternative.exact)
    ]


def _may_be_typo(sought: Sought) -> bool:
    return len(sought.positions) == 1 and all(
        len(form) >= _SHORTEST_TYPO and form.isalnum() for form in sought.positions[0]
    )


def lower_bounds(query: SearchQuery) -> list[tuple[str, int]]:
    """Return field and lowest day of who may be seen today and may work there (rules G)."""
    seen, today = query.visibility, day_number(query.visibility.today)
    return [("visible_until_on", today), (permit_field(seen.job_country), today)]


def date_bounds(query: SearchQuery) -> tuple[tuple[str, int] | None, tuple[str, int] | None]:
    """Return the field that must not end before, and the one that must not begin after (rules G)."""
    first, last = ("flex_from", "flex_to") if query.flex else ("start_on", "start_last")
    return (
        (last, day_number(query.start_from)) if query.start_from is not None else None,
        (first, day_number(query.start_to)) if query.start_to is not None else None,
    )


def selected_values(query: SearchQuery) -> dict[str, tuple[str, list[str]]]:
    """Return field and values of each facet with a selection, by the facet's name (rules D1)."""
    return {name: (FACETS[name].field, sorted(values)) for name, values in query.selections.items() if values}


def room(query: SearchQuery) -> tuple[int, int]:
    """Return how many hits were given before, and how many may be given now (rules E2)."""
    seen = query.after.seen if query.after is not None else 0
    return seen, max(0, min(query.size, query.window - seen))


def goes_by_score(query: SearchQuery) -> bool:
    """Whether words order the hits; relevance without any is the order ``fresh`` (rules G)."""
    return query.sort is Sort.RELEVANCE and query.words.asks_for_something


def stable_order(query: SearchQuery) -> Sort:
    """Return the order by a unique key that applies when words do not order the hits."""
    return Sort.START if query.sort is Sort.START else Sort.FRESH
