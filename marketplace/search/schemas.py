"""What the search route answers (interface.md)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from marketplace.candidates.recruiter_view import CandidateCard
from marketplace.reference import job_fields, skills
from marketplace.search import sentences
from marketplace.search.explanations import Match, inclusive_forms, read_as
from marketplace.search.facets import FACETS
from marketplace.search.query import ReadTerm
from marketplace.search.services import Count, ListedCandidate, SearchResults
from marketplace.search.similar import SimilarCandidate, SimilarCandidates
from marketplace.search.suggestions import Suggestion


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


class MatchOut(Struct, frozen=True):
    """Why a candidate was found: the word ``asked`` stands as ``found`` in these places.

    ``how``: ``word`` (itself, in any form), ``synonym``, or ``typo`` (one letter away).
    """

    asked: str
    how: str
    found: str
    places: list[str]


class CardOut(Struct, frozen=True, kw_only=True):
    """What lists show of a candidate: no name, scrubbed words (rules D7)."""

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


class HitOut(CardOut, frozen=True, kw_only=True):
    """A candidate found, with the places that match and why; never a score (rules E7)."""

    highlights: list[list[SpanOut]]
    why: list[MatchOut]


class ReadTermOut(Struct, frozen=True):
    """How one term was read.

    ``kind`` is ``word`` or ``phrase``. ``forms`` are the words of an inclusive form, any of which
    counts; ``also`` the synonyms that count as well. Of a ``typo`` nobody has the word as typed, and
    ``read_as`` are the words taken instead that stand in the hits of this page.
    """

    text: str
    kind: str
    excluded: bool
    typo: bool
    forms: list[str]
    also: list[str]
    read_as: list[str]


class RequirementOut(Struct, frozen=True):
    """Terms of which one is enough; every requirement has to hold."""

    alternatives: list[ReadTermOut]


class ReadingOut(Struct, frozen=True):
    """How the words were read. ``ignored`` was typed and asks for nothing: signs, elided articles."""

    requirements: list[RequirementOut]
    ignored: list[str]


class RelaxationOut(Struct, frozen=True):
    """Where nobody was found: what to give up, and how many people that search finds.

    ``gives_up`` is ``facet``, ``dates``, ``firm_start``, ``word``, ``words`` or ``filters``;
    ``subject`` the facet's name or the words; ``query`` the query string of the search.
    """

    gives_up: str
    subject: str
    label: str
    count: int
    query: str


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
    """One page of a search. ``flex_brings``: how many more there are if the start can flex."""

    query: QueryOut
    reading: ReadingOut
    total: int
    facets: list[FacetOut]
    hits: list[HitOut]
    next_cursor: str | None
    relaxations: list[RelaxationOut]
    flex_brings: int
    below: int | UnsetType = UNSET


class SuggestionOut(Struct, frozen=True):
    """A value of a facet (``kind`` is its parameter) that completes ``typed``, the end of the text.

    ``matched`` is the synonym it was found by, where that is not the label.
    """

    kind: str
    value: str
    label: str
    typed: str
    matched: str | None


class SuggestionsOut(Struct, frozen=True):
    """At most ten completions, the best first; how many people have them is not told."""

    items: list[SuggestionOut]


class LabelledOut(Struct, frozen=True):
    """A value of a facet in the reader's language."""

    value: str
    label: str


class SimilarOut(CardOut, frozen=True, kw_only=True):
    """Somebody similar, and what is shared with the profile asked about."""

    shared_job_fields: list[LabelledOut]
    shared_skills: list[LabelledOut]


class SimilarListOut(Struct, frozen=True):
    """Those who share a job field and skills, most skills shared first, then the newest."""

    items: list[SimilarOut]


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
        reading=_reading_out(results),
        relaxations=[
            RelaxationOut(
                found.proposal.given.value,
                found.proposal.subject,
                sentences.giving_up(found.proposal, results.parameters, language),
                found.total,
                found.proposal.parameters.query_string(),
            )
            for found in results.relaxations
        ],
        flex_brings=results.flex_brings,
    )


def suggestions_out(found: tuple[Suggestion, ...]) -> SuggestionsOut:
    """Return the JSON of suggestions."""
    return SuggestionsOut(
        [SuggestionOut(one.kind.value, one.value, one.label, one.typed, one.matched) for one in found]
    )


def similar_out(found: SimilarCandidates, language: str) -> SimilarListOut:
    """Return the JSON of similar candidates, labels in ``language``."""
    return SimilarListOut([_similar_out(one, language) for one in found.found])


def _similar_out(one: SimilarCandidate, language: str) -> SimilarOut:
    return SimilarOut(
        **_card(one.card),
        shared_job_fields=[LabelledOut(code, job_fields()[code].label(language)) for code in one.job_fields],
        shared_skills=[LabelledOut(slug, skills()[slug].label(language)) for slug in one.skills],
    )


def _reading_out(results: SearchResults) -> ReadingOut:
    taken = read_as(match for hit in results.hits for match in hit.why)
    return ReadingOut(
        [
            RequirementOut([_term_out(term, taken) for term in requirement.alternatives])
            for requirement in results.reading.requirements
        ],
        list(results.ignored),
    )


def _term_out(term: ReadTerm, taken: Mapping[str, tuple[str, ...]]) -> ReadTermOut:
    return ReadTermOut(
        text=term.text,
        kind="phrase" if term.is_phrase else "word",
        excluded=term.is_excluded,
        typo=term.is_approximate,
        forms=list(inclusive_forms(term.text)),
        also=list(term.also),
        read_as=list(taken.get(term.text, ())) if term.is_approximate else [],
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
    return HitOut(
        **_card(hit.card),
        highlights=[[SpanOut(span.text, span.match) for span in part] for part in hit.highlights],
        why=[_match_out(match) for match in hit.why],
    )


def _match_out(match: Match) -> MatchOut:
    return MatchOut(match.asked, match.how.value, match.found, [place.value for place in match.places])


def _card(card: CandidateCard) -> dict[str, Any]:
    """Return the values of a :class:`CardOut`."""
    return {
        "id": card.candidate_id,
        "headline": card.headline,
        "region": card.region,
        "job_fields": list(card.job_fields),
        "start_on": card.start_on,
        "start_month": card.start_month,
        "skills": list(card.skills),
        "languages": list(card.languages),
        "education_level": card.education_level,
        "fresh_on": card.fresh_on,
    }
