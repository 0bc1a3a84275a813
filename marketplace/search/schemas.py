"""What the search route answers (interface.md)."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from marketplace.search.facets import FACETS
from marketplace.search.services import Count, ListedCandidate, SearchResults


class SpanOut(Struct, frozen=True):
    """A piece of text; ``match`` marks a found word."""

    text: str
    match: bool


class BucketOut(Struct, frozen=True):
    """A facet value. ``below`` stands where a small number is not told (rules B3)."""

    value: str
    label: str
    count: int
    selected: bool
    below: int | UnsetType = UNSET


class FacetOut(Struct, frozen=True):
    """A facet; ``name`` is its query parameter."""

    name: str
    buckets: list[BucketOut]


class HitOut(Struct, frozen=True):
    """A candidate found: no name, scrubbed words (rules D7)."""

    id: UUID
    headline: str
    region: str
    job_fields: list[str]
    start_on: date
    start_month: str
    skills: list[str]
    languages: list[str]
    education_level: int | None
    fresh_on: date
    highlights: list[list[SpanOut]]


class QueryOut(Struct, frozen=True):
    """How the request was read: its values with their defaults, and what each word also finds."""

    q: str
    job_country: str
    sort: str
    size: int
    flex: bool
    start_from: date | None
    start_to: date | None
    selections: dict[str, list[str]]
    approximate: list[str]
    also: dict[str, list[str]]


class SearchOut(Struct, frozen=True):
    """One page of a search."""

    query: QueryOut
    total: int
    facets: list[FacetOut]
    hits: list[HitOut]
    next_cursor: str | None
    below: int | UnsetType = UNSET


def search_out(results: SearchResults, language: str) -> SearchOut:
    """Return the JSON of an answer, labels in ``language``."""
    return SearchOut(
        query=_query_out(results),
        total=results.total.value,
        below=_below(results.total),
        facets=[
            FacetOut(
                facet.name,
                [
                    BucketOut(
                        bucket.value,
                        FACETS[facet.name].label(bucket.value, language),
                        bucket.count.value,
                        bucket.selected,
                        _below(bucket.count),
                    )
                    for bucket in facet.buckets
                ],
            )
            for facet in results.facets
        ],
        hits=[_hit_out(hit) for hit in results.hits],
        next_cursor=results.next_cursor,
    )


def _below(count: Count) -> int | UnsetType:
    return UNSET if count.below is None else count.below


def _query_out(results: SearchResults) -> QueryOut:
    asked = results.parameters
    terms = [term for requirement in results.reading.requirements for term in requirement.alternatives]
    return QueryOut(
        q=asked.q,
        job_country=asked.job_country,
        sort=asked.sort.value,
        size=asked.size,
        flex=asked.flex,
        start_from=asked.start_from,
        start_to=asked.start_to,
        selections={name: sorted(values) for name, values in asked.selections.items()},
        approximate=list(results.reading.approximate),
        also={term.text: list(term.also) for term in terms if term.also},
    )


def _hit_out(hit: ListedCandidate) -> HitOut:
    card = hit.card
    return HitOut(
        id=card.candidate_id,
        headline=card.headline,
        region=card.region,
        job_fields=list(card.job_fields),
        start_on=card.start_on,
        start_month=card.start_month,
        skills=list(card.skills),
        languages=list(card.languages),
        education_level=card.education_level,
        fresh_on=card.fresh_on,
        highlights=[[SpanOut(span.text, span.match) for span in part] for part in hit.highlights],
    )
