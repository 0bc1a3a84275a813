"""Read SQL of contacts: who asks, openings, threads, copies, the ledger as the candidate reads it.

Everything returns frozen structs. Nothing here decides, and nothing here reads a CV or an e-mail
address for a recruiter: that is ``disclosures.py`` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import (
    Date,
    Row,
    Select,
    Uuid,
    bindparam,
    exists,
    func,
    literal,
    select,
    true,
    tuple_,
)
from sqlalchemy.orm import Session

from marketplace.accounts.models import Account
from marketplace.candidates.models import Candidate
from marketplace.contacts.models import (
    Contact,
    ContactState,
    CVDownload,
    Disclosure,
    DutyException,
    DutyState,
    Message,
    MessageAuthor,
    Opening,
    OpeningState,
)
from marketplace.contacts.policy import Act
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

PAGE = 50
"""Rows of a list; the next ones by its cursor."""


_T = TypeVar("_T")


@dataclass(frozen=True)
class Page(Generic[_T]):
    """A piece of a list, newest first; ``after`` is where the next one starts."""

    rows: tuple[_T, ...]
    after: Position | None


@dataclass(frozen=True)
class Position:
    """Where a list was left: the instant and the id of the last row."""

    at: datetime
    last: UUID | int


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
    def counted(self) -> Counted:
        """Whom an act counts for (rules E1)."""
        return Counted(
            account_id=self.account_id, company_id=self.company_id, registered_at=self.registered_at
        )


@dataclass(frozen=True, kw_only=True)
class OpeningView:
    """An opening as its recruiter sees it (rules D3)."""

    id: UUID
    title: str
    company: str
    job_country: str
    start_on: date
    state: OpeningState
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class ContactView:
    """A contact in a list, for either side: ``snippet`` is scrubbed (rules C4).

    Without a recruiter, whose account was purged, name, role and own messages are empty (rules B6).
    """

    id: UUID
    candidate_id: UUID
    recruiter_id: UUID
    company_id: UUID
    opening_id: UUID
    opening_title: str
    company: str
    job_country: str
    start_on: date
    has_recruiter: bool
    recruiter_name: str
    recruiter_role: str
    candidate_name: str
    candidate_first_name: str
    state: ContactState
    created_at: datetime
    snippet: str
    last_at: datetime
    unread: int


@dataclass(frozen=True, kw_only=True)
class MessageView:
    """One message of a thread."""

    id: UUID
    author: MessageAuthor
    body: str
    sent_at: datetime


@dataclass(frozen=True, kw_only=True)
class DownloadView:
    """One copy a recruiter took and the duty to delete it (rules D4)."""

    id: UUID
    candidate_id: UUID
    opening_id: UUID
    opening_title: str
    downloaded_at: datetime
    delete_by_on: date
    state: DutyState
    settled_at: datetime | None
    candidate_withdrew: bool
    exception: DutyException | None
    exception_reason: str | None

    @property
    def file_name(self) -> str:
        """The name the copy is served under (security.md U-06)."""
        return f"cv-{self.id.hex[:8]}.pdf"


@dataclass(frozen=True, kw_only=True)
class LedgerView:
    """One line of the candidate's access log (rules C6)."""

    id: int
    kind: Act
    at: datetime
    company: str
    role: str
    purpose: str
    delete_by_on: date | None
    duty_state: DutyState | None
    duty_exception: DutyException | None


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


def lock_candidate(session: Session, candidate_id: UUID) -> bool:
    """Hold the candidate's row until the end of the transaction; False for an unknown id.

    A withdrawal writes that row, so it waits for a disclosure under way, and a disclosure that comes
    after it reads it withdrawn: no ledger row is younger than a withdrawal (security.md C-07).
    """
    held = select(Candidate.id).where(Candidate.id == candidate_id).with_for_update(read=True)
    return session.execute(held).one_or_none() is not None


