"""Contacts and their messages, both ways, through the platform only (rules D3, C8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session

from marketplace import audit, outbox
from marketplace.candidates import queries as candidate_queries
from marketplace.candidates.scrubbing import scrub
from marketplace.contacts import disclosures, replays, thread_queries
from marketplace.contacts.asking_recruiters import asking_recruiter, recruiter_if_any
from marketplace.contacts.facts import hidden_among, minors_among, require_standing
from marketplace.contacts.models import Contact, ContactState, Message, MessageAuthor
from marketplace.contacts.openings import own_open_opening
from marketplace.contacts.paging import Page, Position
from marketplace.contacts.policy import Caution, cautions_for
from marketplace.contacts.thread_queries import ContactView, MessageView
from marketplace.errors import ConflictError, InvalidInputError, NotFoundError
from marketplace.settings import Settings


class Answer(StrEnum):
    """What a candidate says to a contact (rules C8)."""

    ACCEPT = "accept"
    REFUSE = "refuse"


ANSWERED: dict[tuple[ContactState, Answer], ContactState] = {
    (ContactState.SENT, Answer.ACCEPT): ContactState.ACCEPTED,
    (ContactState.SENT, Answer.REFUSE): ContactState.REFUSED,
    (ContactState.ACCEPTED, Answer.REFUSE): ContactState.REFUSED,
}
"""An accepted conversation can be ended; a refusal stands (rules C8)."""


@dataclass(frozen=True)
class MadeContact:
    """A contact just made, with what the recruiter should know about it (rules D2)."""

    id: UUID
    created_at: datetime
    cautions: tuple[Caution, ...]


@dataclass(frozen=True)
class Thread:
    """A contact with all its messages."""

    contact: ContactView
    messages: tuple[MessageView, ...]
    may_write: bool


def request_contact(
    session: Session,
    now: datetime,
    settings: Settings,
    account_id: UUID,
    candidate_id: UUID,
    *,
    opening_id: UUID,
    message: str,
    idempotency_key: str | None = None,
) -> MadeContact:
    """Contact a candidate about an own open opening; the message is mailed after the commit (D3, D7).

    One contact a recruiter, candidate and opening: a second one is :class:`ConflictError`
    ``already_contacted``. Raises :class:`InvalidInputError` (``opening_required``, the message), and
    what :func:`marketplace.contacts.disclosures.permit_contact` raises. With an ``Idempotency-Key``
    a retry gets what the first request made (security.md F-07).
    """
    body = _checked(message, settings)
    recruiter = asking_recruiter(session, account_id)
    request = replays.Request(account_id, idempotency_key, ("contact", candidate_id, opening_id, body))
    made = replays.replayed(session, now, settings, request)
    if made is not None:
        contact = session.get_one(Contact, made)
        return MadeContact(contact.id, contact.created_at, ())
    opening = own_open_opening(session, recruiter.recruiter_id, opening_id)
    meeting = disclosures.permit_contact(session, now, settings, account_id, candidate_id, opening)
    if session.scalar(
        select(
            exists().where(
                Contact.recruiter_id == recruiter.recruiter_id,
                Contact.candidate_id == candidate_id,
                Contact.opening_id == opening_id,
            )
        )
    ):
        raise ConflictError("already_contacted", "You have contacted this candidate about this opening.")
    contact = Contact(
        recruiter_id=recruiter.recruiter_id,
        candidate_id=candidate_id,
        opening_id=opening_id,
        state=ContactState.SENT,
        created_at=now,
    )
    session.add(contact)
    session.flush()
    _add_message(session, now, contact, MessageAuthor.RECRUITER, body)
    _record(session, now, "contact.requested", account_id, "recruiter", contact.id)
    replays.remember(session, request, contact.id)
    to = candidate_queries.account_ids(session, [candidate_id])[candidate_id]
    _mail(session, now, "contact_received", to, contact.id)
    return MadeContact(
        contact.id, now, cautions_for(meeting.candidate_facts, opening.job_country, opening.start_on)
    )


def recruiter_contacts(
    session: Session, now: datetime, settings: Settings, account_id: UUID, after: Position | None = None
) -> Page[ContactView]:
    """Return own contacts, newest first, without those whose candidate is hidden from the recruiter (C2).

    A page may be shorter than its size, as one of a search may. Raises
    :class:`ContactNotAllowedError` while the recruiter is suspended or the company not verified (B4).
    """
    recruiter = asking_recruiter(session, account_id)
    require_standing(recruiter)
    page = thread_queries.contacts_of_recruiter(session, recruiter.recruiter_id, after=after)
    hidden = hidden_among(session, now, settings, recruiter, {contact.candidate_id for contact in page.rows})
    seen = [contact for contact in page.rows if contact.candidate_id not in hidden]
    return replace(page, rows=_as_recruiters_read(session, now, settings, seen))


def candidate_contacts(
    session: Session, account_id: UUID, after: Position | None = None
) -> Page[ContactView]:
    """Return a candidate's contacts, newest first (rules C8)."""
    candidate_id = candidate_queries.candidate_id_of(session, account_id)
    return thread_queries.contacts_of_candidate(session, candidate_id, after=after)


