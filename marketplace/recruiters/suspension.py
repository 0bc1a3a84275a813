"""What a suspension does to a recruiter; moderation decides and calls (rules E5, B4)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from marketplace import audit
from marketplace.accounts.models import Role
from marketplace.recruiters import queries
from marketplace.recruiters.lifecycle import RecruiterState, transition
from marketplace.recruiters.models import InactivityNotice, Recruiter
from marketplace.recruiters.rows import locked_company, locked_recruiter
from marketplace.recruiters.settling import settle


def suspend(
    session: Session, now: datetime, account_id: UUID, admin_id: UUID, sanction_id: UUID
) -> RecruiterState:
    """Take every capability away from this commit on; return the state that is left.

    Inactivity is counted on (B5): nothing of the account's activity is touched. Raises
    :class:`NotFoundError`, and :class:`ConflictError` for a state that cannot be suspended.
    """
    recruiter = locked_recruiter(session, account_id)
    before = RecruiterState(recruiter.state)
    _move(session, now, recruiter, RecruiterState.SUSPENDED, admin_id, sanction_id=str(sanction_id))
    return before


def reinstate(
    session: Session, now: datetime, account_id: UUID, before: RecruiterState, *, admin_id: UUID | None
) -> None:
    """Give back the state that was left (rules E5); who waited learns what was decided meanwhile (B3).

    Without an admin it is the clock's doing. Who left the suspension otherwise stays where they are.
    """
    company = locked_company(session, queries.company_of(session, account_id))
    recruiter = locked_recruiter(session, account_id)
    if recruiter.state != RecruiterState.SUSPENDED:
        return
    if before is RecruiterState.NOTIFIED and not _has_notices(session, recruiter):
        before = RecruiterState.ACTIVE  # a sign-in has cleared them meanwhile (B5)
    _move(session, now, recruiter, before, admin_id)
    settle(session, now, recruiter, company)


def _has_notices(session: Session, recruiter: Recruiter) -> bool:
    return bool(session.scalar(select(exists().where(InactivityNotice.recruiter_id == recruiter.id))))


def _move(
    session: Session,
    now: datetime,
    recruiter: Recruiter,
    to: RecruiterState,
    admin_id: UUID | None,
    **details: object,
) -> None:
    before = RecruiterState(recruiter.state)
    recruiter.state, recruiter.state_changed_at = transition(before, to), now
    session.flush()
    audit.record(
        session, now,
        "recruiter.suspended" if to is RecruiterState.SUSPENDED else "recruiter.reinstated",
        actor_id=admin_id, actor_role=Role.ADMIN.value if admin_id else "system",
        subject_kind="recruiter", subject_id=recruiter.id, rule="E5",
        before=before.value, after=to.value, **details,
    )  # fmt: skip
