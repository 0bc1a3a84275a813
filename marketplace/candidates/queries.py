"""Read SQL of candidates: facts for the policy, index documents, cards, opened profiles.

Everything here returns frozen structs that other features and the indexer read; no row of the
tables leaves the package. Rules are not decided here: ``policy.py`` decides on the facts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, Uuid, bindparam, cast, exists, func, or_, select, union
from sqlalchemy.orm import Session, aliased

from marketplace.accounts.models import Account
from marketplace.candidates.lifecycle import CandidateState, CVState, ProfileFacts
from marketplace.candidates.models import CV, Block, Candidate, Exclusion, RightToWork
from marketplace.candidates.policy import (
    Start,
    VisibilityFacts,
    WorkPermit,
    WorkRight,
    domain_and_parents,
    has_guardian_consent,
    start_month,
    start_on,
)
from marketplace.errors import NotFoundError
from marketplace.outbox import OutboxMessage
from marketplace.recruiters.models import Company, Recruiter
from marketplace.reference import skills as skill_terms

CHANGED = "candidate.changed"
"""Outbox topic: the index must learn this candidate anew; the subject is the candidate's id."""


@dataclass(frozen=True, kw_only=True)
class DocumentRow:
    """Everything the index document of one candidate is built from (``indexer/documents.py``)."""

    facts: VisibilityFacts
    version: int
    region: str | None
    job_fields: tuple[str, ...]
    skills: tuple[str, ...]
    other_skills: tuple[str, ...]
    languages: tuple[str, ...]
    education_level: int | None
    fresh_on: date
    headline: str
    cv_text: str

    @property
    def skills_text(self) -> str:
        """The words of the skills in both languages, then those outside the vocabulary."""
        return skills_text(self.skills, self.other_skills)


@dataclass(frozen=True, kw_only=True)
class CandidateCard:
    """What a list shows of one candidate: no name, scrubbed words only (rules D7)."""

    candidate_id: UUID
    key: int
    headline: str
    country: str
    region: str
    job_fields: tuple[str, ...]
    start: Start
    skills: tuple[str, ...]
    other_skills: tuple[str, ...]
    languages: tuple[str, ...]
    education_level: int | None
    fresh_on: date
    cv_text: str

    @property
    def start_on(self) -> date:
        return start_on(self.start)

    @property
    def start_month(self) -> str:
        return start_month(self.start)

    @property
    def skills_text(self) -> str:
        return skills_text(self.skills, self.other_skills)


@dataclass(frozen=True, kw_only=True)
class OpenedProfile:
    """What an opened profile shows (rules D7): ``last_name`` is empty for a minor."""

    card: CandidateCard
    first_name: str
    last_name: str
    is_minor: bool


@dataclass(frozen=True, kw_only=True)
class CurrentCV:
    """The CV that is shown and downloaded: the last good one (rules C4)."""

    cv_id: UUID
    state: CVState
    file_key: str
    sha256: str
    pages: int | None
    text_scrubbed: str
    uploaded_at: datetime


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


@dataclass(frozen=True)
class Refusals:
    """Which of the candidate's own refusals meet an asker (rules C5, C8)."""

    company_excluded: bool
    recruiter_blocked: bool


def skills_text(slugs: Iterable[str], others: Iterable[str]) -> str:
    """Return skills as words to search: labels in French and English, then other words."""
    known = skill_terms()
    labels = [
        label
        for slug in slugs
        if (term := known.get(slug)) is not None
        for label in dict.fromkeys((term.term_fr, term.term_en))
    ]
    return ", ".join([*labels, *others])


def fresh_day(profile_confirmed_at: datetime) -> date:
    """Return the UTC day of the last confirmed profile (rules G, ``fresh``)."""
    return profile_confirmed_at.astimezone(UTC).date()


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