def names_of_candidate(session: Session, candidate_id: UUID) -> tuple[str, str]:
    """Return first and last name, to be scrubbed from what lists show (rules C4)."""
    row = session.execute(
        select(Account.first_name, Account.last_name)
        .join(Candidate, Candidate.account_id == Account.id)
        .where(Candidate.id == candidate_id)
    ).one()
    return row.first_name, row.last_name


# --- Openings


def opening_view(opening: Opening) -> OpeningView:
    """Return what leaves the package of an opening."""
    return OpeningView(
        id=opening.id,
        title=opening.title,
        company=opening.company_name,
        job_country=opening.job_country,
        start_on=opening.start_on,
        state=OpeningState(opening.state),
        created_at=opening.created_at,
    )


def openings(
    session: Session,
    recruiter_id: UUID,
    *,
    state: OpeningState | None = None,
    after: Position | None = None,
    size: int = PAGE,
) -> Page[OpeningView]:
    """Return a recruiter's openings, newest first."""
    statement = select(Opening).where(Opening.recruiter_id == recruiter_id)
    if state is not None:
        statement = statement.where(Opening.state == state)
    statement = _after(statement, Opening.created_at, Opening.id, after)
    views = [opening_view(opening) for opening in session.scalars(statement.limit(size + 1))]
    return _page(views, size, lambda view: Position(view.created_at, view.id))


def open_openings_count(session: Session, recruiter_id: UUID) -> int:
    """Return how many openings of a recruiter are open."""
    statement = select(func.count()).where(
        Opening.recruiter_id == recruiter_id, Opening.state == OpeningState.OPEN
    )
    return session.scalar(statement) or 0


# --- Threads


def contacts_of_recruiter(
    session: Session, recruiter_id: UUID, *, after: Position | None = None, size: int = PAGE
) -> Page[ContactView]:
    """Return a recruiter's contacts, newest first; the caller leaves out who is hidden from them now."""
    statement = _contacts(MessageAuthor.CANDIDATE).where(Contact.recruiter_id == recruiter_id)
    return _contact_page(session, statement, after, size)


def contacts_of_candidate(
    session: Session, candidate_id: UUID, *, after: Position | None = None, size: int = PAGE
) -> Page[ContactView]:
    """Return a candidate's contacts, newest first."""
    statement = _contacts(MessageAuthor.RECRUITER).where(Contact.candidate_id == candidate_id)
    return _contact_page(session, statement, after, size)


def contact_view(session: Session, contact_id: UUID, reader: MessageAuthor) -> ContactView | None:
    """Return one contact; whose it is, the caller checks."""
    other = MessageAuthor.CANDIDATE if reader is MessageAuthor.RECRUITER else MessageAuthor.RECRUITER
    row = session.execute(_contacts(other).where(Contact.id == contact_id)).one_or_none()
    return None if row is None else _contact(row)


def messages(session: Session, contact_id: UUID) -> tuple[MessageView, ...]:
    """Return a thread, oldest first."""
    statement = (
        select(Message.id, Message.author, Message.body, Message.sent_at)
        .where(Message.contact_id == contact_id)
        .order_by(Message.sent_at, Message.id)
    )
    return tuple(
        MessageView(id=row.id, author=MessageAuthor(row.author), body=row.body, sent_at=row.sent_at)
        for row in session.execute(statement)
    )


def seen_or_contacted(
    session: Session, recruiter_id: UUID, candidate_ids: Collection[UUID]
) -> dict[UUID, frozenset[Act]]:
    """Return what this recruiter already did with which of these candidates."""
    statement = (
        select(Disclosure.candidate_id, Disclosure.kind)
        .where(Disclosure.recruiter_id == recruiter_id, Disclosure.candidate_id.in_(candidate_ids))
        .distinct()
    )
    done: dict[UUID, set[Act]] = {}
    for row in session.execute(statement):
        done.setdefault(row.candidate_id, set()).add(Act(row.kind))
    return {candidate_id: frozenset(acts) for candidate_id, acts in done.items()}


