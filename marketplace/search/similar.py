"""Similar candidates: others with a job field and skills of a profile the recruiter has opened.

Found by the search itself, with its visibility and re-check (rules D2), and shown as its cards,
without names (D7). Nobody is scored (E7): people share a field and a skill or they do not, and what
they share is said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from marketplace.candidates.recruiter_view import CandidateCard
from marketplace.contacts import disclosures
from marketplace.contacts.asking_recruiters import asking_recruiter
from marketplace.contacts.gate import gate
from marketplace.contacts.policy import stops_of_recruiter
from marketplace.contacts.services import listed_cards, listing_of
from marketplace.rate_limits import uses
from marketplace.rate_limits.quotas import Quota
from marketplace.search.query import SearchQuery, Visibility
from marketplace.search.services import Searcher

MOST = 6
"""People in one answer: a look around, not a second list to page through (rules E2, E3)."""

LOOKED_AT = 50
"""The newest of those who share a field and a skill, one page of a search, among whom those who
share most come first."""


@dataclass(frozen=True)
class SimilarCandidate:
    """Somebody similar, and what is shared with the profile: job fields and skills by their codes."""

    card: CandidateCard
    job_fields: tuple[str, ...]
    skills: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SimilarCandidates:
    """Who is similar to ``of``, most skills shared first, the newest first among equals."""

    of: CandidateCard
    job_country: str
    found: tuple[SimilarCandidate, ...]
    stopped_by: tuple[str, ...]
    """Reasons on the recruiter's side that stop contact now (rules D3)."""


def find_similar(
    searcher: Searcher, now: datetime, account_id: UUID, candidate_id: UUID, job_country: str | None = None
) -> SimilarCandidates:
    """Return others like somebody this recruiter opened before (rules D2, D3, D7, E7).

    Raises :class:`NotFoundError` for whoever is unknown, hidden or was never opened, all alike, and
    else as a search and the opening of a profile do. The first transaction decides and ends before
    the engine is asked, so that no lock waits for it.
    """
    settings = searcher.settings
    with gate(searcher.db, now) as session:
        of = disclosures.opened_before(session, now, settings, account_id, candidate_id, job_country)
    with searcher.db.reading() as session:
        recruiter = asking_recruiter(session, account_id)
        country = job_country or recruiter.work_country
        uses.use(session, now, settings, Quota.SEARCH, recruiter.counted, durable=False)
        listing = listing_of(session, now, settings, recruiter, country)
        page = searcher.index.search(_query(of, listing.visibility))
        cards = listed_cards(session, settings, listing, [hit.candidate_id for hit in page.hits])
    return SimilarCandidates(
        of=of,
        job_country=country,
        found=most_alike(of, cards),
        stopped_by=tuple(reason.value for reason in stops_of_recruiter(listing.facts)),
    )


def most_alike(of: CandidateCard, cards: list[CandidateCard]) -> tuple[SimilarCandidate, ...]:
    """Return those who share most skills with ``of`` first, else in the order given."""
    shared = [
        SimilarCandidate(
            card,
            tuple(code for code in of.job_fields if code in card.job_fields),
            tuple(slug for slug in of.skills if slug in card.skills),
        )
        for card in cards
    ]
    shared.sort(key=lambda one: -len(one.skills))
    return tuple(shared[:MOST])


def _query(of: CandidateCard, visibility: Visibility) -> SearchQuery:
    """Return the search for a field and, where the profile names any, a skill of ``of``, but not ``of``."""
    chosen = {"job_field": frozenset(of.job_fields), "skill": frozenset(of.skills)}
    return SearchQuery(
        visibility=replace(visibility, excluded_keys=visibility.excluded_keys | {of.key}),
        selections={name: values for name, values in chosen.items() if values},
        size=LOOKED_AT,
        with_facets=False,
    )
