"""What a suspension does to a candidate; moderation decides and calls (rules E5, C7)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.candidates import changes
from marketplace.candidates.lifecycle import CandidateState, reinstated_state
from marketplace.settings import Settings


def suspend(
    session: Session, now: datetime, account_id: UUID, admin_id: UUID, sanction_id: UUID
) -> CandidateState:
    """Take the candidate out of every answer from this commit on; return the state that is left.

    Raises :class:`NotFoundError`, and :class:`ConflictError` for one who is erased.
    """
    subject = changes.lock(session, account_id)
    before = subject.state
    changes.move(now, subject, CandidateState.SUSPENDED)
    changes.conclude(
        session, now, subject, "candidate.suspended", "E5",
        actor_role="admin", actor_id=admin_id, sanction_id=str(sanction_id),
    )  # fmt: skip
    return before


def reinstate(
    session: Session,
    now: datetime,
    settings: Settings,
    account_id: UUID,
    before: CandidateState,
    *,
    admin_id: UUID | None,
) -> None:
    """Give back the state that was left, as far as the facts still bear it (rules E5, C2, C3, C7).

    Without an admin it is the clock's doing. Who left the suspension otherwise stays where they are.
    """
    subject = changes.lock(session, account_id)
    if subject.state is not CandidateState.SUSPENDED:
        return
    facts = changes.facts_of(session, now, subject, settings.majority_age)
    is_opted_in = subject.candidate.opted_in_at is not None
    changes.move(now, subject, reinstated_state(before, facts, is_opted_in=is_opted_in))
    changes.conclude(
        session, now, subject, "candidate.reinstated", "E5",
        actor_role="admin" if admin_id else "system", actor_id=admin_id,
    )  # fmt: skip
