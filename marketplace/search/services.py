"""The use case of searching: who may be seen, what the index proposes, what PostgreSQL confirms.

The order is fixed (ADR 0003): what is pending and who refuses this recruiter is read first, then
the index is asked, then every hit is read again and re-checked by the policy of the contact
decision before anything is shown. A page may be shorter than its size; it is never refilled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from marketplace.candidates import index_rows
from marketplace.candidates.recruiter_view import CandidateCard
from marketplace.contacts.asking_recruiters import asking_recruiter
from marketplace.contacts.policy import stops_of_recruiter
from marketplace.contacts.services import listed_cards, listing_of
from marketplace.db import Database
from marketplace.errors import NotAllowedError, SearchUnavailableError
from marketplace.rate_limits import uses
from marketplace.rate_limits.quotas import Quota
from marketplace.recruiters.lifecycle import Capabilities
from marketplace.search import cursor, highlight, relaxations, url, words
from marketplace.search.explanations import Match, why
from marketplace.search.highlight import Fragment
from marketplace.search.port import SearchIndex
from marketplace.search.query import Bucket, FacetResult, Position, Reading, SearchQuery, Visibility
from marketplace.search.relaxations import Relaxation
from marketplace.search.url import SearchParameters
from marketplace.settings import Settings

log = structlog.get_logger()

TENS = 10
"""Counts of an unverified recruiter are rounded down to these (rules B3)."""

FRAGMENTS = 2
"""Places of a CV a card shows."""


@dataclass(frozen=True)
class Count:
    """A number of candidates; ``below`` is set where a small one is not told (rules B3)."""

    value: int
    below: int | None = None


@dataclass(frozen=True)
class ListedCandidate:
    """One hit, re-checked: a card without a name, scrubbed fragments (rules D7), and why it was found."""

    card: CandidateCard
    highlights: tuple[Fragment, ...] = ()
    why: tuple[Match, ...] = ()


@dataclass(frozen=True)
class CountedBucket:
    """A facet value with its number."""

    value: str
    count: Count
    selected: bool


@dataclass(frozen=True)
class CountedFacet:
    """A facet with its values."""

    name: str
    buckets: tuple[CountedBucket, ...]


@dataclass(frozen=True, kw_only=True)
class SearchResults:
    """An answer for one recruiter. ``only_counts``: the company is not verified yet (rules B3)."""

    parameters: SearchParameters
    total: Count
    facets: tuple[CountedFacet, ...]
    hits: tuple[ListedCandidate, ...]
    next_cursor: str | None
    reading: Reading
    ignored: tuple[str, ...] = ()
    """What was typed and asks for nothing."""
    relaxations: tuple[Relaxation, ...] = ()
    """Where nobody was found: what to give up, and whom it brings."""
    flex_brings: int = 0
    """How many more are found if the start can flex; told on the first page."""
    only_counts: bool
    stopped_by: tuple[str, ...]
    """Reasons on the recruiter's side that stop contact now (rules D3); they empty no list."""


@dataclass(frozen=True)
class Searcher:
    """What a search needs of the process."""

    db: Database
    index: SearchIndex
    settings: Settings
    secret: str


def find_candidates(
    searcher: Searcher, now: datetime, account_id: UUID, pairs: Sequence[tuple[str, str]]
) -> SearchResults:
    """Answer one page of a search (rules D1, D2, E2, G).

    Raises ``InvalidInputError`` for wrong parameters, :class:`NotAllowedError` (``account_not_active``
    for a recruiter who may see nothing, ``words_not_open`` for words before the company is verified)
    :class:`TooManyRequestsError` when the searches of a day are used up (E1; wrong ones count in none),
    and ``SearchUnavailableError``, also where people are searchable and their index is lost.
    """
    settings = searcher.settings
    with searcher.db.reading() as session:
        recruiter = asking_recruiter(session, account_id)
        parameters = url.read(
            pairs, default_job_country=recruiter.work_country, limits=url.Limits.of(settings)
        )
        only_counts = _sees_only_counts(recruiter.capabilities, parameters)
        binding = _Binding(account_id, parameters.fingerprint(recruiter.work_country))
        position = None if only_counts else _position(searcher, now, binding, parameters)
        uses.use(session, now, settings, Quota.SEARCH, recruiter.counted, durable=False)
        listing = listing_of(session, now, settings, recruiter, parameters.job_country)
        page = searcher.index.search(parameters.query(listing.visibility, position))
        if not page.has_index:
            _require_nobody(session, listing.visibility)
        if only_counts:
            return _counts_only(parameters, page.total, page.facets)
        cards = listed_cards(session, settings, listing, [hit.candidate_id for hit in page.hits])
        less_asked, flexible = _what_more_brings(searcher, listing.visibility, parameters, page.total)
    return SearchResults(
        parameters=parameters,
        total=Count(page.total),
        facets=tuple(_exactly(facet) for facet in page.facets),
        hits=_explained(cards, parameters, page.reading, settings),
        next_cursor=_next_cursor(searcher, now, binding, page.after),
        reading=page.reading,
        ignored=words.dropped(parameters.q),
        relaxations=less_asked,
        flex_brings=flexible,
        only_counts=False,
        stopped_by=tuple(reason.value for reason in stops_of_recruiter(listing.facts)),
    )