_CARD = (
    *FACTS,
    Candidate.version,
    Candidate.region,
    Candidate.job_fields,
    Candidate.skills,
    Candidate.other_skills,
    Candidate.languages,
    Candidate.education_level,
    Candidate.profile_confirmed_at,
    Candidate.headline_scrubbed,
    CV.text_scrubbed,
)


def _start(row: Any) -> Start | None:
    if row.start_day is None:
        return None
    return Start(row.start_day, row.start_is_month, row.start_flex_weeks)


def facts_of(row: Any, permits: Mapping[str, WorkPermit]) -> VisibilityFacts:
    """Return the facts of a row of :data:`FACTS`."""
    opted_in_at: datetime | None = row.opted_in_at
    return VisibilityFacts(
        candidate_id=row.id,
        key=row.key,
        state=CandidateState(row.state),
        country=row.country,
        start=_start(row),
        permits=permits,
        birth_date=row.birth_date,
        is_protected=row.is_protected,
        opted_in_on=None if opted_in_at is None else opted_in_at.astimezone(UTC).date(),
        guardian_consent_until=row.guardian_consent_until,
        pause_due_on=row.pause_due_on,
    )


def _permits(session: Session, ids: Collection[UUID]) -> dict[UUID, dict[str, WorkPermit]]:
    permits: dict[UUID, dict[str, WorkPermit]] = {candidate_id: {} for candidate_id in ids}
    statement = select(
        RightToWork.candidate_id, RightToWork.country, RightToWork.right, RightToWork.expires_on
    ).where(RightToWork.candidate_id.in_(ids))
    for row in session.execute(statement):
        permits[row.candidate_id][row.country] = WorkPermit(WorkRight(row.right), row.expires_on)
    return permits


def visibility_facts(session: Session, ids: Collection[UUID]) -> dict[UUID, VisibilityFacts]:
    """Return the facts of :mod:`policy` for these candidates, in two statements; unknown ids are absent."""
    return {facts.candidate_id: facts for facts in _visibility_facts(session, Candidate.id.in_(ids))}


def visibility_facts_by_key(session: Session, keys: Collection[int]) -> dict[int, VisibilityFacts]:
    """Return the same by the index's integer keys."""
    return {facts.key: facts for facts in _visibility_facts(session, Candidate.key.in_(keys))}


def _visibility_facts(session: Session, condition: ColumnElement[bool]) -> list[VisibilityFacts]:
    statement = select(*FACTS).join(Account, Account.id == Candidate.account_id).where(condition)
    rows = session.execute(statement).all()
    permits = _permits(session, [row.id for row in rows])
    return [facts_of(row, permits[row.id]) for row in rows]


def document_rows(session: Session, keys: Collection[int]) -> list[DocumentRow]:
    """Return what the documents of these keys are built from; erased ones are absent."""
    return _document_rows(session, Candidate.key.in_(keys))


def document_rows_by_id(session: Session, ids: Collection[UUID]) -> list[DocumentRow]:
    """Return the same by candidate id, as outbox rows name them."""
    return _document_rows(session, Candidate.id.in_(ids))


def _document_rows(session: Session, condition: ColumnElement[bool]) -> list[DocumentRow]:
    rows = session.execute(cards().where(condition).order_by(Candidate.key)).all()
    permits = _permits(session, [row.id for row in rows])
    return [document_row(row, permits[row.id]) for row in rows]


def document_row(row: Any, permits: Mapping[str, WorkPermit]) -> DocumentRow:
    """Return a row of :func:`cards` as what a document is built from."""
    return DocumentRow(
        facts=facts_of(row, permits),
        version=row.version,
        region=row.region,
        job_fields=tuple(row.job_fields),
        skills=tuple(row.skills),
        other_skills=tuple(row.other_skills),
        languages=tuple(row.languages),
        education_level=row.education_level,
        fresh_on=fresh_day(row.profile_confirmed_at),
        headline=row.headline_scrubbed,
        cv_text=row.text_scrubbed or "",
    )