def _contacts(unread_from: MessageAuthor) -> Select[*tuple[Any, ...]]:
    recruiter_account, candidate_account = Account.__table__.alias("ra"), Account.__table__.alias("ca")
    last = (
        select(Message.body_scrubbed, Message.sent_at)
        .where(Message.contact_id == Contact.id)
        .order_by(Message.sent_at.desc(), Message.id)
        .limit(1)
        .lateral("last")
    )
    unread = (
        select(func.count())
        .where(Message.contact_id == Contact.id, Message.author == unread_from, Message.read_at.is_(None))
        .scalar_subquery()
    )
    return (
        select(
            Contact.id,
            Contact.candidate_id,
            Contact.recruiter_id,
            Contact.opening_id,
            Contact.state,
            Contact.created_at,
            Recruiter.company_id,
            Recruiter.job_title,
            Opening.title,
            Opening.company_name,
            Opening.job_country,
            Opening.start_on,
            recruiter_account.c.first_name.label("recruiter_first_name"),
            recruiter_account.c.last_name.label("recruiter_last_name"),
            candidate_account.c.first_name,
            candidate_account.c.last_name,
            last.c.body_scrubbed,
            last.c.sent_at,
            unread.label("unread"),
        )
        .select_from(Contact)
        .join(Opening, Opening.id == Contact.opening_id)
        .join(Recruiter, Recruiter.id == Contact.recruiter_id)
        .outerjoin(recruiter_account, recruiter_account.c.id == Recruiter.account_id)  # a tombstone has none
        .join(Candidate, Candidate.id == Contact.candidate_id)
        .join(candidate_account, candidate_account.c.id == Candidate.account_id)
        .join(last, true())
    )


def _contact_page(
    session: Session, statement: Select[*tuple[Any, ...]], after: Position | None, size: int
) -> Page[ContactView]:
    statement = _after(statement, Contact.created_at, Contact.id, after)
    views = [_contact(row) for row in session.execute(statement.limit(size + 1))]
    return _page(views, size, lambda view: Position(view.created_at, view.id))


def _contact(row: Row[*tuple[Any, ...]]) -> ContactView:
    return ContactView(
        id=row.id,
        candidate_id=row.candidate_id,
        recruiter_id=row.recruiter_id,
        company_id=row.company_id,
        opening_id=row.opening_id,
        opening_title=row.title,
        company=row.company_name,
        job_country=row.job_country,
        start_on=row.start_on,
        has_recruiter=row.recruiter_first_name is not None,
        recruiter_name=f"{row.recruiter_first_name or ''} {row.recruiter_last_name or ''}".strip(),
        recruiter_role=row.job_title,
        candidate_name=f"{row.first_name} {row.last_name}".strip(),
        candidate_first_name=row.first_name,
        state=ContactState(row.state),
        created_at=row.created_at,
        snippet=row.body_scrubbed,
        last_at=row.sent_at,
        unread=row.unread,
    )


# --- Copies and duties


def downloads(
    session: Session, recruiter_id: UUID, *, after: Position | None = None, size: int = PAGE
) -> Page[DownloadView]:
    """Return the copies a recruiter took with the state of each duty, newest first (rules D4)."""
    statement = downloads_statement().where(CVDownload.recruiter_id == recruiter_id)
    statement = _after(statement, CVDownload.downloaded_at, CVDownload.id, after)
    views = [download_view(row) for row in session.execute(statement.limit(size + 1))]
    return _page(views, size, lambda view: Position(view.downloaded_at, view.id))


def download(session: Session, download_id: UUID) -> DownloadView | None:
    """Return one copy; whose it is, the caller checks."""
    row = session.execute(downloads_statement().where(CVDownload.id == download_id)).one_or_none()
    return None if row is None else download_view(row)


