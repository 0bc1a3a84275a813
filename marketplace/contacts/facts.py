"""What the decision is taken on: the facts of recruiter and candidate, read as of now (rules D2, D3).

And, for lists and threads of people met before, who of them is hidden and of age. Nothing here is
written down, for nothing new leaves; what may leave passes ``gate.py``.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.candidates import policy as candidate_policy
from marketplace.candidates.lifecycle import CandidateState
from marketplace.candidates.policy import VisibilityFacts
from marketplace.candidates.policy_facts import visibility_facts
from marketplace.candidates.refusals import Refusals, hidden_from
from marketplace.contacts import duty_queries, retention
from marketplace.contacts.asking_recruiters import AskingRecruiter
from marketplace.contacts.policy import (
    Act,
    CandidateFacts,
    Reason,
    RecruiterFacts,
    contact_decision,
    has_confirmed_data,
)
from marketplace.errors import ContactNotAllowedError
from marketplace.settings import Settings
from marketplace.terms import queries as terms


def recruiter_facts(
    session: Session, now: datetime, settings: Settings, recruiter: AskingRecruiter
) -> RecruiterFacts:
    """Return what the decision needs of the recruiter, as of now (rules D3)."""
    today = now.date()
    return RecruiterFacts(
        work_country=recruiter.work_country,
        is_active=recruiter.is_active,
        is_company_verified=recruiter.is_company_verified,
        has_accepted_terms=not terms.outstanding_documents(session, recruiter.account_id, today),
        has_confirmed_data=_has_confirmed_data(recruiter, now, settings),
        has_duties_overdue=duty_queries.has_open_duty_before(
            session, recruiter.recruiter_id, retention.stopping_cutoff(today, settings.overdue_grace_days)
        ),
    )


def facts_for_lists(now: datetime, settings: Settings, recruiter: AskingRecruiter) -> RecruiterFacts:
    """Return the facts a list is judged by, without asking for documents and duties.

    Reasons on the recruiter's side empty no list (rules D2): these two are asked at each disclosure,
    and nobody comes to a list with documents to accept (``web/guards.py``).
    """
    return RecruiterFacts(
        work_country=recruiter.work_country,
        is_active=recruiter.is_active,
        is_company_verified=recruiter.is_company_verified,
        has_accepted_terms=True,
        has_confirmed_data=_has_confirmed_data(recruiter, now, settings),
        has_duties_overdue=False,
    )


def _has_confirmed_data(recruiter: AskingRecruiter, now: datetime, settings: Settings) -> bool:
    return has_confirmed_data(
        recruiter.confirmed_at.date(),
        now.date(),
        settings.data_confirmation_months,
        settings.data_confirmation_grace_days,
    )


def candidate_facts(
    facts: VisibilityFacts, refusals: Refusals, today: date, settings: Settings
) -> CandidateFacts:
    """Return what the decision needs of the candidate, in the words of rules G."""
    until = candidate_policy.visible_until_on(facts, settings)
    permits = {
        country: last
        for country, permit in facts.permits.items()
        if facts.start is not None
        and (last := candidate_policy.may_work_until(permit, facts.start)) is not None
    }
    return CandidateFacts(
        is_searchable=facts.state is CandidateState.SEARCHABLE and until is not None,
        country=facts.country,
        visible_until_on=until,
        needs_guardian=candidate_policy.needs_guardian(
            facts.birth_date, facts.is_protected, today, settings.majority_age
        ),
        has_guardian_consent=candidate_policy.has_guardian_consent(facts.guardian_consent_until, today),
        excludes_company=refusals.company_excluded,
        has_blocked_recruiter=refusals.recruiter_blocked,
        may_work_until=permits,
    )


def hidden_among(
    session: Session,
    now: datetime,
    settings: Settings,
    recruiter: AskingRecruiter,
    candidate_ids: Collection[UUID],
) -> frozenset[UUID]:
    """Return those of the candidates who are hidden from the recruiter now (rules C2, D3).

    For threads and lists of people the recruiter has met: what once left does not come again after
    a withdrawal or block. Nothing is written, for nothing new leaves.
    """
    today = now.date()
    asker = recruiter_facts(session, now, settings, recruiter)
    known = visibility_facts(session, candidate_ids) if candidate_ids else {}
    refusing = hidden_from(session, recruiter.asker)
    seen = set()
    for candidate_id, facts in known.items():
        refused = facts.key in refusing
        both = Refusals(company_excluded=refused, recruiter_blocked=refused)
        person = candidate_facts(facts, both, today, settings)
        if not contact_decision(asker, person, recruiter.work_country, today, Act.CONTACT).is_hidden:
            seen.add(candidate_id)
    return frozenset(candidate_ids) - seen


def minors_among(
    session: Session, now: datetime, settings: Settings, candidate_ids: Collection[UUID]
) -> frozenset[UUID]:
    """Return those under age today: recruiters read their first names only (rules C3, D7)."""
    known = visibility_facts(session, candidate_ids) if candidate_ids else {}
    return frozenset(
        candidate_id
        for candidate_id, facts in known.items()
        if candidate_policy.is_minor(facts, now.date(), settings)
    )


def require_standing(recruiter: AskingRecruiter) -> None:
    """Let only an active recruiter of a verified company read about people met before (rules B4, D3).

    Raises :class:`ContactNotAllowedError` with the reasons that stop a profile too.
    """
    reasons = []
    if not recruiter.is_active:
        reasons.append(Reason.RECRUITER_NOT_ACTIVE.value)
    if not recruiter.is_company_verified:
        reasons.append(Reason.COMPANY_NOT_VERIFIED.value)
    if reasons:
        raise ContactNotAllowedError(reasons)
