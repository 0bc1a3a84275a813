"""Read SQL of recruiters and their companies; frozen facts out, nothing decided.

A statement a fact: what a rule needs of a recruiter is one SELECT, read at each request
(security.md S-04). What admins review is read in ``review_queries.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from marketplace.accounts.hooks import MemberFacts
from marketplace.accounts.models import Account, Role
from marketplace.errors import NotFoundError
from marketplace.recruiters.lifecycle import Capabilities, CompanyState, RecruiterState, capabilities
from marketplace.recruiters.models import Company, CompanyDomain, Recruiter


@dataclass(frozen=True, kw_only=True)
class RecruiterFacts:
    """A recruiter with their company, as of now: what rules and pages ask for."""

    recruiter_id: UUID
    account_id: UUID
    state: RecruiterState
    first_name: str
    last_name: str
    email: str
    email_domain: str
    email_confirmed_at: datetime | None
    language: str
    job_title: str
    work_country: str
    requested_work_country: str | None
    is_owner: bool
    is_on_behalf: bool
    has_mandate: bool
    review_reasons: tuple[str, ...]
    registered_at: datetime
    confirmed_at: datetime
    company_id: UUID
    company_name: str
    company_kind: str
    company_country: str
    company_registration_number: str | None
    company_state: CompanyState
    company_decision_reason: str | None
    company_domains: frozenset[str]

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def capabilities(self) -> Capabilities:
        """What both states together allow (B4)."""
        return capabilities(self.state, self.company_state)


def recruiter_facts(session: Session, account_id: UUID) -> RecruiterFacts:
    """Return the facts of an account's recruiter in one statement; else :class:`NotFoundError`."""
    return _one(session, Recruiter.account_id == account_id)


def recruiter_facts_by_id(session: Session, recruiter_id: UUID) -> RecruiterFacts:
    """The same by the recruiter's own id."""
    return _one(session, Recruiter.id == recruiter_id)


def _one(session: Session, condition: ColumnElement[bool]) -> RecruiterFacts:
    row = session.execute(facts_statement().where(condition)).one_or_none()
    if row is None:
        raise NotFoundError("recruiter")
    return facts_from(row)


def facts_statement() -> Select[Any]:
    """Return the statement behind the facts, to be narrowed; its rows are for :func:`facts_from`."""
    domains = (
        select(func.array_agg(aggregate_order_by(CompanyDomain.domain, CompanyDomain.domain)))
        .where(CompanyDomain.company_id == Company.id)
        .scalar_subquery()
    )
    return (
        select(
            Recruiter,
            Company,
            Account.first_name,
            Account.last_name,
            Account.email,
            Account.email_confirmed_at,
            Account.language,
            Account.registered_at,
            domains.label("domains"),
        )
        .join(Company, Company.id == Recruiter.company_id)
        .join(Account, Account.id == Recruiter.account_id)
        .execution_options(populate_existing=True)
    )


def facts_from(row: Row[Any]) -> RecruiterFacts:
    """Return the facts in a row of :func:`facts_statement`."""
    recruiter, company = row.Recruiter, row.Company
    return RecruiterFacts(
        recruiter_id=recruiter.id,
        account_id=recruiter.account_id,
        state=RecruiterState(recruiter.state),
        first_name=row.first_name,
        last_name=row.last_name,
        email=row.email,
        email_domain=recruiter.email_domain,
        email_confirmed_at=row.email_confirmed_at,
        language=row.language,
        job_title=recruiter.job_title,
        work_country=recruiter.work_country,
        requested_work_country=recruiter.requested_work_country,
        is_owner=recruiter.is_owner,
        is_on_behalf=recruiter.is_on_behalf,
        has_mandate=recruiter.mandate_file is not None,
        review_reasons=tuple(recruiter.review_reasons),
        registered_at=row.registered_at,
        confirmed_at=recruiter.confirmed_at,
        company_id=company.id,
        company_name=company.legal_name,
        company_kind=company.kind,
        company_country=company.country,
        company_registration_number=company.registration_number,
        company_state=CompanyState(company.state),
        company_decision_reason=company.decision_reason,
        company_domains=frozenset(row.domains or ()),
    )


def member_facts(session: Session, account_id: UUID) -> MemberFacts:
    """Hook of accounts: what ``GET /me`` says of a recruiter."""
    facts = recruiter_facts(session, account_id)
    return MemberFacts(state=facts.state.value, work_country=facts.work_country)


def company_of(session: Session, account_id: UUID) -> UUID:
    """Return the company of an account's recruiter, which never changes; else :class:`NotFoundError`."""
    company_id = session.scalar(select(Recruiter.company_id).where(Recruiter.account_id == account_id))
    if company_id is None:
        raise NotFoundError("recruiter")
    return company_id


def company_of_account(session: Session, account_id: UUID) -> tuple[UUID | None, datetime]:
    """Return the company of an account, if it is a recruiter's, and when it was registered (rules E1)."""
    row = session.execute(
        select(Recruiter.company_id, Account.registered_at)
        .join_from(Account, Recruiter, Recruiter.account_id == Account.id, isouter=True)
        .where(Account.id == account_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError
    return row.company_id, row.registered_at


def companies_knowing(session: Session, domain: str, country: str) -> tuple[Company, ...]:
    """Return the companies of a country that ``domain`` is known for, the oldest first (B3)."""
    return tuple(
        session.scalars(
            select(Company)
            .join(CompanyDomain, CompanyDomain.company_id == Company.id)
            .where(CompanyDomain.domain == domain, Company.country == country)
            .order_by(Company.registered_at, Company.id)
        )
    )


def company_by_number(session: Session, country: str, number: str) -> Company | None:
    """Return the oldest company registered under a number that was not refused."""
    return session.scalars(
        select(Company)
        .where(
            Company.country == country,
            Company.registration_number == number,
            Company.state != CompanyState.REFUSED,
        )
        .order_by(Company.registered_at, Company.id)
        .limit(1)
    ).one_or_none()


def mandate_key(session: Session, recruiter_id: UUID) -> str:
    """Return where a recruiter's mandate is kept; :class:`NotFoundError` when there is none."""
    key = session.scalar(select(Recruiter.mandate_file).where(Recruiter.id == recruiter_id))
    if key is None:
        raise NotFoundError("mandate")
    return key


def admin_ids(session: Session) -> tuple[UUID, ...]:
    """Return the accounts that are told when something waits."""
    confirmed = Account.email_confirmed_at.is_not(None)
    return tuple(
        session.scalars(select(Account.id).where(Account.role == Role.ADMIN, confirmed).order_by(Account.id))
    )
