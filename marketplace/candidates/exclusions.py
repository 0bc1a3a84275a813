"""Who a candidate does not want to be seen by: exclusions of companies, blocks (rules C5, C8).

They are read from PostgreSQL with every query, so they hold from the commit on; the index does not
know them. Their pages come with a later issue.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from publicsuffixlist import PublicSuffixList
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from marketplace.candidates import changes, queries, refusals
from marketplace.candidates.models import Block, Exclusion
from marketplace.candidates.profiles import clean
from marketplace.catalogues import N_
from marketplace.errors import ConflictError, InvalidInputError, NotFoundError
from marketplace.recruiters.policy import (
    Address,
    normalised_registration_number,
    read_address,
)

EXCLUSIONS_MAX = 200
_LABEL_MAX = 200
_EIN = re.compile(r"[0-9]{2}-[0-9]{7}")


@dataclass(frozen=True, kw_only=True)
class ExclusionView:
    """One excluded company, as the candidate named it."""

    exclusion_id: UUID
    company_id: UUID | None
    domain: str | None
    registration_number: str | None
    label: str
    created_at: datetime


def exclusions_of(session: Session, account_id: UUID) -> tuple[ExclusionView, ...]:
    """Return the candidate's exclusions, oldest first (rules C5)."""
    candidate_id = queries.candidate_id_of(session, account_id)
    rows = session.scalars(
        select(Exclusion)
        .where(Exclusion.candidate_id == candidate_id)
        .order_by(Exclusion.created_at, Exclusion.id)
    )
    return tuple(_view(row) for row in rows)


def add_exclusion(
    session: Session,
    now: datetime,
    account_id: UUID,
    *,
    company_id: UUID | None = None,
    domain: str | None = None,
    registration_number: str | None = None,
    label: str = "",
) -> ExclusionView:
    """Exclude a company by exactly one of its id, e-mail domain or number (rules C5).

    A domain covers its sub-domains. Excluding the same again returns the first. Raises
    :class:`InvalidInputError`, :class:`ConflictError` above :data:`EXCLUSIONS_MAX`.
    """
    given = [value for value in (company_id, domain, registration_number) if value]
    if len(given) != 1:
        raise InvalidInputError.of(
            "domain",
            "one_of",
            N_("Name the company by its e-mail domain, its number or its id, by one."),
        )
    subject = changes.lock(session, account_id)
    known_name = refusals.company_name(session, company_id) if company_id is not None else ""
    domain = excluded_domain(domain) if domain else None
    number = _number(registration_number) if registration_number else None
    mine = select(Exclusion).where(Exclusion.candidate_id == subject.candidate.id)
    same = session.scalars(
        mine.where(
            Exclusion.company_id.is_not_distinct_from(company_id),
            Exclusion.domain.is_not_distinct_from(domain),
            Exclusion.registration_number.is_not_distinct_from(number),
        )
    ).first()
    if same is not None:
        return _view(same)
    if (session.scalar(select(func.count()).select_from(mine.subquery())) or 0) >= EXCLUSIONS_MAX:
        raise ConflictError("too_many_exclusions", "You can exclude at most 200 companies.")
    row = Exclusion(
        candidate_id=subject.candidate.id,
        company_id=company_id,
        domain=domain,
        registration_number=number,
        label=clean(label)[:_LABEL_MAX] or known_name or domain or number or "",
        created_at=now,
    )
    session.add(row)
    session.flush()
    changes.record(session, now, subject, "exclusion.added", "C5", exclusion_id=str(row.id))
    return _view(row)


def remove_exclusion(session: Session, now: datetime, account_id: UUID, exclusion_id: UUID) -> None:
    """Take an exclusion back; raises :class:`NotFoundError` for one that is not the candidate's own."""
    subject = changes.lock(session, account_id)
    removed = session.execute(
        delete(Exclusion)
        .where(Exclusion.id == exclusion_id, Exclusion.candidate_id == subject.candidate.id)
        .returning(Exclusion.id)
    ).scalar_one_or_none()
    if removed is None:
        raise NotFoundError(exclusion_id)
    changes.record(session, now, subject, "exclusion.removed", "C5", exclusion_id=str(exclusion_id))


def block(
    session: Session,
    now: datetime,
    account_id: UUID,
    *,
    recruiter_id: UUID | None = None,
    company_id: UUID | None = None,
) -> None:
    """Block a recruiter, or a whole company (rules C8); blocking again changes nothing.

    Raises :class:`NotFoundError` for an unknown one.
    """
    if recruiter_id is not None:
        refusals.require_recruiter(session, recruiter_id)
    if company_id is not None:
        refusals.company_name(session, company_id)
    subject = changes.lock(session, account_id)
    same = session.scalars(
        select(Block.id).where(
            Block.candidate_id == subject.candidate.id,
            Block.recruiter_id.is_not_distinct_from(recruiter_id),
            Block.company_id.is_not_distinct_from(company_id),
        )
    ).first()
    if same is not None:
        return
    session.add(
        Block(
            candidate_id=subject.candidate.id,
            recruiter_id=recruiter_id,
            company_id=company_id,
            created_at=now,
        )
    )
    changes.record(
        session, now, subject, "block.added", "C8",
        recruiter_id=str(recruiter_id or ""), company_id=str(company_id or ""),
    )  # fmt: skip


def unblock(
    session: Session,
    now: datetime,
    account_id: UUID,
    *,
    recruiter_id: UUID | None = None,
    company_id: UUID | None = None,
) -> None:
    """Take a block back (rules C8); one that is not there is fine."""
    subject = changes.lock(session, account_id)
    session.execute(
        delete(Block).where(
            Block.candidate_id == subject.candidate.id,
            Block.recruiter_id.is_not_distinct_from(recruiter_id),
            Block.company_id.is_not_distinct_from(company_id),
        )
    )
    changes.record(
        session, now, subject, "block.removed", "C8",
        recruiter_id=str(recruiter_id or ""), company_id=str(company_id or ""),
    )  # fmt: skip


def excluded_domain(text: str) -> str:
    """Return a company's e-mail domain in the form companies' own are stored: A-labels, lower case.

    An address or a web address is taken for its domain. Raises :class:`InvalidInputError` for what
    is none, and for a public suffix such as ``co.uk``, which would exclude everyone.
    """
    host = clean(text).lower().rsplit("@", 1)[-1].split("://", 1)[-1].split("/", 1)[0].split(":", 1)[0]
    address = read_address(f"company@{host.removeprefix('www.')}")
    if not isinstance(address, Address) or _suffixes().privatesuffix(address.host) is None:
        raise InvalidInputError.of(
            "domain",
            "not_a_domain",
            N_("Write what follows the @ in the company's e-mail addresses, like company.com."),
        )
    return address.host


def _number(text: str) -> str:
    """Return the number in the form of the first register that knows it; an EIN has its hyphen."""
    countries = ("US", "FR", "GB") if _EIN.fullmatch(text.strip()) else ("FR", "GB", "US")
    for country in countries:
        number = normalised_registration_number(country, text)
        if number is not None:
            return number
    raise InvalidInputError.of(
        "registration_number",
        "not_a_number",
        N_("Write the number as in the official register: SIREN, Companies House or EIN."),
    )


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def _view(row: Exclusion) -> ExclusionView:
    return ExclusionView(
        exclusion_id=row.id,
        company_id=row.company_id,
        domain=row.domain,
        registration_number=row.registration_number,
        label=row.label,
        created_at=row.created_at,
    )
