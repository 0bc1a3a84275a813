"""Whom candidates refuse: companies they exclude, recruiters and companies they block (rules C5, C8).

Read with every query and every act, so a refusal holds from its commit on. ``exclusions.py`` writes
what is read here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, Uuid, bindparam, or_, select, union
from sqlalchemy.orm import Session

from marketplace.candidates.models import Block, Candidate, Exclusion
from marketplace.candidates.policy import domain_and_parents
from marketplace.errors import NotFoundError
from marketplace.recruiters.models import Company, Recruiter


@dataclass(frozen=True)
class Asker:
    """A recruiter as exclusions and blocks name them (rules C5, C8).

    ``domains`` are the company's known domains and the recruiter's own; an excluded domain covers its
    sub-domains.
    """

    recruiter_id: UUID
    company_id: UUID
    domains: Collection[str]
    registration_number: str | None


@dataclass(frozen=True)
class Refusals:
    """Which of the candidate's own refusals meet an asker (rules C5, C8)."""

    company_excluded: bool
    recruiter_blocked: bool


def hidden_from(session: Session, asker: Asker) -> frozenset[int]:
    """Return the keys of candidates who exclude the asker's company or blocked the asker (rules C5, C8)."""
    values = {
        "recruiter": asker.recruiter_id,
        "company": asker.company_id,
        "domains": sorted(domain_and_parents(asker.domains)),
        "number": asker.registration_number,
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


def refusals_of(session: Session, candidate_id: UUID, asker: Asker) -> Refusals:
    """Return which refusals of one candidate meet the asker: the reasons of D3, told apart."""
    excluded = select(Exclusion.id).where(Exclusion.candidate_id == candidate_id, _excludes(asker))
    blocked = select(Block.id).where(Block.candidate_id == candidate_id, _blocks(asker))
    row = session.execute(select(excluded.exists(), blocked.exists())).one()
    return Refusals(company_excluded=row[0], recruiter_blocked=row[1])


def _excludes(asker: Asker) -> ColumnElement[bool]:
    conditions = [
        Exclusion.company_id == asker.company_id,
        Exclusion.domain.in_(domain_and_parents(asker.domains)),
    ]
    if asker.registration_number:
        conditions.append(Exclusion.registration_number == asker.registration_number)
    return or_(*conditions)


def _blocks(asker: Asker) -> ColumnElement[bool]:
    return or_(Block.recruiter_id == asker.recruiter_id, Block.company_id == asker.company_id)


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