def has_open_duty_before(session: Session, recruiter_id: UUID, cutoff: date) -> bool:
    """Whether a duty of this recruiter is open that was due before ``cutoff`` (rules D4)."""
    return bool(session.scalar(_open_duty(), {"recruiter": recruiter_id, "cutoff": cutoff}))


@cache
def _open_duty() -> Select[tuple[bool]]:
    found = exists().where(
        CVDownload.recruiter_id == bindparam("recruiter", type_=Uuid()),
        CVDownload.state == DutyState.OPEN,
        CVDownload.delete_by_on < bindparam("cutoff", type_=Date()),
    )
    return select(found)


def downloads_statement() -> Select[*tuple[Any, ...]]:
    """Return the statement of :func:`download_view`, without order or condition."""
    return select(
        CVDownload.id,
        CVDownload.candidate_id,
        CVDownload.opening_id,
        CVDownload.downloaded_at,
        CVDownload.delete_by_on,
        CVDownload.state,
        CVDownload.settled_at,
        CVDownload.holder_told_at,
        CVDownload.exception,
        CVDownload.exception_reason,
        Opening.title,
    ).join(Opening, Opening.id == CVDownload.opening_id)


def download_view(row: Row[*tuple[Any, ...]]) -> DownloadView:
    """Return what leaves the package of a copy."""
    return DownloadView(
        id=row.id,
        candidate_id=row.candidate_id,
        opening_id=row.opening_id,
        opening_title=row.title,
        downloaded_at=row.downloaded_at,
        delete_by_on=row.delete_by_on,
        state=DutyState(row.state),
        settled_at=row.settled_at,
        candidate_withdrew=row.holder_told_at is not None,
        exception=None if row.exception is None else DutyException(row.exception),
        exception_reason=row.exception_reason,
    )


# --- The ledger


def access_log(
    session: Session, candidate_id: UUID, *, after: Position | None = None, size: int = PAGE
) -> Page[LedgerView]:
    """Return what left about a candidate, newest first, with the state of each duty today (rules C6).

    The day shown is the duty's, which a withdrawal may have shortened, not the ledger's.
    """
    statement = (
        select(
            Disclosure.id,
            Disclosure.kind,
            Disclosure.at,
            Disclosure.company_name,
            Disclosure.recruiter_role,
            Disclosure.purpose,
            Disclosure.delete_by_on,
            CVDownload.delete_by_on.label("duty_on"),
            CVDownload.state,
            CVDownload.exception,
        )
        .outerjoin(CVDownload, CVDownload.id == Disclosure.copy_id)
        .where(Disclosure.candidate_id == candidate_id)
    )
    statement = _after(statement, Disclosure.at, Disclosure.id, after)
    views = [_ledger(row) for row in session.execute(statement.limit(size + 1))]
    return _page(views, size, lambda view: Position(view.at, view.id))


def _ledger(row: Row[*tuple[Any, ...]]) -> LedgerView:
    return LedgerView(
        id=row.id,
        kind=Act(row.kind),
        at=row.at,
        company=row.company_name,
        role=row.recruiter_role,
        purpose=row.purpose,
        delete_by_on=row.duty_on or row.delete_by_on,
        duty_state=None if row.state is None else DutyState(row.state),
        duty_exception=None if row.exception is None else DutyException(row.exception),
    )


# --- Paging


def _after(
    statement: Select[*tuple[Any, ...]], at: Any, key: Any, after: Position | None
) -> Select[*tuple[Any, ...]]:
    """Order newest first and leave out what comes before ``after``."""
    if after is not None:
        statement = statement.where(tuple_(at, key) < tuple_(literal(after.at), literal(after.last)))
    return statement.order_by(at.desc(), key.desc())


def _page(views: Sequence[_T], size: int, position: Callable[[_T], Position]) -> Page[_T]:
    shown = tuple(views[:size])
    return Page(shown, position(shown[-1]) if len(views) > size else None)
