"""Rows for tests, by traits: a builder makes everything its row needs and lets any column be named.

Builders write tables directly and flush; they prove nothing about the services that normally do.
A trait is a word for a situation the rules speak of (``"minor"``, ``"hidden"``).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any, Literal, TypeVar
from uuid import UUID, uuid4

from argon2 import PasswordHasher
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.accounts.models import Account, PasswordKind, Role
from marketplace.candidates.models import (
    CV,
    Block,
    Candidate,
    CandidateState,
    CVState,
    Exclusion,
    RightToWork,
    WorkRight,
)
from marketplace.contacts.models import CVDownload, Opening, OpeningState
from marketplace.recruiters.models import Company, CompanyDomain, CompanyState, Recruiter, RecruiterState
from marketplace.terms.models import Consent

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse battery staple"
PASSWORD_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
CONSENT_HASH = "c" * 64
CV_TEXT = "Développeuse Python, Django et PostgreSQL. Licence d’informatique, projets web et données."

_numbers = count(1)
Row = TypeVar("Row")

CompanyTrait = Literal["verified", "pending", "refused", "suspended"]
RecruiterTrait = Literal["active", "pending", "pending_confirmation", "suspended", "notified"]
CandidateTrait = Literal[
    "searchable", "hidden", "incomplete", "minor", "minor_with_consent", "paused", "found", "suspended"
]


def an_account(session: Session, role: Role = Role.CANDIDATE, **columns: Any) -> Account:
    """A confirmed account whose password is :data:`PASSWORD`."""
    number = next(_numbers)
    email = columns.pop(
        "email",
        f"{role.value}{number}@{'acme-industries.fr' if role is not Role.CANDIDATE else 'example.org'}",
    )
    values: dict[str, Any] = {
        "role": role, "email": email, "email_canonical": email,
        "email_confirmed_at": NOW - timedelta(days=30),
        "first_name": "Camille", "last_name": f"Martin{number}", "birth_date": date(2000, 5, 17),
        "language": "fr",
        "password_hash": PASSWORD_HASH, "password_kind": PasswordKind.CHOSEN,
        "registered_at": NOW - timedelta(days=30), "last_activity_at": NOW,
    }  # fmt: skip
    return _added(session, Account(**values | columns))


def a_company(
    session: Session, trait: CompanyTrait = "verified", *, domain: str | None = None, **columns: Any
) -> Company:
    """A company; a verified one knows ``domain`` when given."""
    state = CompanyState.PENDING_REVIEW if trait == "pending" else CompanyState(trait)
    decided = None if trait == "pending" else NOW - timedelta(days=20)
    values: dict[str, Any] = {
        "legal_name": f"Acme {next(_numbers)} SA", "kind": "private", "country": "FR",
        "registration_number": None,
        "state": state, "registered_at": NOW - timedelta(days=30), "submitted_at": NOW - timedelta(days=30),
        "decided_at": decided,
    }  # fmt: skip
    company = _added(session, Company(**values | columns))
    if domain is not None:
        _added(
            session, CompanyDomain(domain=domain, company_id=company.id, known_since=NOW - timedelta(days=20))
        )
    return company


def a_recruiter(
    session: Session,
    trait: RecruiterTrait = "active",
    *,
    company: Company | None = None,
    account: Account | None = None,
    **columns: Any,
) -> Recruiter:
    """A recruiter in France with an account; ``active`` ones work for a verified company."""
    waits = trait in {"pending", "pending_confirmation"}
    state = RecruiterState.PENDING_REVIEW if trait == "pending" else RecruiterState(trait)
    confirmed = None if trait == "pending_confirmation" else NOW - timedelta(days=30)
    account = account or an_account(session, Role.RECRUITER, email_confirmed_at=confirmed)
    company = company or a_company(session, "pending" if waits else "verified")
    values: dict[str, Any] = {
        "account_id": account.id, "company_id": company.id, "job_title": "Chargée de recrutement",
        "work_country": "FR", "state": state, "state_changed_at": NOW - timedelta(days=30), "is_owner": True,
        "email_domain": account.email.rpartition("@")[2],
        "declarations": ["authorised", "professional_use", "ethical_code"],
        "declared_at": NOW - timedelta(days=30), "confirmed_at": NOW - timedelta(days=30),
    }  # fmt: skip
    return _added(session, Recruiter(**values | columns))


def a_candidate(
    session: Session,
    trait: CandidateTrait = "searchable",
    *,
    account: Account | None = None,
    work_countries: tuple[str, ...] = ("FR",),
    cv_text: str | None = CV_TEXT,
    **columns: Any,
) -> Candidate:
    """A candidate in Île-de-France looking for a Python apprenticeship, with a ready CV.

    ``cv_text=None`` leaves the CV out; ``incomplete`` has neither profile nor CV nor right to work.
    """
    is_minor = trait in {"minor", "minor_with_consent"}
    state = {
        "minor": CandidateState.RESTRICTED, "minor_with_consent": CandidateState.SEARCHABLE,
    }.get(trait) or CandidateState(trait)  # fmt: skip
    account = account or an_account(session, birth_date=date(2009, 3, 2) if is_minor else date(2000, 5, 17))
    opted_in = NOW - timedelta(days=10) if state is CandidateState.SEARCHABLE else None
    values: dict[str, Any] = {
        "account_id": account.id, "state": state, "state_changed_at": NOW - timedelta(days=10),
        "profile_confirmed_at": NOW - timedelta(days=5), "last_sign_of_life_at": NOW, "opted_in_at": opted_in,
        "guardian_consent_until": date(2027, 3, 1) if trait == "minor_with_consent" else None,
    }  # fmt: skip
    if trait != "incomplete":
        values |= {
            "country": "FR", "region": "FR-IDF", "job_fields": ["development"], "start_day": date(2027, 9, 1),
            "start_is_month": True, "headline": "Apprentie développeuse Python",
            "headline_scrubbed": "Apprentie développeuse Python", "skills": ["python"],
            "languages": ["fr", "en"],
            "education_level": 6,
        }  # fmt: skip
    candidate = _added(session, Candidate(**values | columns))
    if trait != "incomplete":
        for country in work_countries:
            a_right_to_work(session, candidate, country)
        if cv_text is not None:
            a_cv(session, candidate, text=cv_text, text_scrubbed=cv_text)
    if opted_in is not None:
        _added(
            session,
            Consent(
                account_id=account.id, version="2026-11", language="fr", text_hash=CONSENT_HASH,
                given_at=opted_in, channel="portal",
            ),
        )  # fmt: skip
    return candidate


def a_right_to_work(
    session: Session,
    candidate: Candidate,
    country: str,
    right: WorkRight = WorkRight.YES,
    expires_on: date | None = None,
) -> RightToWork:
    """What the candidate declared about one country."""
    return _added(
        session, RightToWork(candidate_id=candidate.id, country=country, right=right, expires_on=expires_on)
    )


def a_cv(session: Session, candidate: Candidate, **columns: Any) -> CV:
    """A current, ready CV; its file keys are random and point to nothing unless given."""
    values: dict[str, Any] = {
        "candidate_id": candidate.id, "state": CVState.READY, "is_current": True, "label": "cv.pdf",
        "uploaded_at": NOW - timedelta(days=10), "processed_at": NOW - timedelta(days=10),
        "original_key": None,
        "file_key": f"cv/{uuid4().hex}.pdf", "sha256": uuid4().hex * 2, "bytes": 40_000, "pages": 1,
        "text": CV_TEXT, "text_scrubbed": CV_TEXT, "language": "fr", "reader": "pypdf",
    }  # fmt: skip
    return _added(session, CV(**values | columns))


def an_opening(session: Session, recruiter: Recruiter, **columns: Any) -> Opening:
    """An open apprenticeship of the recruiter's company, in the recruiter's country."""
    company = session.scalars(select(Company).where(Company.id == recruiter.company_id)).one()
    values: dict[str, Any] = {
        "recruiter_id": recruiter.id, "company_id": company.id, "title": "Apprentissage développement Python",
        "company_name": company.legal_name, "job_country": recruiter.work_country,
        "start_on": date(2027, 9, 1),
        "state": OpeningState.OPEN, "created_at": NOW - timedelta(days=3),
    }  # fmt: skip
    return _added(session, Opening(**values | columns))


def a_copy(session: Session, opening: Opening, candidate_id: UUID, **columns: Any) -> CVDownload:
    """A copy the recruiter of ``opening`` took now, to be deleted by 23 May 2027."""
    values: dict[str, Any] = {
        "recruiter_id": opening.recruiter_id, "company_id": opening.company_id, "candidate_id": candidate_id,
        "opening_id": opening.id, "cv_id": uuid4(), "session_id": uuid4(), "downloaded_at": NOW,
        "delete_by_on": date(2027, 5, 23),
    }  # fmt: skip
    return _added(session, CVDownload(**values | columns))


def an_exclusion(session: Session, candidate: Candidate, **columns: Any) -> Exclusion:
    """A company the candidate will not be seen by: name ``company_id``, ``domain`` or number."""
    values: dict[str, Any] = {"candidate_id": candidate.id, "label": "Acme", "created_at": NOW}
    return _added(session, Exclusion(**values | columns))


def a_block(session: Session, candidate: Candidate, **columns: Any) -> Block:
    """A recruiter (``recruiter_id``) or company (``company_id``) the candidate blocked."""
    return _added(session, Block(candidate_id=candidate.id, created_at=NOW, **columns))


def _added(session: Session, row: Row) -> Row:
    session.add(row)
    session.flush()
    return row
