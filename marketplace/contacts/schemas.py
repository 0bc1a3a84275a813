"""What the JSON routes of contacts take and give, and the cursors of their lists (interface.md)."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from marketplace.catalogues import N_
from marketplace.contacts.disclosures import OpenedCandidate
from marketplace.contacts.duties import Duty
from marketplace.contacts.messages import Answer
from marketplace.contacts.models import DutyException, OpeningState
from marketplace.contacts.opening_queries import OpeningView
from marketplace.contacts.paging import Position
from marketplace.contacts.thread_queries import ContactView, MessageView
from marketplace.errors import InvalidCursorError

CURSOR_CHARACTERS = 200
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Country = Annotated[str, msgspec.Meta(pattern="^(FR|GB|US)$")]


class _In(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a client sends; an unknown field is refused."""


class OpeningRef(_In):
    opening_id: UUID


class ContactIn(_In):
    opening_id: UUID
    message: str


class MessageIn(_In):
    message: str


class AnswerIn(_In):
    answer: Answer


class OpeningIn(_In):
    title: Title
    job_country: Country
    start_on: date
    company: Title | None = None


class OpeningPatch(_In):
    title: Title | None = None
    company: Title | None = None
    job_country: Country | None = None
    start_on: date | None = None
    state: OpeningState | None = None


class AttestationIn(_In):
    """``ids`` names copies; ``all`` means every open one. Exactly one of the two."""

    ids: Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=500)] | None = None
    all: bool = False


class ExceptionIn(_In):
    """Copies that must be kept, and why: ``hired``, or ``legal_obligation`` with the law in the reason."""

    ids: Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=500)]
    exception: DutyException
    reason: Annotated[str, msgspec.Meta(min_length=1)]


class ContactAllowed(msgspec.Struct, kw_only=True):
    allowed: bool
    reasons: list[str]


class ProfileOut(msgspec.Struct, kw_only=True):
    """An opened profile (rules D7)."""

    id: UUID
    first_name: str
    last_name: str
    headline: str
    region: str
    job_fields: list[str]
    start_on: date
    start_month: str
    skills: list[str]
    languages: list[str]
    education_level: int | None
    fresh_on: date
    contact: ContactAllowed


class EmailOut(msgspec.Struct, kw_only=True):
    email: str


class SpanOut(msgspec.Struct, kw_only=True):
    """A piece of text; ``match`` says whether a word of the query stands there."""

    text: str
    match: bool


class CVTextOut(msgspec.Struct, kw_only=True):
    """The pieces put together are ``text``."""

    text: str
    spans: list[SpanOut]


class TakenCopyOut(msgspec.Struct, kw_only=True):
    id: UUID
    delete_by_on: date


class DutyOut(msgspec.Struct, kw_only=True):
    id: UUID
    candidate_id: UUID
    opening_id: UUID
    downloaded_at: datetime
    delete_by_on: date
    state: str
    days_left: int
    exception: DutyException | None
    exception_reason: str | None


class DutiesOut(msgspec.Struct, kw_only=True):
    items: list[DutyOut]
    next_cursor: str | None


class OpeningOut(msgspec.Struct, kw_only=True):
    id: UUID
    title: str
    company: str
    job_country: str
    start_on: date
    state: str


class OpeningsOut(msgspec.Struct, kw_only=True):
    items: list[OpeningOut]
    next_cursor: str | None


class MadeContactOut(msgspec.Struct, kw_only=True):
    """``warnings`` are codes such as ``permit_ends_before_start`` (rules D2)."""

    id: UUID
    state: str
    created_at: datetime
    warnings: list[str]


class ContactOpeningOut(msgspec.Struct, kw_only=True):
    id: UUID
    title: str
    company: str
    job_country: str
    start_on: date


class ContactOut(msgspec.Struct, kw_only=True):
    """A contact in a list; ``snippet`` is the last message, scrubbed (rules C4)."""

    id: UUID
    candidate_id: UUID
    recruiter_name: str
    recruiter_role: str
    candidate_name: str
    opening: ContactOpeningOut
    state: str
    created_at: datetime
    last_at: datetime
    snippet: str
    unread: int