def cards(*more: Any) -> Any:
    """Return the statement that reads candidates with the text of their current CV."""
    return (
        select(*_CARD, *more)
        .join(Account, Account.id == Candidate.account_id)
        .outerjoin(CV, (CV.candidate_id == Candidate.id) & CV.is_current)
    )


def count_searchable(session: Session, country: str) -> int:
    """Return how many candidates of a country are searchable."""
    statement = select(func.count()).where(
        Candidate.country == country, Candidate.state == CandidateState.SEARCHABLE
    )
    return session.scalars(statement).one()


def is_anyone_indexed(session: Session, country: str) -> bool:
    """Say whether a country has anybody who must be in its index by now: searchable, no change on its way."""
    on_its_way = exists().where(
        OutboxMessage.topic == CHANGED,
        OutboxMessage.subject == cast(Candidate.id, String),
        OutboxMessage.done_at.is_(None),
    )
    found = exists().where(
        Candidate.country == country, Candidate.state == CandidateState.SEARCHABLE, ~on_its_way
    )
    return bool(session.scalar(select(found)))


def permits_column() -> Any:
    """Return the candidate's rights to work as one column of a statement of :func:`cards`."""
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


@cache
def _listed_people() -> Any:
    """The statement of :func:`people_to_list`, built once: it is part of every search."""
    return cards(permits_column()).where(
        Candidate.id.in_(bindparam("ids", expanding=True)), Candidate.start_day.is_not(None)
    )


def people_to_list(
    session: Session, ids: Collection[UUID]
) -> dict[UUID, tuple[VisibilityFacts, CandidateCard]]:
    """Return facts and card of each of these candidates in one statement, for the caller to re-check."""
    found = {}
    for row in session.execute(_listed_people(), {"ids": list(ids)}):
        found[row.id] = facts_of(row, permits_of(row)), _card(row)
    return found


def _card(row: Any) -> CandidateCard:
    start = _start(row)
    if start is None:
        raise NotFoundError(row.id)
    return CandidateCard(
        candidate_id=row.id,
        key=row.key,
        headline=row.headline_scrubbed,
        country=row.country or "",
        region=row.region or "",
        job_fields=tuple(row.job_fields),
        start=start,
        skills=tuple(row.skills),
        other_skills=tuple(row.other_skills),
        languages=tuple(row.languages),
        education_level=row.education_level,
        fresh_on=fresh_day(row.profile_confirmed_at),
        cv_text=row.text_scrubbed or "",
    )


