"""Read SQL of the admins: companies with their evidence and history, recruiters, and what waits (B3)."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, func, select, tuple_
from sqlalchemy.orm import Session, aliased

from marketplace.accounts.models import Account
from marketplace.catalogues import N_
from marketplace.errors import InvalidCursorError, NotFoundError
from marketplace.recruiters.data import provider_lists
from marketplace.recruiters.lifecycle import CompanyState, RecruiterState
from marketplace.recruiters.models import Company, CompanyDomain, Recruiter, ReviewDecision
from marketplace.recruiters.policy import normalised_registration_number
from marketplace.recruiters.queries import RecruiterFacts, facts_from, facts_statement

_LIVE = (RecruiterState.PENDING_REVIEW, RecruiterState.ACTIVE, RecruiterState.NOTIFIED)


@dataclass(frozen=True, kw_only=True)
class CompanyLine:
    """A company in the admins' queue, with the evidence that decides most cases at a glance (B3)."""

    id: UUID
    legal_name: str
    kind: str
    country: str
    registration_number: str | None
    is_number_valid: bool | None
    state: CompanyState
    submitted_at: datetime
    decided_at: datetime | None
    decision_reason: str | None
    domains: tuple[str, ...]
    recruiters: tuple[RecruiterFacts, ...]

    @property
    def owner(self) -> RecruiterFacts | None:
        """The first recruiter."""
        return next(
            (r for r in self.recruiters if r.is_owner), self.recruiters[0] if self.recruiters else None
        )

    @property
    def to_review(self) -> tuple[RecruiterFacts, ...]:
        """Recruiters somebody must still look at, apart from the company."""
        return tuple(r for r in self.recruiters if r.review_reasons or r.requested_work_country)


@dataclass(frozen=True, kw_only=True)
class DecisionLine:
    """One decision with its author, date and reason (B3)."""

    decision: str
    reason: str
    decided_at: datetime
    author: str | None
    recruiter: str | None


@dataclass(frozen=True, kw_only=True)
class CompanyEvidence:
    """Everything an admin sees of one company; ``similar`` are others with its number, name or domains."""

    company: CompanyLine
    history: tuple[DecisionLine, ...]
    similar: tuple[CompanyLine, ...]


@dataclass(frozen=True)
class Page:
    """Some companies and the cursor of the next ones."""

    companies: tuple[CompanyLine, ...]
    next_cursor: str | None


@dataclass(frozen=True, kw_only=True)
class WaitingCounts:
    """What waits for an admin."""

    companies: int
    recruiters: int
    unconfirmed: int
    by_company_state: Mapping[str, int]


def waiting_counts(session: Session) -> WaitingCounts:
    """Return the numbers of the admins' first page."""
    states = dict(session.execute(select(Company.state, func.count()).group_by(Company.state)).all())
    flagged = (func.cardinality(Recruiter.review_reasons) > 0) | Recruiter.requested_work_country.is_not(None)
    recruiters = session.execute(
        select(
            func.count().filter(flagged, Recruiter.state.in_(_LIVE)),
            func.count().filter(Recruiter.state == RecruiterState.PENDING_CONFIRMATION),
        ).select_from(Recruiter)
    ).one()
    return WaitingCounts(
        companies=states.get(CompanyState.PENDING_REVIEW, 0),
        recruiters=recruiters[0],
        unconfirmed=recruiters[1],
        by_company_state={state.value: states.get(state, 0) for state in CompanyState},
    )


def companies_page(
    session: Session, state: CompanyState | None = None, *, size: int = 50, cursor: str | None = None
) -> Page:
    """Return companies with their evidence, those that wait first and the longest waiting on top (B3)."""
    rank = case((Company.state == CompanyState.PENDING_REVIEW, 0), else_=1)
    statement = select(Company).order_by(rank, Company.submitted_at, Company.id).limit(size + 1)
    if state is not None:
        statement = statement.where(Company.state == state)
    if cursor is not None:
        at, last = _read_cursor(cursor)
        seen = select(rank).where(Company.id == last).scalar_subquery()
        statement = statement.where(tuple_(rank, Company.submitted_at, Company.id) > tuple_(seen, at, last))
    companies = session.scalars(statement).all()
    lines = _lines(session, companies[:size])
    more = _cursor(lines[-1].submitted_at, lines[-1].id) if len(companies) > size else None
    return Page(lines, more)


def company_evidence(session: Session, company_id: UUID) -> CompanyEvidence:
    """Return what an admin decides on; :class:`NotFoundError` for an unknown company (B3)."""
    company = session.get(Company, company_id, populate_existing=True)
    if company is None:
        raise NotFoundError("company")
    (line,) = _lines(session, [company])
    domains = {r.email_domain for r in line.recruiters if not r.is_on_behalf}
    domains = {domain for domain in domains if not provider_lists().is_open_to_anyone(domain)} | set(
        line.domains
    )
    with_domain = select(Recruiter.company_id).where(Recruiter.email_domain.in_(domains))
    known_by = select(CompanyDomain.company_id).where(CompanyDomain.domain.in_(domains))
    same = (
        Company.id.in_(with_domain)
        | Company.id.in_(known_by)
        | (func.lower(Company.legal_name) == company.legal_name.lower())
    )
    if company.registration_number:
        same |= (Company.registration_number == company.registration_number) & (
            Company.country == company.country
        )
    similar = session.scalars(
        select(Company).where(Company.id != company.id, same).order_by(Company.registered_at).limit(20)
    ).all()
    return CompanyEvidence(
        company=line, history=_history(session, company_id), similar=_lines(session, similar)
    )


