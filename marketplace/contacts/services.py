"""What other features ask of contacts: whom a search may list, and what a withdrawal brings about.

The use cases of recruiters and candidates are in ``openings.py``, ``messages.py`` and
``downloads.py``; what leaves about a candidate passes ``disclosures.py``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import audit
from marketplace.candidates import index_rows, recruiter_view
from marketplace.candidates.recruiter_view import CandidateCard
from marketplace.candidates.refusals import Refusals, hidden_from
from marketplace.contacts import duties, policy, retention
from marketplace.contacts.asking_recruiters import AskingRecruiter
from marketplace.contacts.facts import candidate_facts, facts_for_lists
from marketplace.contacts.models import CVDownload, DutyState
from marketplace.contacts.policy import RecruiterFacts
from marketplace.search.query import Visibility
from marketplace.settings import Settings

NOT_REFUSED = Refusals(company_excluded=False, recruiter_blocked=False)
REFUSED = Refusals(company_excluded=True, recruiter_blocked=True)


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Whom one search may list: the asker, and the rule as data for the engine (rules D2)."""

    recruiter: AskingRecruiter
    facts: RecruiterFacts
    visibility: Visibility
    refusing_keys: frozenset[int]


def listing_of(
    session: Session, now: datetime, settings: Settings, recruiter: AskingRecruiter, job_country: str
) -> Listing:
    """Return whom a search of this recruiter for ``job_country`` may list (rules D2, G).

    The country is one of the Territory: what else is asked for, the caller has refused. Reasons on the
    recruiter's side empty no list: what a recruiter not yet verified may see, the caller decides (B3).
    """
    facts = facts_for_lists(now, settings, recruiter)
    refusing = hidden_from(session, recruiter.asker)
    pending = index_rows.pending_lower_keys(session, recruiter.work_country)
    return Listing(
        recruiter=recruiter,
        facts=facts,
        visibility=policy.visibility_for(facts, job_country, now.date(), refusing | pending),
        refusing_keys=refusing,
    )


def listed_cards(
    session: Session, settings: Settings, listing: Listing, candidate_ids: Sequence[UUID]
) -> list[CandidateCard]:
    """Return the cards of those hits that may be shown, in the order given (rules D2, D7).

    The re-check on what PostgreSQL says now: a hit that may not be shown any more is left out.
    """
    if not candidate_ids:
        return []
    known = recruiter_view.people_to_list(session, candidate_ids)
    visibility = listing.visibility
    shown = []
    for candidate_id in candidate_ids:
        if candidate_id not in known:
            continue
        facts, card = known[candidate_id]
        refusals = REFUSED if facts.key in listing.refusing_keys else NOT_REFUSED
        person = candidate_facts(facts, refusals, visibility.today, settings)
        if policy.is_listed(listing.facts, person, visibility.job_country, visibility.today):
            shown.append(card)
    return shown


def candidate_withdrew(session: Session, now: datetime, settings: Settings, candidate_id: UUID) -> None:
    """Shorten every open duty on this candidate's CVs to seven days and tell each holder once (D5).

    For withdrawal, erasure and a guardian's withdrawal, in their transaction. Called again it tells
    only who took a copy since.
    """
    held = session.scalars(
        select(CVDownload)
        .where(CVDownload.candidate_id == candidate_id, CVDownload.state == DutyState.OPEN)
        .order_by(CVDownload.id)
        .with_for_update()
    ).all()
    untold: dict[UUID, list[CVDownload]] = defaultdict(list)
    for copy in held:
        copy.delete_by_on = _shortened(copy, now.date(), settings)
        if copy.holder_told_at is None:
            copy.holder_told_at = now
            untold[copy.recruiter_id].append(copy)
    session.flush()
    for recruiter_id, copies in untold.items():
        duties.tell_holder(
            session, now, "deletion_shortened", recruiter_id, [copy.id for copy in copies],
            unique_key=f"deletion_shortened:{copies[0].id}",
        )  # fmt: skip
    for copy in held:
        audit.record(
            session, now, "deletion_duty.shortened", actor_id=None, actor_role="system",
            subject_kind="cv_download", subject_id=copy.id, rule="D5",
        )  # fmt: skip


def _shortened(copy: CVDownload, today: date, settings: Settings) -> date:
    return retention.shortened_delete_by(copy.delete_by_on, today, settings.withdrawal_deletion_days)
