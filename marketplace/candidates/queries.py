"""Read SQL about one candidate or upload: who it is, whom to mail, what a profile still lacks.

What is read of many is beside: ``policy_facts.py`` for the rules, ``recruiter_view.py`` for lists
and opened profiles, ``index_rows.py`` for the index, ``refusals.py`` for exclusions and blocks. All
of it returns frozen structs, so that no row of the tables leaves the package.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from marketplace.accounts.models import Account
from marketplace.candidates.lifecycle import CVState, ProfileFacts
from marketplace.candidates.models import CV, Candidate, RightToWork
from marketplace.candidates.policy import has_guardian_consent
from marketplace.errors import NotFoundError


@dataclass(frozen=True, kw_only=True)
class Person:
    """Who is behind a candidate, for scrubbing, mails and the age rules."""

    account_id: UUID
    first_name: str
    last_name: str
    birth_date: date
    email: str
    language: str

    @property
    def names(self) -> tuple[str, str]:
        """The names that no indexed or listed text may hold (rules C4)."""
        return self.first_name, self.last_name


@dataclass(frozen=True, kw_only=True)
class MailedCV:
    """What a mail about an upload says."""

    label: str
    reason: str | None
    has_other: bool
    first_name: str
    email: str
    language: str


def candidate_id_of(session: Session, account_id: UUID) -> UUID:
    """Return the candidate of an account; raises :class:`NotFoundError` when it has none."""
    candidate_id = session.scalar(select(Candidate.id).where(Candidate.account_id == account_id))
    if candidate_id is None:
        raise NotFoundError(account_id)
    return candidate_id


def account_ids(session: Session, ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return the accounts of these candidates (mails, threads)."""
    rows = session.execute(select(Candidate.id, Candidate.account_id).where(Candidate.id.in_(ids)))
    return {row.id: row.account_id for row in rows}


def person(session: Session, account_id: UUID) -> Person:
    """Return who is behind an account; raises :class:`NotFoundError` when it is gone."""
    row = session.execute(
        select(
            Account.id,
            Account.first_name,
            Account.last_name,
            Account.birth_date,
            Account.email,
            Account.language,
        ).where(Account.id == account_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError(account_id)
    return Person(
        account_id=row.id,
        first_name=row.first_name,
        last_name=row.last_name,
        birth_date=row.birth_date,
        email=row.email,
        language=row.language,
    )


def mailed_cv(session: Session, cv_id: UUID) -> MailedCV | None:
    """Return an upload with its owner, for a mail; None when it is gone."""
    others = aliased(CV)
    row = session.execute(
        select(
            CV.label,
            CV.reason,
            exists().where(others.candidate_id == CV.candidate_id, others.is_current).label("has_other"),
            Account.first_name,
            Account.email,
            Account.language,
        )
        .join(Candidate, Candidate.id == CV.candidate_id)
        .join(Account, Account.id == Candidate.account_id)
        .where(CV.id == cv_id)
    ).one_or_none()
    if row is None:
        return None
    return MailedCV(
        label=row.label,
        reason=row.reason,
        has_other=row.has_other,
        first_name=row.first_name,
        email=row.email,
        language=row.language,
    )


def profile_facts(session: Session, candidate_id: UUID, *, needs_guardian: bool, today: date) -> ProfileFacts:
    """Return what completeness and the guardian's part depend on (rules C3, C7)."""
    rights = select(func.count()).where(RightToWork.candidate_id == Candidate.id).scalar_subquery()
    row = session.execute(
        select(
            Candidate.country,
            Candidate.region,
            Candidate.job_fields,
            Candidate.start_day,
            Candidate.guardian_consent_until,
            CV.state,
            rights.label("rights"),
        )
        .outerjoin(CV, (CV.candidate_id == Candidate.id) & CV.is_current)
        .where(Candidate.id == candidate_id)
    ).one()
    return ProfileFacts(
        country=row.country,
        region=row.region,
        job_fields=len(row.job_fields),
        has_start=row.start_day is not None,
        rights_to_work=row.rights,
        cv_state=None if row.state is None else CVState(row.state),
        needs_guardian=needs_guardian,
        has_guardian_consent=has_guardian_consent(row.guardian_consent_until, today),
    )
