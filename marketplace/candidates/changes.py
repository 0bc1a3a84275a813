"""One change to one candidate: lock it, then conclude with state, version, outbox and audit.

Every use case that writes a profile goes through here, so that a change and what follows from it
are never apart (security.md INV-3). What is changed is the use case's own business.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import audit, outbox
from marketplace.candidates import policy, policy_facts, queries
from marketplace.candidates.index_rows import CHANGED
from marketplace.candidates.lifecycle import (
    CLOSED_STATES,
    CandidateState,
    ProfileFacts,
    settled_state,
    transition,
)
from marketplace.candidates.models import Candidate
from marketplace.candidates.policy import VisibilityFacts
from marketplace.candidates.queries import Person
from marketplace.errors import ConflictError, NotFoundError
from marketplace.settings import Settings

CopyHolders = Callable[[Session, datetime, Settings, UUID], None]
"""Tells those who hold a copy of this candidate's CV and shortens their duty (rules D5).

``contacts.services.candidate_withdrew``, handed in by the edge: contacts reads candidates, not the
other way round.
"""


@dataclass(frozen=True)
class Subject:
    """A candidate locked for a change, with the facts as they were before it."""

    candidate: Candidate
    person: Person
    before: VisibilityFacts

    @property
    def state(self) -> CandidateState:
        return CandidateState(self.candidate.state)


def lock(session: Session, account_id: UUID) -> Subject:
    """Lock the candidate of an account; raises :class:`NotFoundError` when it has none."""
    return _subject(
        session,
        session.scalar(
            select(Candidate)
            .where(Candidate.account_id == account_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ),
    )


def look(session: Session, account_id: UUID) -> Subject:
    """Return the candidate of an account without locking it, to show; raises the same."""
    return _subject(session, session.scalar(select(Candidate).where(Candidate.account_id == account_id)))


def lock_by_id(session: Session, candidate_id: UUID) -> Subject:
    """Lock a candidate by id; raises :class:`NotFoundError` for an unknown one."""
    return _subject(
        session,
        session.get(Candidate, candidate_id, with_for_update=True, populate_existing=True),
    )


def _subject(session: Session, candidate: Candidate | None) -> Subject:
    if candidate is None:
        raise NotFoundError("candidate")
    return Subject(
        candidate=candidate,
        person=queries.person(session, candidate.account_id),
        before=policy_facts.visibility_facts(session, [candidate.id])[candidate.id],
    )


def require_open(subject: Subject) -> None:
    """Refuse a change while the account is suspended or about to be deleted (rules C7).

    Raises :class:`ConflictError` with the state in its code. A withdrawal is never refused.
    """
    if subject.state in CLOSED_STATES:
        raise ConflictError(f"profile_{subject.state}", "Your account is closed for changes at the moment.")


def facts_of(session: Session, now: datetime, subject: Subject, majority_age: int | None) -> ProfileFacts:
    """Return the facts completeness depends on; without ``majority_age`` the guardian's part stays.

    Birthdays are looked at when the person acts; what the service does by itself (reading a CV)
    changes nothing about who needs a guardian.
    """
    session.flush()
    candidate, today = subject.candidate, now.date()
    if majority_age is not None:
        needs = policy.needs_guardian(subject.person.birth_date, candidate.is_protected, today, majority_age)
        return queries.profile_facts(session, candidate.id, needs_guardian=needs, today=today)
    facts = queries.profile_facts(session, candidate.id, needs_guardian=False, today=today)
    is_restricted = subject.state is CandidateState.RESTRICTED
    return replace(facts, needs_guardian=is_restricted, has_guardian_consent=not is_restricted)


def settle(session: Session, now: datetime, subject: Subject, majority_age: int | None) -> None:
    """Move the candidate to the state its facts ask for (rules C7)."""
    state = settled_state(subject.state, facts_of(session, now, subject, majority_age))
    if state is not subject.state:
        move(now, subject, state)


def move(now: datetime, subject: Subject, to: CandidateState) -> None:
    """Take a transition of the table; raises :class:`ConflictError` when it has none."""
    subject.candidate.state = transition(subject.state, to)
    subject.candidate.state_changed_at = now


def conclude(
    session: Session,
    now: datetime,
    subject: Subject,
    act: str,
    rule: str,
    *,
    actor_role: str = "candidate",
    actor_id: UUID | None = None,
    **details: Any,
) -> None:
    """Write what follows from a change: version, message to the index, audit (rules G, E8).

    The message lowers visibility when a listed person's state, country, permit, start or consent
    differs from before: the id is then out of every answer from the commit on.
    """
    candidate = subject.candidate
    candidate.version += 1
    session.flush()
    after = policy_facts.visibility_facts(session, [candidate.id])[candidate.id]
    moved_from = subject.before.country if after.country != subject.before.country else None
    outbox.publish(
        session,
        now,
        CHANGED,
        candidate.id,
        details={"was_country": moved_from} if moved_from else {},
        lowers_visibility=policy.lowers_visibility(subject.before, after),
    )
    record(session, now, subject, act, rule, actor_role=actor_role, actor_id=actor_id, **details)


def record(
    session: Session,
    now: datetime,
    subject: Subject,
    act: str,
    rule: str,
    *,
    actor_role: str = "candidate",
    actor_id: UUID | None = None,
    **details: Any,
) -> None:
    """Write the audit entry of an act of, or for, this candidate; the old and the new state with it.

    ``actor_id`` is the admin's who acted; a candidate's own act needs none.
    """
    state = subject.state
    if state is not subject.before.state:
        details = {**details, "from": subject.before.state.value, "to": state.value}
    audit.record(
        session,
        now,
        act,
        actor_id=subject.person.account_id if actor_role == "candidate" else actor_id,
        actor_role=actor_role,
        subject_kind="candidate",
        subject_id=subject.candidate.id,
        rule=rule,
        **details,
    )
