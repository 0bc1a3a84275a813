"""Read SQL of recruiters and companies; frozen facts out, nothing decided.

A statement a fact: what a rule needs of a recruiter is one SELECT, read at each request
(security.md S-04).
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, case, func, select, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session, aliased

from marketplace.accounts.models import Account, Role
from marketplace.catalogues import N_
from marketplace.errors import InvalidCursorError, NotFoundError
from marketplace.recruiters.data import provider_lists
from marketplace.recruiters.lifecycle import Capabilities, CompanyState, RecruiterState, capabilities
from marketplace.recruiters.models import (
    Company,
    CompanyDomain,
    EmailDomainRule,
    Recruiter,
    ReviewDecision,
)
from marketplace.recruiters.policy import (
    Address,
    EmailVerdict,
    RuleVerdict,
    normalised_registration_number,
    professional_email_verdict,
    read_address,
)


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


@dataclass(frozen=True, kw_only=True)
class DomainRule:
    """An admin's word on a domain or an address, with author, date and reason (B2)."""

    id: UUID
    pattern: str
    verdict: RuleVerdict
    reason: str
    decided_at: datetime
    author: str | None


@dataclass(frozen=True)
class Page:
    """Some companies and the cursor of the next ones."""

    companies: tuple[CompanyLine, ...]
    next_cursor: str | None


def _facts_statement() -> Select[Any]:
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


def _facts(row: Row[Any]) -> RecruiterFacts:
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


def recruiter_facts(session: Session, account_id: UUID) -> RecruiterFacts:
    """Return the facts of an account's recruiter in one statement; else :class:`NotFoundError`."""
    return _one(session, Recruiter.account_id == account_id)


def recruiter_facts_by_id(session: Session, recruiter_id: UUID) -> RecruiterFacts:
    """The same by the recruiter's own id."""
    return _one(session, Recruiter.id == recruiter_id)


def _one(session: Session, condition: ColumnElement[bool]) -> RecruiterFacts:
    row = session.execute(_facts_statement().where(condition)).one_or_none()
    if row is None:
        raise NotFoundError("recruiter")
    return _facts(row)


def recruiters_page(
    session: Session, *, states: Collection[RecruiterState] = (), size: int = 50, cursor: str | None = None
) -> tuple[tuple[RecruiterFacts, ...], str | None]:
    """Return recruiters for the admins, newest first, with the cursor of the next ones."""
    statement = _facts_statement().order_by(Account.registered_at.desc(), Recruiter.id.desc()).limit(size + 1)
    if states:
        statement = statement.where(Recruiter.state.in_(states))
    if cursor is not None:
        at, last = _read_cursor(cursor)
        statement = statement.where(tuple_(Account.registered_at, Recruiter.id) < tuple_(at, last))
    rows = [_facts(row) for row in session.execute(statement)]
    more = _cursor(rows[size - 1].registered_at, rows[size - 1].recruiter_id) if len(rows) > size else None
    return tuple(rows[:size]), more


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


def mandate_key(session: Session, recruiter_id: UUID) -> str:
    """Return where a recruiter's mandate is kept; :class:`NotFoundError` when there is none."""
    key = session.scalar(select(Recruiter.mandate_file).where(Recruiter.id == recruiter_id))
    if key is None:
        raise NotFoundError("mandate")
    return key


# --- Companies -----------------------------------------------------------------------------------


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
    statement = _facts_statement().where(Recruiter.company_id.in_(ids))
    for row in session.execute(statement.order_by(Account.registered_at, Recruiter.id)):
        facts = _facts(row)
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


def last_refusal(session: Session, recruiter_id: UUID) -> str | None:
    """Return the reason of the newest decision on a recruiter when it was a refusal, else None (B1, B2)."""
    newest = session.execute(
        select(ReviewDecision.decision, ReviewDecision.reason)
        .where(ReviewDecision.recruiter_id == recruiter_id)
        .order_by(ReviewDecision.decided_at.desc())
        .limit(1)
    ).one_or_none()
    return newest.reason if newest is not None and newest.decision == "refuse" else None


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


_LIVE = (RecruiterState.PENDING_REVIEW, RecruiterState.ACTIVE, RecruiterState.NOTIFIED)


def recruiters_to_review(session: Session, limit: int = 100) -> tuple[RecruiterFacts, ...]:
    """Return recruiters with something to look at in a company that is decided already (B1, B2)."""
    statement = (
        _facts_statement()
        .where(
            (func.cardinality(Recruiter.review_reasons) > 0) | Recruiter.requested_work_country.is_not(None),
            Recruiter.state.in_(_LIVE),
        )
        .order_by(Account.registered_at, Recruiter.id)
        .limit(limit)
    )
    return tuple(_facts(row) for row in session.execute(statement))


def admin_ids(session: Session) -> tuple[UUID, ...]:
    """Return the accounts that are told when something waits."""
    confirmed = Account.email_confirmed_at.is_not(None)
    return tuple(
        session.scalars(select(Account.id).where(Account.role == Role.ADMIN, confirmed).order_by(Account.id))
    )


# --- Addresses -----------------------------------------------------------------------------------


def email_verdict(session: Session, text: str) -> EmailVerdict:
    """Return the verdict of B2 on an address, with the admins' rules of this moment."""
    providers = provider_lists()
    address = read_address(text)
    rules: dict[str, RuleVerdict] = {}
    if isinstance(address, Address):
        labels = address.host.split(".")
        keys = [address.identity, *(".".join(labels[index:]) for index in range(len(labels)))]
        found = select(EmailDomainRule.pattern, EmailDomainRule.verdict).where(
            EmailDomainRule.pattern.in_(keys)
        )
        rules = {pattern: RuleVerdict(verdict) for pattern, verdict in session.execute(found)}
    return professional_email_verdict(text, providers, rules)


def domain_rules(session: Session) -> tuple[DomainRule, ...]:
    """Return every admin rule, in the order of their patterns."""
    rows = session.execute(
        select(EmailDomainRule, Account.email)
        .outerjoin(Account, Account.id == EmailDomainRule.decided_by)
        .order_by(EmailDomainRule.pattern)
    )
    return tuple(
        DomainRule(
            id=rule.id,
            pattern=rule.pattern,
            verdict=RuleVerdict(rule.verdict),
            reason=rule.reason,
            decided_at=rule.decided_at,
            author=author,
        )
        for rule, author in rows
    )


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


# --- Cursors -------------------------------------------------------------------------------------


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