class ContactsOut(msgspec.Struct, kw_only=True):
    items: list[ContactOut]
    next_cursor: str | None


class MessageOut(msgspec.Struct, kw_only=True):
    id: UUID
    author: str
    message: str
    sent_at: datetime


class MessagesOut(msgspec.Struct, kw_only=True):
    items: list[MessageOut]
    next_cursor: str | None


class AnsweredOut(msgspec.Struct, kw_only=True):
    state: str


def profile_out(opened: OpenedCandidate) -> ProfileOut:
    """Return the profile as interface.md names its fields."""
    card = opened.profile.card
    return ProfileOut(
        id=card.candidate_id,
        first_name=opened.profile.first_name,
        last_name=opened.profile.last_name,
        headline=card.headline,
        region=card.region,
        job_fields=list(card.job_fields),
        start_on=card.start_on,
        start_month=card.start_month,
        skills=list(card.skills),
        languages=list(card.languages),
        education_level=card.education_level,
        fresh_on=card.fresh_on,
        contact=ContactAllowed(
            allowed=opened.contact.allowed, reasons=[reason.value for reason in opened.contact.shown]
        ),
    )


def opening_out(opening: OpeningView) -> OpeningOut:
    """Return an opening as interface.md names its fields."""
    return OpeningOut(
        id=opening.id,
        title=opening.title,
        company=opening.company,
        job_country=opening.job_country,
        start_on=opening.start_on,
        state=opening.state.value,
    )


def duty_out(duty: Duty) -> DutyOut:
    """Return a copy with its duty."""
    copy = duty.copy
    return DutyOut(
        id=copy.id,
        candidate_id=copy.candidate_id,
        opening_id=copy.opening_id,
        downloaded_at=copy.downloaded_at.astimezone(UTC),
        delete_by_on=copy.delete_by_on,
        state=copy.state.value,
        days_left=duty.days_left,
        exception=copy.exception,
        exception_reason=copy.exception_reason,
    )


def contact_out(contact: ContactView) -> ContactOut:
    """Return a contact of a list."""
    return ContactOut(
        id=contact.id,
        candidate_id=contact.candidate_id,
        recruiter_name=contact.recruiter_name,
        recruiter_role=contact.recruiter_role,
        candidate_name=contact.candidate_name,
        opening=ContactOpeningOut(
            id=contact.opening_id,
            title=contact.opening_title,
            company=contact.company,
            job_country=contact.job_country,
            start_on=contact.start_on,
        ),
        state=contact.state.value,
        created_at=contact.created_at.astimezone(UTC),
        last_at=contact.last_at.astimezone(UTC),
        snippet=contact.snippet,
        unread=contact.unread,
    )


def message_out(message: MessageView) -> MessageOut:
    """Return one message of a thread."""
    return MessageOut(
        id=message.id,
        author=message.author.value,
        message=message.body,
        sent_at=message.sent_at.astimezone(UTC),
    )


def cursor_of(position: Position | None) -> str | None:
    """Return where a list goes on, opaque to the client; None at its end."""
    if position is None:
        return None
    plain = f"{position.at.astimezone(UTC).isoformat()}|{position.last}"
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def position_of(cursor: str | None) -> Position | None:
    """Read a cursor back; raise :class:`InvalidCursorError` for one that is none of ours.

    It only names a place in the caller's own list, so it needs no signature.
    """
    if not cursor:
        return None
    try:
        padded = cursor[:CURSOR_CHARACTERS].encode("ascii") + b"=" * (-len(cursor) % 4)
        at, _, last = base64.urlsafe_b64decode(padded).decode("ascii").partition("|")
        return Position(datetime.fromisoformat(at).astimezone(UTC), UUID(last))
    except (ValueError, OverflowError):
        raise InvalidCursorError(N_("This is no cursor of this list.")) from None
