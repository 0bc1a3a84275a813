"""Rows of recruiters and companies, locked for use cases that change them.

Who locks both locks the company first, then its recruiters, so that nobody waits in a circle.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.errors import NotFoundError
from marketplace.recruiters.models import Company, Recruiter


def locked_recruiter(session: Session, account_id: UUID) -> Recruiter:
    """Return the row of an account's recruiter for a change; else :class:`NotFoundError`."""
    recruiter = session.scalar(
        select(Recruiter)
        .where(Recruiter.account_id == account_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if recruiter is None:
        raise NotFoundError("recruiter")
    return recruiter


def locked_company(session: Session, company_id: UUID) -> Company:
    """Return the row of a company for a change; else :class:`NotFoundError`."""
    company = session.get(Company, company_id, with_for_update=True, populate_existing=True)
    if company is None:
        raise NotFoundError("company")
    return company
