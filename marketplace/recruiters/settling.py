"""Bringing waiting recruiters to the state the facts ask for, and telling admins who waits (B3, B4)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace import audit
from marketplace.accounts import queries as accounts
from marketplace.accounts.mail_requests import request_mail
from marketplace.recruiters import queries
from marketplace.recruiters.data import provider_lists
from marketplace.recruiters.lifecycle import CompanyState, RecruiterState, settled_state
from marketplace.recruiters.models import Company, CompanyDomain, Recruiter
from marketplace.recruiters.rows import locked_company, locked_recruiter


def email_confirmed(session: Session, now: datetime, account_id: UUID) -> None:
    """Hook of accounts: the address is the recruiter's; what waits for an admin is told to them (B3, B4)."""
    company = locked_company(session, queries.company_of(session, account_id))
    recruiter = locked_recruiter(session, account_id)
    if settle(session, now, recruiter, company):
        request_mail(session, now, "company_verified", account_id)
    elif company.state == CompanyState.PENDING_REVIEW or recruiter.review_reasons:
        tell_admins(session, now, recruiter)


def settle(session: Session, now: datetime, recruiter: Recruiter, company: Company) -> bool:
    """Bring a waiting recruiter to the state the facts ask for; tell whether they became active (B3, B4).

    The domain of an active recruiter becomes known for the company, unless anyone can have an
    address there or the recruiter works for it under a mandate.
    """
    is_confirmed = accounts.contact_details(session, recruiter.account_id).is_confirmed
    before = RecruiterState(recruiter.state)
    state = settled_state(
        before,
        is_email_confirmed=is_confirmed,
        company=CompanyState(company.state),
        is_under_review=bool(recruiter.review_reasons),
    )
    if state == before:
        return False
    recruiter.state, recruiter.state_changed_at = state, now
    session.flush()
    audit.record(
        session, now, "recruiter.state_changed", actor_id=None, actor_role="system",
        subject_kind="recruiter", subject_id=recruiter.id, rule="B4",
        before=before.value, after=state.value,
    )  # fmt: skip
    if state is not RecruiterState.ACTIVE:
        return False
    if not recruiter.is_on_behalf and not provider_lists().is_open_to_anyone(recruiter.email_domain):
        session.execute(
            insert(CompanyDomain)
            .values(domain=recruiter.email_domain, company_id=company.id, known_since=now)
            .on_conflict_do_nothing()
        )
    return True


def tell_admins(session: Session, now: datetime, recruiter: Recruiter) -> None:
    """Ask for a mail to each admin: this recruiter, or their company, waits to be looked at."""
    for admin_id in queries.admin_ids(session):
        request_mail(session, now, "review_waiting", admin_id, recruiter_id=str(recruiter.id))
