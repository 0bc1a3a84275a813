"""What is asked of an index and what it answers, as plain values. Imports nothing of ours.

A :class:`SearchQuery` cannot be made without a :class:`Visibility`, so no route can forget who may
be seen (design.md, decision 3). Days are ``date`` here; the engines index them as YYYYMMDD (rules G).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias
from uuid import UUID

NO_SELECTION: Mapping[str, frozenset[str]] = MappingProxyType({})


class Sort(StrEnum):
    """The orders of rules G; ties go by ascending key in all of them."""

    RELEVANCE = "relevance"
    FRESH = "fresh"
    START = "start"


@dataclass(frozen=True, kw_only=True)
class Visibility:
    """Whom this recruiter may be shown today (rules D2, G): part of every query, without a default.

    ``country`` is the recruiter's work country and picks the index; ``job_country`` only picks the
    permit. ``excluded_keys`` are candidates who exclude or blocked the recruiter, and those with a
    pending change that could lower visibility.
    """

    country: str
    job_country: str
    today: date
    excluded_keys: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Word:
    """One word as typed; ``text`` is non-empty and has something to search."""

    text: str


@dataclass(frozen=True)
class Phrase:
    """Words in this order, next to each other; typed in quotation marks."""

    text: str


@dataclass(frozen=True)
class Exclusion:
    """What must not occur."""

    term: Word | Phrase


Term: TypeAlias = Word | Phrase | Exclusion


@dataclass(frozen=True)
class AnyOf:
    """Alternatives joined by ``OR``, ``OU`` or ``|``; at least two."""

    alternatives: tuple[Term, ...]


Clause: TypeAlias = Word | Phrase | Exclusion | AnyOf


@dataclass(frozen=True)
class Words:
    """The syntax tree of a search text: every clause holds. Without clauses it asks nothing."""

    clauses: tuple[Clause, ...] = ()

    @property
    def asks_for_something(self) -> bool:
        """Whether any clause names something to find, not only something to leave out."""
        return any(
            isinstance(term, Word | Phrase)
            for clause in self.clauses
            for term in (clause.alternatives if isinstance(clause, AnyOf) else (clause,))
        )


@dataclass(frozen=True)
class Position:
    """Where the next page starts: after the sort key ``value``, or at the rank ``value`` by relevance.

    ``seen`` counts the hits already given, for the window of rules E2.
    """

    order: Sort
    value: int
    seen: int


@dataclass(frozen=True, kw_only=True)
class SearchQuery:
    """One page of one search (rules D1, D2, G).

    ``start_from`` and ``start_to`` are inclusive and no facet selection; ``flex`` widens each
    candidate's own dates by the weeks they gave. ``window`` is the number of hits that can be paged to.
    """

    visibility: Visibility
    words: Words = field(default_factory=Words)
    selections: Mapping[str, frozenset[str]] = field(default_factory=lambda: NO_SELECTION)
    start_from: date | None = None
    start_to: date | None = None
    flex: bool = False
    sort: Sort = Sort.FRESH
    size: int = 20
    window: int = 500
    after: Position | None = None
    with_facets: bool = True


@dataclass(frozen=True)
class Hit:
    """One candidate found. ``score`` never leaves the service (security.md P-05)."""

    candidate_id: UUID
    key: int
    score: float | None = None


@dataclass(frozen=True)
class Bucket:
    """One value of a facet and how many match it, with all filters but the facet's own."""

    value: str
    count: int
    selected: bool = False


@dataclass(frozen=True)
class FacetResult:
    """The buckets of one facet; ``name`` is the query parameter."""

    name: str
    buckets: tuple[Bucket, ...]


@dataclass(frozen=True)
class ReadTerm:
    """How one term was read. ``also`` are the words that count as well, below the exact ones."""

    text: str
    is_phrase: bool = False
    is_excluded: bool = False
    is_approximate: bool = False
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Requirement:
    """Terms of which at least one holds."""

    alternatives: tuple[ReadTerm, ...]


@dataclass(frozen=True)
class Reading:
    """How the search text was read, for the page to say so."""

    requirements: tuple[Requirement, ...] = ()

    @property
    def approximate(self) -> tuple[str, ...]:
        """The words nobody has as typed, so that words one letter away were taken instead."""
        return tuple(
            term.text
            for requirement in self.requirements
            for term in requirement.alternatives
            if term.is_approximate
        )


@dataclass(frozen=True)
class SearchPage:
    """An answer: the exact total, one page of hits, and the facets. ``after`` is None on the last page.

    ``has_index`` is False where the country has no index at all, so that nobody could be found.
    """

    total: int
    hits: tuple[Hit, ...]
    facets: tuple[FacetResult, ...]
    after: Position | None
    reading: Reading
    has_index: bool = True