def opened_profile(session: Session, candidate_id: UUID, *, is_minor: bool) -> OpenedProfile:
    """Return an opened profile (rules D7); of a minor only the first name (rules C3, D7).

    ``is_minor`` is the policy's answer on the facts the decision was made from. The disclosure
    gate has written its row before; raises :class:`NotFoundError` for an unknown id.
    """
    row = session.execute(
        cards(Account.first_name, Account.last_name).where(Candidate.id == candidate_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError(candidate_id)
    return OpenedProfile(
        card=_card(row),
        first_name=row.first_name,
        last_name="" if is_minor else row.last_name,
        is_minor=is_minor,
    )


def current_cv(session: Session, candidate_id: UUID) -> CurrentCV | None:
    """Return the CV recruiters are shown, if there is one (rules C4)."""
    row = session.execute(
        select(CV.id, CV.state, CV.file_key, CV.sha256, CV.pages, CV.text_scrubbed, CV.uploaded_at).where(
            CV.candidate_id == candidate_id, CV.is_current
        )
    ).one_or_none()
    if row is None or row.file_key is None:
        return None
    return CurrentCV(
        cv_id=row.id,
        state=CVState(row.state),
        file_key=row.file_key,
        sha256=row.sha256,
        pages=row.pages,
        text_scrubbed=row.text_scrubbed,
        uploaded_at=row.uploaded_at,
    )


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


@cache
def _pending() -> Any:
    return select(OutboxMessage.subject, OutboxMessage.details["was_country"].astext).where(
        OutboxMessage.done_at.is_(None),
        OutboxMessage.lowers_visibility,
        OutboxMessage.topic == CHANGED,
    )


def pending_lower_keys(session: Session, country: str) -> frozenset[int]:
    """Return the keys a query on ``country`` must leave out: changes not yet in the index (rules G).

    A candidate who moved away still has a document in the old country's index, so the move's
    message names that country.
    """
    pending = session.execute(_pending()).all()
    if not pending:
        return frozenset()
    left = [UUID(subject) for subject, was_country in pending if was_country == country]
    statement = select(Candidate.key).where(
        Candidate.id.in_([UUID(subject) for subject, _ in pending]),
        or_(Candidate.country == country, Candidate.id.in_(left)),
    )
    return frozenset(session.scalars(statement))


def hidden_from(
    session: Session,
    recruiter_id: UUID,
    company_id: UUID,
    domains: Collection[str],
    registration_number: str | None,
) -> frozenset[int]:
    """Return the keys of candidates who exclude this company or blocked this recruiter (rules C5, C8).

    ``domains`` are the company's known domains and the recruiter's own; an excluded domain covers
    its sub-domains.
    """
    values = {
        "recruiter": recruiter_id,
        "company": company_id,
        "domains": sorted(domain_and_parents(domains)),
        "number": registration_number,
    }
    return frozenset(session.scalars(_refusing(), values))


@cache
def _refusing() -> Any:
    """The statement of :func:`hidden_from`, built once; an unknown number equals nothing."""
    recruiter, company = bindparam("recruiter", type_=Uuid()), bindparam("company", type_=Uuid())
    excluding = select(Exclusion.candidate_id).where(
        or_(
            Exclusion.company_id == company,
            Exclusion.domain.in_(bindparam("domains", expanding=True)),
            Exclusion.registration_number == bindparam("number", type_=String()),
        )
    )
    blocking = select(Block.candidate_id).where(
        or_(Block.recruiter_id == recruiter, Block.company_id == company)
    )
    refusing = union(excluding, blocking).subquery()
    return select(Candidate.key).join(refusing, refusing.c.candidate_id == Candidate.id)


def refusals(
    session: Session,
    candidate_id: UUID,
    recruiter_id: UUID,
    company_id: UUID,
    domains: Collection[str],
    registration_number: str | None,
) -> Refusals:
    """Return which refusals of one candidate meet this recruiter: the reasons of D3, told apart."""
    excluded = select(Exclusion.id).where(
        Exclusion.candidate_id == candidate_id, _excludes(company_id, domains, registration_number)
    )
    blocked = select(Block.id).where(Block.candidate_id == candidate_id, _blocks(recruiter_id, company_id))
    row = session.execute(select(excluded.exists(), blocked.exists())).one()
    return Refusals(company_excluded=row[0], recruiter_blocked=row[1])


def _excludes(
    company_id: UUID, domains: Collection[str], registration_number: str | None
) -> ColumnElement[bool]:
    conditions = [
        Exclusion.company_id == company_id,
        Exclusion.domain.in_(domain_and_parents(domains)),
    ]
    if registration_number:
        conditions.append(Exclusion.registration_number == registration_number)
    return or_(*conditions)


def _blocks(recruiter_id: UUID, company_id: UUID) -> ColumnElement[bool]:
    return or_(Block.recruiter_id == recruiter_id, Block.company_id == company_id)


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


def company_name(session: Session, company_id: UUID) -> str:
    """Return the legal name of a company someone wants to exclude; :class:`NotFoundError` for none."""
    name = session.scalar(select(Company.legal_name).where(Company.id == company_id))
    if name is None:
        raise NotFoundError(company_id)
    return name


def require_recruiter(session: Session, recruiter_id: UUID) -> None:
    """Raise :class:`NotFoundError` for an unknown recruiter."""
    if session.scalar(select(Recruiter.id).where(Recruiter.id == recruiter_id)) is None:
        raise NotFoundError(recruiter_id)