def recruiter_thread(
    session: Session, now: datetime, settings: Settings, account_id: UUID, contact_id: UUID
) -> Thread:
    """Return a thread to its recruiter and mark it read.

    Raises :class:`NotFoundError` for an unknown or foreign one, and while the candidate is hidden
    from the recruiter (C2, D3).
    """
    contact = _of_recruiter(session, now, settings, account_id, contact_id)
    return _thread(session, now, contact, MessageAuthor.RECRUITER)


def candidate_thread(session: Session, now: datetime, account_id: UUID, contact_id: UUID) -> Thread:
    """Return a thread to its candidate and mark it read; :class:`NotFoundError` for any other."""
    contact = _of_candidate(session, account_id, contact_id)
    return _thread(session, now, contact, MessageAuthor.CANDIDATE)


def write_as_recruiter(
    session: Session, now: datetime, settings: Settings, account_id: UUID, contact_id: UUID, text: str
) -> MessageView:
    """Write once more in a thread; the contact decision is taken anew (D3).

    Raises as :func:`recruiter_thread`, :class:`ContactNotAllowedError` for reasons on the recruiter's
    side, :class:`ConflictError` ``contact_refused`` after a refusal (C8).
    """
    body = _checked(text, settings)
    contact = _of_recruiter(session, now, settings, account_id, contact_id)
    disclosures.permit_message(session, now, settings, account_id, contact.candidate_id, contact.job_country)
    message = _write(session, now, contact_id, MessageAuthor.RECRUITER, body)
    to = candidate_queries.account_ids(session, [contact.candidate_id])[contact.candidate_id]
    _mail(session, now, "message_received", to, contact_id)
    _record(session, now, "message.sent", account_id, "recruiter", contact_id)
    return message


def write_as_candidate(
    session: Session, now: datetime, settings: Settings, account_id: UUID, contact_id: UUID, text: str
) -> MessageView:
    """Write to the recruiter (C8).

    Raises :class:`NotFoundError` for any other's thread, :class:`ConflictError` after a refusal, once
    the recruiter's account was purged (B6), and while the candidate is hidden from the recruiter, who
    could not read it.
    """
    body = _checked(text, settings)
    contact = _of_candidate(session, account_id, contact_id)
    asker = recruiter_if_any(session, contact.recruiter_id)
    if asker is None:
        raise ConflictError("recruiter_gone", "The account of this recruiter was closed.")
    if hidden_among(session, now, settings, asker, {contact.candidate_id}):
        raise ConflictError(
            "hidden_from_recruiter", "This recruiter cannot see you now, and could not read your message."
        )
    message = _write(session, now, contact_id, MessageAuthor.CANDIDATE, body)
    _mail(session, now, "message_received", asker.account_id, contact_id)
    _record(session, now, "message.sent", account_id, "candidate", contact_id)
    return message


def answer_contact(
    session: Session, now: datetime, account_id: UUID, contact_id: UUID, answer: Answer
) -> ContactState:
    """Accept or refuse a contact (C8); the same answer twice is one.

    Raises :class:`NotFoundError` for any other's, :class:`ConflictError` where a refusal stands.
    """
    _of_candidate(session, account_id, contact_id)
    contact = session.get_one(Contact, contact_id, with_for_update=True)
    wanted = ContactState.ACCEPTED if answer is Answer.ACCEPT else ContactState.REFUSED
    if contact.state == wanted:
        return wanted
    following = ANSWERED.get((ContactState(contact.state), answer))
    if following is None:
        raise ConflictError("contact_refused", "You refused this contact before.")
    contact.state = following
    contact.answered_at = now
    recruiter = recruiter_if_any(session, contact.recruiter_id)
    if recruiter is not None:
        _mail(session, now, "contact_answered", recruiter.account_id, contact_id)
    _record(session, now, f"contact.{following.value}", account_id, "candidate", contact_id)
    return following


