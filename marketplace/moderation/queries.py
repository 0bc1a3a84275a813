"""Read SQL of sanctions and of the members they are about; frozen facts out, nothing decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from marketplace.accounts.addresses import parse_address
from marketplace.accounts.models import Account, Role
from marketplace.candidates.models import Candidate
from marketplace.errors import InvalidInputError, NotFoundError
from marketplace.moderation.models import Sanction
from marketplace.moderation.policy import SanctionKind, Term, is_in_force
from marketplace.recruiters.models import Company, Recruiter

WORDS_MAX = 8
"""Of a search for a member; further words are not looked at."""


@dataclass(frozen=True, kw_only=True)
class MemberLine:
    """As much of a member as an admin needs to act: no profile, no CV (rules E5, E8)."""

    account_id: UUID
    role: Role
    member_id: UUID
    """The recruiter's or the candidate's own id, as the routes name it."""
    first_name: str
    last_name: str
    email: str
    state: str
    company_name: str | None
    company_id: UUID | None

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def path(self) -> str:
        """Where the member's sanctions are, in the pages and below ``/api/v1``."""
        return f"/admin/{self.role.value}s/{self.member_id}/sanctions"


@dataclass(frozen=True, kw_only=True)
class SanctionView:
    """One sanction with its authors; ``author`` and ``lifter`` are for admins alone."""

    id: UUID
    account_id: UUID
    role: Role
    kind: SanctionKind
    starts_at: datetime
    until: datetime | None
    clause: str
    facts: str
    reason: str
    author: str | None
    lifted_at: datetime | None
    lifter: str | None
    lift_reason: str | None
    state_before: str

    @property
    def term(self) -> Term:
        return Term(sanction_id=self.id, starts_at=self.starts_at, until=self.until, lifted_at=self.lifted_at)

    def is_in_force(self, now: datetime) -> bool:
        """Whether it holds at ``now`` (E5)."""
        return is_in_force(self.term, now)


def open_sanctions(session: Session, account_id: UUID) -> Sequence[Sanction]:
    """Return the sanctions of an account whose end is not written down yet, to be changed."""
    statement = (
        select(Sanction)
        .where(Sanction.account_id == account_id, Sanction.ended_at.is_(None))
        .order_by(Sanction.starts_at, Sanction.id)
        .execution_options(populate_existing=True)
    )
    return session.scalars(statement).all()


def sanction(session: Session, sanction_id: UUID) -> SanctionView:
    """Return one sanction; :class:`NotFoundError` for an unknown one."""
    row = session.execute(_views().where(Sanction.id == sanction_id)).one_or_none()
    if row is None:
        raise NotFoundError("sanction")
    return _view(row)


def own_sanction(session: Session, account_id: UUID, sanction_id: UUID) -> SanctionView:
    """Return a sanction to the member it is about; a foreign one is unknown (Z-02)."""
    found = sanction(session, sanction_id)
    if found.account_id != account_id:
        raise NotFoundError("sanction")
    return found


def sanctions_of(session: Session, account_id: UUID) -> tuple[SanctionView, ...]:
    """Return every sanction of a member, the newest first (E5)."""
    statement = _views().where(Sanction.account_id == account_id)
    rows = session.execute(statement.order_by(Sanction.starts_at.desc(), Sanction.id))
    return tuple(_view(row) for row in rows)


def _views() -> Select[*tuple[Any, ...]]:
    author, lifter = aliased(Account), aliased(Account)
    return (
        select(Sanction, _signature(author).label("author"), _signature(lifter).label("lifter"))
        .outerjoin(author, author.id == Sanction.decided_by)
        .outerjoin(lifter, lifter.id == Sanction.lifted_by)
        .execution_options(populate_existing=True)
    )


def _signature(account: Any) -> ColumnElement[str]:
    return func.concat_ws(" ", account.first_name, account.last_name, "<" + account.email + ">")


def _view(row: Any) -> SanctionView:
    found: Sanction = row.Sanction
    return SanctionView(
        id=found.id,
        account_id=found.account_id,
        role=Role(found.role),
        kind=SanctionKind(found.kind),
        starts_at=found.starts_at,
        until=found.until,
        clause=found.clause,
        facts=found.facts,
        reason=found.reason,
        author=row.author or None,
        lifted_at=found.lifted_at,
        lifter=row.lifter or None,
        lift_reason=found.lift_reason,
        state_before=found.state_before,
    )


def recruiter_line(session: Session, recruiter_id: UUID) -> MemberLine:
    """Return a recruiter by their own id, or that of their account; else :class:`NotFoundError`."""
    return _line(session, or_(Recruiter.id == recruiter_id, Recruiter.account_id == recruiter_id))


def candidate_line(session: Session, candidate_id: UUID) -> MemberLine:
    """Return a candidate by their own id, or that of their account; else :class:`NotFoundError`."""
    return _line(session, or_(Candidate.id == candidate_id, Candidate.account_id == candidate_id))


def member_line(session: Session, account_id: UUID) -> MemberLine:
    """Return a recruiter or candidate by account; else :class:`NotFoundError`."""
    return _line(session, Account.id == account_id)


def _line(session: Session, condition: ColumnElement[bool]) -> MemberLine:
    row = session.execute(_lines().where(condition)).one_or_none()
    if row is None:
        raise NotFoundError("member")
    return _member(row)


def find_members(session: Session, typed: str, limit: int) -> tuple[MemberLine, ...]:
    """Return recruiters and candidates whose name or address has every word, by name (E5).

    An address is found however it is written, as it is at registration (A5). At most ``limit``.
    """
    words = typed.split()[:WORDS_MAX]
    if not words:
        return ()
    shown = func.concat_ws(" ", Account.first_name, Account.last_name, Account.email)
    has_all = and_(*(shown.icontains(word, autoescape=True) for word in words))
    is_address = Account.email_canonical == _canonical(typed)
    statement = _lines().where(or_(has_all, is_address))
    statement = statement.order_by(Account.last_name, Account.first_name, Account.id).limit(limit)
    return tuple(_member(row) for row in session.execute(statement))


def _canonical(typed: str) -> str:
    """Return the address as accounts are told apart by it; what is no address equals none."""
    try:
        return parse_address(typed).canonical
    except InvalidInputError:
        return ""


def _lines() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Account.id,
            Account.role,
            Account.first_name,
            Account.last_name,
            Account.email,
            func.coalesce(Recruiter.id, Candidate.id).label("member_id"),
            func.coalesce(Recruiter.state, Candidate.state).label("state"),
            Company.legal_name,
            Recruiter.company_id,
        )
        .outerjoin(Recruiter, Recruiter.account_id == Account.id)
        .outerjoin(Company, Company.id == Recruiter.company_id)
        .outerjoin(Candidate, Candidate.account_id == Account.id)
        .where(or_(Recruiter.id.is_not(None), Candidate.id.is_not(None)))
    )


def _member(row: Any) -> MemberLine:
    return MemberLine(
        account_id=row.id,
        role=Role(row.role),
        member_id=row.member_id,
        first_name=row.first_name,
        last_name=row.last_name,
        email=row.email,
        state=row.state,
        company_name=row.legal_name,
        company_id=row.company_id,
    )