def _require_nobody(session: Session, visibility: Visibility) -> None:
    """Refuse to answer "nobody" for an index that is lost; before the first candidate there is none."""
    if index_rows.is_anyone_indexed(session, visibility.country):
        log.error("search.index_missing", country=visibility.country)
        raise SearchUnavailableError


@dataclass(frozen=True)
class _Binding:
    """What a cursor belongs to: one account and one search (rules E2)."""

    account_id: UUID
    fingerprint: str


def require_words(may: Capabilities) -> None:
    """Refuse words, and help with them, to whoever may not search by them (rules B3, B4)."""
    _require_account(may)
    if not may.may_search:
        raise NotAllowedError("words_not_open", "You can search by words once your company is verified.")


def _require_account(may: Capabilities) -> None:
    if not (may.may_search or may.may_see_counts):
        raise NotAllowedError("account_not_active", "Your account cannot search now.")


def _sees_only_counts(may: Capabilities, parameters: SearchParameters) -> bool:
    """Say whether only rounded numbers are open to the recruiter (rules B3, B4)."""
    _require_account(may)
    if parameters.q:
        require_words(may)
    return not may.may_search


def _position(
    searcher: Searcher, now: datetime, binding: _Binding, parameters: SearchParameters
) -> Position | None:
    if parameters.cursor is None:
        return None
    return cursor.read(
        parameters.cursor,
        account_id=binding.account_id,
        fingerprint=binding.fingerprint,
        secret=searcher.secret,
        now=now,
        window=searcher.settings.page_window,
    )


def _next_cursor(searcher: Searcher, now: datetime, binding: _Binding, after: Position | None) -> str | None:
    if after is None or after.seen >= searcher.settings.page_window:
        return None
    return cursor.write(
        after,
        account_id=binding.account_id,
        fingerprint=binding.fingerprint,
        secret=searcher.secret,
        now=now,
        minutes=searcher.settings.cursor_minutes,
    )


def _what_more_brings(
    searcher: Searcher, visibility: Visibility, asked: SearchParameters, total: int
) -> tuple[tuple[Relaxation, ...], int]:
    """Return what to give up where nobody was found, and how many more a moving start brings.

    At most :data:`relaxations.MOST` counts where the list is empty, at most one where it is not.
    """

    def counted(query: SearchQuery) -> int:
        return searcher.index.search(query).total

    less_asked = relaxations.relaxations(counted, visibility, asked) if total == 0 else ()
    if asked.cursor is not None or not relaxations.can_flex(asked):
        return less_asked, 0
    if total == 0:
        known = [found.total for found in less_asked if found.proposal.given is relaxations.Given.FIRM_START]
        return less_asked, sum(known)
    return less_asked, max(0, relaxations.count(counted, visibility, relaxations.flexible(asked)) - total)


def _explained(
    cards: Sequence[CandidateCard], asked: SearchParameters, reading: Reading, settings: Settings
) -> tuple[ListedCandidate, ...]:
    """Add where and why each matches, from the scrubbed text PostgreSQL just gave (rules C4, D7, E7)."""
    if not asked.words.asks_for_something:
        return tuple(ListedCandidate(card) for card in cards)
    what = highlight.marking(asked.words, reading.approximate)
    return tuple(
        ListedCandidate(
            card,
            highlight.fragments(card.cv_text, what, characters=settings.fragment_characters, most=FRAGMENTS),
            why(card, what),
        )
        for card in cards
    )


def _exactly(facet: FacetResult) -> CountedFacet:
    return CountedFacet(
        facet.name, tuple(CountedBucket(b.value, Count(b.count), b.selected) for b in facet.buckets)
    )


def _counts_only(parameters: SearchParameters, total: int, facets: Sequence[FacetResult]) -> SearchResults:
    """Return what an unverified recruiter may know: rounded numbers, nobody (rules B3)."""
    return SearchResults(
        parameters=replace(parameters, cursor=None),
        total=rounded(total),
        facets=tuple(
            CountedFacet(facet.name, tuple(_roughly(bucket) for bucket in facet.buckets)) for facet in facets
        ),
        hits=(),
        next_cursor=None,
        reading=Reading(),
        only_counts=True,
        stopped_by=(),
    )


def _roughly(bucket: Bucket) -> CountedBucket:
    return CountedBucket(bucket.value, rounded(bucket.count), bucket.selected)


def rounded(count: int) -> Count:
    """Round down to tens; under ten is "< 10" (rules B3)."""
    return Count(0, TENS) if count < TENS else Count(count - count % TENS)
