"""What to give up where nothing is found, and how many people each of it brings: counted, not guessed.

Each proposal is itself a search of the same recruiter with the same visibility, counted by the
engine as any other; its link leads to that very search, so the two numbers are one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from marketplace.search import synonyms, words
from marketplace.search.query import SearchQuery, Sort, Visibility
from marketplace.search.synonyms import Need
from marketplace.search.url import SearchParameters

MOST = 8
"""Searches that may be counted for one that found nothing (security.md X-07): it costs at most as
much as eight pages without hits or facets, and nobody reads a longer list."""


class Given(StrEnum):
    """What is given up."""

    FACET = "facet"
    DATES = "dates"
    FIRM_START = "firm_start"
    """The start may move: the weeks by which candidates are flexible count."""
    WORD = "word"
    WORDS = "words"
    FILTERS = "filters"


@dataclass(frozen=True)
class Proposal:
    """A search with less asked. ``subject`` is the facet, or the words as they were typed."""

    given: Given
    subject: str
    parameters: SearchParameters


@dataclass(frozen=True)
class Relaxation:
    """A proposal and the number of people its search finds."""

    proposal: Proposal
    total: int


def count(search: Callable[[SearchQuery], int], visibility: Visibility, asked: SearchParameters) -> int:
    """Return how many people ``asked`` finds in ``visibility``: no hits, no facets, no scores."""
    query = replace(asked, chosen_sort=Sort.FRESH).query(visibility)
    return search(replace(query, size=0, with_facets=False))


def relaxations(
    search: Callable[[SearchQuery], int], visibility: Visibility, asked: SearchParameters
) -> tuple[Relaxation, ...]:
    """Return what brings anybody to a search that found nobody, the most first (rules D2, G).

    Among equals what gives up less comes first: one filter or word before all of them.
    """
    counted = [
        Relaxation(proposal, count(search, visibility, proposal.parameters)) for proposal in proposals(asked)
    ]
    return tuple(sorted((found for found in counted if found.total), key=_order))


def _order(found: Relaxation) -> tuple[int, bool]:
    return -found.total, found.proposal.given in {Given.WORDS, Given.FILTERS}


def proposals(asked: SearchParameters) -> list[Proposal]:
    """Return at most :data:`MOST` searches that ask less, what is given up most easily first.

    Whole facets, since within one more values only bring more; both dates at once; single words,
    where there are several. All words together come before single ones, so that one always brings
    something where filters alone do.
    """
    found: list[Proposal] = []
    for proposal in _every(asked):
        if proposal.parameters not in (asked, *(known.parameters for known in found)):
            found.append(proposal)
    return found[:MOST]


def can_flex(asked: SearchParameters) -> bool:
    """Whether "start can flex" could bring anybody: a date is asked for, and meant firmly (rules G)."""
    return not asked.flex and (asked.start_from is not None or asked.start_to is not None)


def flexible(asked: SearchParameters) -> SearchParameters:
    """Return the same search with "start can flex", from its first page."""
    return replace(asked, flex=True, cursor=None)


def _every(asked: SearchParameters) -> Iterator[Proposal]:
    if can_flex(asked):
        yield Proposal(Given.FIRM_START, "", flexible(asked))
    if asked.words.clauses:
        yield Proposal(Given.WORDS, asked.q, asked.with_text(""))
    has_dates = asked.start_from is not None or asked.start_to is not None
    if len(asked.selections) + has_dates > 1:
        yield Proposal(Given.FILTERS, "", asked.without_filters())
    if has_dates:
        yield Proposal(Given.DATES, "", asked.without_dates())
    for name in asked.selections:
        yield Proposal(Given.FACET, name, asked.without_facet(name))
    yield from _without_each_word(asked)


def _without_each_word(asked: SearchParameters) -> Iterator[Proposal]:
    """Yield the search without each requirement; words that are one term of the table go together."""
    place = 0
    for need in synonyms.expand(asked.words):
        size = _clauses(need)
        left = words.without(asked.q, place, size)
        if len(left) <= len(asked.q):
            yield Proposal(Given.WORD, words.written(asked.q, place, size), asked.with_text(left))
        place += size


def _clauses(need: Need) -> int:
    """Return of how many clauses a requirement was made: a run of words is one each."""
    if len(need.alternatives) > 1 or need.alternatives[0].is_phrase:
        return 1
    return len(need.alternatives[0].exact)
