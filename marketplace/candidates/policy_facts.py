"""The facts that ``policy.py`` decides on, read from the tables: state, start, permits, consent.

Nothing is decided here. Who reads more of a candidate in the same statement selects :data:`FACTS`
and :func:`permits_column` with it, and hands the row to :func:`facts_of`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.accounts.models import Account
from marketplace.candidates.lifecycle import CandidateState
from marketplace.candidates.models import Candidate, RightToWork
from marketplace.candidates.policy import Start, VisibilityFacts, WorkPermit, WorkRight

FACTS = (
    Candidate.id,
    Candidate.key,
    Candidate.state,
    Candidate.country,
    Candidate.start_day,
    Candidate.start_is_month,
    Candidate.start_flex_weeks,
    Candidate.is_protected,
    Candidate.opted_in_at,
    Candidate.guardian_consent_until,
    Candidate.pause_due_on,
    Account.birth_date,
)


def visibility_facts(session: Session, ids: Collection[UUID]) -> dict[UUID, VisibilityFacts]:
    """Return the facts of :mod:`policy` for these candidates, in two statements; unknown ids are absent."""
    statement = select(*FACTS).join(Account, Account.id == Candidate.account_id).where(Candidate.id.in_(ids))
    rows = session.execute(statement).all()
    permits = permits_by_candidate(session, [row.id for row in rows])
    return {row.id: facts_of(row, permits[row.id]) for row in rows}


def facts_of(row: Any, permits: Mapping[str, WorkPermit]) -> VisibilityFacts:
    """Return the facts of a row of :data:`FACTS`."""
    opted_in_at: datetime | None = row.opted_in_at
    return VisibilityFacts(
        candidate_id=row.id,
        key=row.key,
        state=CandidateState(row.state),
        country=row.country,
        start=start_of(row),
        permits=permits,
        birth_date=row.birth_date,
        is_protected=row.is_protected,
        opted_in_on=None if opted_in_at is None else opted_in_at.astimezone(UTC).date(),
        guardian_consent_until=row.guardian_consent_until,
        pause_due_on=row.pause_due_on,
    )


def start_of(row: Any) -> Start | None:
    """Return the start in a row of :data:`FACTS`, if there is one yet."""
    if row.start_day is None:
        return None
    return Start(row.start_day, row.start_is_month, row.start_flex_weeks)


def permits_by_candidate(session: Session, ids: Collection[UUID]) -> dict[UUID, dict[str, WorkPermit]]:
    """Return the rights to work of each of these candidates by country; one without any has an empty one."""
    permits: dict[UUID, dict[str, WorkPermit]] = {candidate_id: {} for candidate_id in ids}
    statement = select(
        RightToWork.candidate_id, RightToWork.country, RightToWork.right, RightToWork.expires_on
    ).where(RightToWork.candidate_id.in_(ids))
    for row in session.execute(statement):
        permits[row.candidate_id][row.country] = WorkPermit(WorkRight(row.right), row.expires_on)
    return permits


def permits_column() -> Any:
    """Return the candidate's rights to work as one column of a statement that reads :data:`FACTS`."""
    return (
        select(
            func.jsonb_object_agg(
                RightToWork.country, func.jsonb_build_array(RightToWork.right, RightToWork.expires_on)
            )
        )
        .where(RightToWork.candidate_id == Candidate.id)
        .correlate(Candidate)
        .scalar_subquery()
        .label("permits")
    )


def permits_of(row: Any) -> dict[str, WorkPermit]:
    """Return what :func:`permits_column` brought."""
    return {
        country: WorkPermit(WorkRight(right), None if until is None else date.fromisoformat(until))
        for country, (right, until) in (row.permits or {}).items()
    }