def counterpart(session: Session, account_id: UUID, contact_id: UUID) -> tuple[UUID, UUID]:
    """Return recruiter and company of an own contact, for a candidate who blocks one of them (C8)."""
    contact = _of_candidate(session, account_id, contact_id)
    return contact.recruiter_id, contact.company_id


def _of_recruiter(
    session: Session, now: datetime, settings: Settings, account_id: UUID, contact_id: UUID
) -> ContactView:
    recruiter = asking_recruiter(session, account_id)
    contact = thread_queries.contact_view(session, contact_id, MessageAuthor.RECRUITER)
    if contact is None or contact.recruiter_id != recruiter.recruiter_id:
        raise NotFoundError
    require_standing(recruiter)
    if hidden_among(session, now, settings, recruiter, {contact.candidate_id}):
        raise NotFoundError
    return _as_recruiters_read(session, now, settings, [contact])[0]


def _as_recruiters_read(
    session: Session, now: datetime, settings: Settings, contacts: Sequence[ContactView]
) -> tuple[ContactView, ...]:
    """Return the contacts with the names recruiters may read: of a minor the first one (D7)."""
    minors = minors_among(session, now, settings, {contact.candidate_id for contact in contacts})
    return tuple(
        replace(contact, candidate_name=contact.candidate_first_name)
        if contact.candidate_id in minors
        else contact
        for contact in contacts
    )


def _of_candidate(session: Session, account_id: UUID, contact_id: UUID) -> ContactView:
    candidate_id = candidate_queries.candidate_id_of(session, account_id)
    contact = thread_queries.contact_view(session, contact_id, MessageAuthor.CANDIDATE)
    if contact is None or contact.candidate_id != candidate_id:
        raise NotFoundError
    return contact


def _thread(session: Session, now: datetime, contact: ContactView, reader: MessageAuthor) -> Thread:
    shown = thread_queries.messages(session, contact.id)
    session.execute(
        update(Message)
        .where(Message.contact_id == contact.id, Message.author != reader, Message.read_at.is_(None))
        .values(read_at=now)
    )
    may_write = contact.state is not ContactState.REFUSED and contact.has_recruiter
    return Thread(contact, shown, may_write)


def _write(
    session: Session, now: datetime, contact_id: UUID, author: MessageAuthor, body: str
) -> MessageView:
    contact = session.get_one(Contact, contact_id, with_for_update=True)
    if contact.state == ContactState.REFUSED:
        raise ConflictError("contact_refused", "This contact was refused; nobody can write in it any more.")
    return _add_message(session, now, contact, author, body)


def _add_message(
    session: Session, now: datetime, contact: Contact, author: MessageAuthor, body: str
) -> MessageView:
    names = thread_queries.names_of_candidate(session, contact.candidate_id)
    last = session.scalar(select(func.max(Message.sent_at)).where(Message.contact_id == contact.id))
    # A thread reads in the order it was written, even within one tick of the clock.
    sent_at = now if last is None or last < now else last + timedelta(microseconds=1)
    message = Message(
        contact_id=contact.id, author=author, body=body, body_scrubbed=scrub(body, names), sent_at=sent_at
    )
    session.add(message)
    session.flush()
    return MessageView(id=message.id, author=author, body=body, sent_at=sent_at)


def _checked(text: str, settings: Settings) -> str:
    """Return the message without blanks around it; control characters other than line breaks are dropped."""
    body = "".join(c for c in text.replace("\r\n", "\n").strip() if c in "\n\t" or c.isprintable())
    if not body:
        raise InvalidInputError.of("message", "required", "Write a message.")
    if len(body) > settings.message_max_characters:
        raise InvalidInputError.of(
            "message", "too_long", "At most %(limit)s characters.", limit=settings.message_max_characters
        )
    return body


def _mail(session: Session, now: datetime, mail: str, account_id: UUID, contact_id: UUID) -> None:
    outbox.publish(
        session, now, "mail.requested", account_id, details={"mail": mail, "contact_id": str(contact_id)}
    )


def _record(session: Session, now: datetime, act: str, actor: UUID, role: str, contact_id: UUID) -> None:
    audit.record(
        session, now, act, actor_id=actor, actor_role=role,
        subject_kind="contact", subject_id=contact_id, rule="C8" if role == "candidate" else "D3",
    )  # fmt: skip
