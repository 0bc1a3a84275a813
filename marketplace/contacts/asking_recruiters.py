"""Read SQL of the recruiter who asks: all that decision and ledger need of them, in one statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Uuid, bindparam, func, select
from sqlalchemy.orm import Session

from marketplace.accounts.models import Account
from marketplace.candidates.refusals import Asker
from marketplace.errors import NotFoundError
from marketplace.rate_limits.policy import Counted
from marketplace.recruiters.lifecycle import (
    RECRUITER_CAPABILITIES,
    Capabilities,
    CompanyState,
    RecruiterState,
    capabilities,
)
from marketplace.recruiters.models import Company, CompanyDomain, Recruiter


@dataclass(frozen=True, kw_only=True)
class AskingRecruiter:
    """A recruiter as the gate sees them at this moment: facts for the decision and for the ledger."""

    recruiter_id: UUID
    account_id: UUID
    first_name: str
    last_name: str
    language: str
    job_title: str
    work_country: str
    company_id: UUID
    company_name: str
    registration_number: str | None
    domains: frozenset[str]
    is_active: bool
    is_company_verified: bool
    capabilities: Capabilities
    confirmed_at: datetime
    registered_at: datetime

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def asker(self) -> Asker:
        """Whom exclusions and blocks may mean (rules C5, C8)."""
        return Asker(self.recruiter_id, self.company_id, self.domains, self.registration_number)

    @property
    def counted(self) -> Counted:
        """Whom an act counts for (rules E1)."""
        return Counted(
            account_id=self.account_id, company_id=self.company_id, registered_at=self.registered_at
        )


def asking_recruiter(session: Session, account_id: UUID, *, lock: bool = False) -> AskingRecruiter:
    """Return the recruiter of an account; raise :class:`NotFoundError` where there is none.

    With ``lock`` recruiter and company are held until the end of the transaction, so that a
    suspension cannot interleave with what is decided on them (security.md INV-5).
    """
    return _asking(session, _asking_statement(by_account=True, lock=lock), account_id)


def recruiter_of(session: Session, recruiter_id: UUID) -> AskingRecruiter:
    """Return the same by the recruiter's id, for the other side of a thread."""
    return _asking(session, _asking_statement(by_account=False, lock=False), recruiter_id)


def recruiter_if_any(session: Session, recruiter_id: UUID) -> AskingRecruiter | None:
    """Return the same; None where only the tombstone of a purged recruiter is left (rules B6)."""
    try:
        return recruiter_of(session, recruiter_id)
    except NotFoundError:
        return None


@cache
def _asking_statement(*, by_account: bool, lock: bool) -> Select[*tuple[Any, ...]]:
    """One statement for everything, built once: it is part of every search and disclosure."""
    domains = (
        select(func.array_agg(CompanyDomain.domain))
        .where(CompanyDomain.company_id == Company.id)
        .correlate(Company)
        .scalar_subquery()
    )
    statement = (
        select(
            Recruiter.id, Recruiter.account_id, Recruiter.job_title, Recruiter.work_country, Recruiter.state,
            Recruiter.email_domain, Recruiter.confirmed_at, Recruiter.company_id, Company.legal_name,
            Company.registration_number, Company.state.label("company_state"), Account.first_name,
            Account.last_name, Account.language, Account.email, Account.registered_at,
            domains.label("domains"),
        )
        .join(Company, Company.id == Recruiter.company_id)
        .join(Account, Account.id == Recruiter.account_id)
        .where((Recruiter.account_id if by_account else Recruiter.id) == bindparam("asker", type_=Uuid()))
    )  # fmt: skip
    return statement.with_for_update(read=True, of=[Recruiter, Company]) if lock else statement


def _asking(session: Session, statement: Select[*tuple[Any, ...]], asker: UUID) -> AskingRecruiter:
    row = session.execute(statement, {"asker": asker}).one_or_none()
    if row is None:
        raise NotFoundError
    state, company_state = RecruiterState(row.state), CompanyState(row.company_state)
    own = (row.email_domain, row.email.rpartition("@")[2].lower())
    return AskingRecruiter(
        recruiter_id=row.id,
        account_id=row.account_id,
        first_name=row.first_name,
        last_name=row.last_name,
        language=row.language,
        job_title=row.job_title,
        work_country=row.work_country,
        company_id=row.company_id,
        company_name=row.legal_name,
        registration_number=row.registration_number,
        domains=frozenset({*(row.domains or ()), *own}),
        is_active=RECRUITER_CAPABILITIES[state].may_contact,
        is_company_verified=company_state is CompanyState.VERIFIED,
        capabilities=capabilities(state, company_state),
        confirmed_at=row.confirmed_at,
        registered_at=row.registered_at,
    )