def _lines(session: Session, companies: Sequence[Company]) -> tuple[CompanyLine, ...]:
    ids = [company.id for company in companies]
    members: dict[UUID, list[RecruiterFacts]] = {company_id: [] for company_id in ids}
    statement = facts_statement().where(Recruiter.company_id.in_(ids))
    for row in session.execute(statement.order_by(Account.registered_at, Recruiter.id)):
        facts = facts_from(row)
        members[facts.company_id].append(facts)
    domains: dict[UUID, list[str]] = {company_id: [] for company_id in ids}
    known = select(CompanyDomain.company_id, CompanyDomain.domain).where(CompanyDomain.company_id.in_(ids))
    for company_id, domain in session.execute(known.order_by(CompanyDomain.domain)):
        domains[company_id].append(domain)
    return tuple(_line(company, domains[company.id], members[company.id]) for company in companies)


def _line(company: Company, domains: list[str], members: list[RecruiterFacts]) -> CompanyLine:
    number = company.registration_number
    return CompanyLine(
        id=company.id,
        legal_name=company.legal_name,
        kind=company.kind,
        country=company.country,
        registration_number=number,
        is_number_valid=None
        if number is None
        else normalised_registration_number(company.country, number) == number,
        state=CompanyState(company.state),
        submitted_at=company.submitted_at,
        decided_at=company.decided_at,
        decision_reason=company.decision_reason,
        domains=tuple(domains),
        recruiters=tuple(members),
    )


def _history(session: Session, company_id: UUID) -> tuple[DecisionLine, ...]:
    author, subject = aliased(Account), aliased(Account)
    rows = session.execute(
        select(
            ReviewDecision,
            func.concat_ws(" ", author.first_name, author.last_name, "<" + author.email + ">").label(
                "author"
            ),
            func.concat_ws(" ", subject.first_name, subject.last_name).label("recruiter"),
        )
        .outerjoin(author, author.id == ReviewDecision.decided_by)
        .outerjoin(Recruiter, Recruiter.id == ReviewDecision.recruiter_id)
        .outerjoin(subject, subject.id == Recruiter.account_id)
        .where(ReviewDecision.company_id == company_id)
        .order_by(ReviewDecision.decided_at.desc(), ReviewDecision.id)
    )
    return tuple(
        DecisionLine(
            decision=row.ReviewDecision.decision,
            reason=row.ReviewDecision.reason,
            decided_at=row.ReviewDecision.decided_at,
            author=row.author or None,
            recruiter=row.recruiter or None,
        )
        for row in rows
    )


def recruiters_page(
    session: Session, *, states: Collection[RecruiterState] = (), size: int = 50, cursor: str | None = None
) -> tuple[tuple[RecruiterFacts, ...], str | None]:
    """Return recruiters for the admins, newest first, with the cursor of the next ones."""
    statement = facts_statement().order_by(Account.registered_at.desc(), Recruiter.id.desc()).limit(size + 1)
    if states:
        statement = statement.where(Recruiter.state.in_(states))
    if cursor is not None:
        at, last = _read_cursor(cursor)
        statement = statement.where(tuple_(Account.registered_at, Recruiter.id) < tuple_(at, last))
    rows = [facts_from(row) for row in session.execute(statement)]
    more = _cursor(rows[size - 1].registered_at, rows[size - 1].recruiter_id) if len(rows) > size else None
    return tuple(rows[:size]), more


def recruiters_to_review(session: Session, limit: int = 100) -> tuple[RecruiterFacts, ...]:
    """Return recruiters with something to look at in a company that is decided already (B1, B2)."""
    statement = (
        facts_statement()
        .where(
            (func.cardinality(Recruiter.review_reasons) > 0) | Recruiter.requested_work_country.is_not(None),
            Recruiter.state.in_(_LIVE),
        )
        .order_by(Account.registered_at, Recruiter.id)
        .limit(limit)
    )
    return tuple(facts_from(row) for row in session.execute(statement))


def last_refusal(session: Session, recruiter_id: UUID) -> str | None:
    """Return the reason of the newest decision on a recruiter when it was a refusal, else None (B1, B2)."""
    newest = session.execute(
        select(ReviewDecision.decision, ReviewDecision.reason)
        .where(ReviewDecision.recruiter_id == recruiter_id)
        .order_by(ReviewDecision.decided_at.desc())
        .limit(1)
    ).one_or_none()
    return newest.reason if newest is not None and newest.decision == "refuse" else None


def _cursor(at: datetime, last: UUID) -> str:
    return base64.urlsafe_b64encode(f"{at.isoformat()} {last}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, UUID]:
    try:
        at, last = base64.urlsafe_b64decode(cursor).decode("ascii").split(" ")
        instant, position = datetime.fromisoformat(at), UUID(last)
    except ValueError:
        instant, position = None, None
    if instant is None or position is None or instant.tzinfo is None:
        raise InvalidCursorError(N_("This is no cursor of this list."))
    return instant, position
