"""Read SQL of threads: contacts as either side lists them, and the messages of one.

Whose a contact is, and who is hidden now, the caller checks. No e-mail address is read here: that is
``disclosures.py`` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select, true
from sqlalchemy.orm import Session

from marketplace.accounts.models import Account
from marketplace.candidates.models import Candidate
from marketplace.contacts.models import Contact, ContactState, Message, MessageAuthor, Opening
from marketplace.contacts.paging import PAGE, Page, Position, newest_first, page_of
from marketplace.recruiters.models import Recruiter


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


def names_of_candidate(session: Session, candidate_id: UUID) -> tuple[str, str]:
    """Return first and last name, to be scrubbed from what lists show (rules C4)."""
    row = session.execute(
        select(Account.first_name, Account.last_name)
        .join(Candidate, Candidate.account_id == Account.id)
        .where(Candidate.id == candidate_id)
    ).one()
    return row.first_name, row.last_name


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
    statement = newest_first(statement, Contact.created_at, Contact.id, after)
    views = [_contact(row) for row in session.execute(statement.limit(size + 1))]
    return page_of(views, size, lambda view: Position(view.created_at, view.id))


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
