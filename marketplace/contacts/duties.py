"""What becomes of the duty to delete a copy: attested, excepted, by its holder or by a link (rules D4, B6).

Reminders are in ``reminders.py``, the days in ``retention.py``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace import audit, outbox
from marketplace.accounts.tokens import hash_token, new_token
from marketplace.catalogues import N_
from marketplace.contacts import download_queries, duty_queries, retention
from marketplace.contacts.asking_recruiters import asking_recruiter
from marketplace.contacts.download_queries import DownloadView
from marketplace.contacts.duty_queries import DutyCounts, Holder
from marketplace.contacts.models import CVDownload, DutyException, DutyState, SettleLink
from marketplace.contacts.paging import Page, Position
from marketplace.errors import FieldError, InvalidInputError, NotFoundError
from marketplace.recruiters.lifecycle import RecruiterState
from marketplace.settings import Settings

SETTLED_AT_ONCE = 500

CANNOT_SIGN_IN = frozenset(
    {
        RecruiterState.SUSPENDED,
        RecruiterState.DELETION_PENDING,
        RecruiterState.CLOSED,
        RecruiterState.PURGED,
    }
)
"""Recruiters whose mails carry a link to settle instead of the page behind the sign-in (B6)."""


@dataclass(frozen=True)
class Duty:
    """A copy with how its duty stands today (rules D4)."""

    copy: DownloadView
    days_left: int
    is_overdue: bool


@dataclass(frozen=True)
class Settlement:
    """What is said of copies: deleted, or kept for a reason (rules D4)."""

    exception: DutyException | None = None
    reason: str | None = None


DELETED = Settlement()


@dataclass(frozen=True)
class LinkedDuties:
    """The open duties a mailed link is about (rules B6); nothing of the candidates is known here."""

    duties: tuple[Duty, ...]
    counts: DutyCounts


def kept(settings: Settings, exception: str, reason: str) -> Settlement:
    """Return the exception a form or program names, with its reason (D4).

    Raises :class:`InvalidInputError` for an unknown exception, and for a reason that is missing or
    too long: an exception without one is none.
    """
    faults = []
    if exception not in set(DutyException):
        faults.append(FieldError("exception", "invalid", N_("Choose why you must keep the copy.")))
    text, limit = reason.strip(), settings.exception_reason_max_characters
    if not text:
        sentence = (
            N_("Name the law and what it obliges you to keep.")
            if exception == DutyException.LEGAL_OBLIGATION
            else N_("Say in a sentence why you must keep the copy.")
        )
        faults.append(FieldError("reason", "required", sentence))
    elif len(text) > limit:
        faults.append(
            FieldError("reason", "too_long", N_("At most %(limit)s characters."), (("limit", limit),))
        )
    if faults:
        raise InvalidInputError(faults)
    return Settlement(DutyException(exception), text)


def own_duties(
    session: Session, now: datetime, account_id: UUID, after: Position | None = None
) -> Page[Duty]:
    """Return own copies, newest first, with the state of each duty and the days left (D4)."""
    recruiter = asking_recruiter(session, account_id)
    return _duties(download_queries.downloads(session, recruiter.recruiter_id, after=after), now.date())


def duties_to_settle(
    session: Session, now: datetime, account_id: UUID, after: Position | None = None
) -> Page[Duty]:
    """Return own open duties, the most overdue first (D4)."""
    recruiter = asking_recruiter(session, account_id)
    return _duties(duty_queries.open_duties(session, recruiter.recruiter_id, after=after), now.date())


def settled_duties(
    session: Session, now: datetime, account_id: UUID, after: Position | None = None
) -> Page[Duty]:
    """Return own settled duties, the last settled first (D4)."""
    recruiter = asking_recruiter(session, account_id)
    return _duties(duty_queries.settled_duties(session, recruiter.recruiter_id, after=after), now.date())


def own_counts(session: Session, now: datetime, settings: Settings, account_id: UUID) -> DutyCounts:
    """Return how many own duties are open, overdue, and stop downloads (D4)."""
    recruiter = asking_recruiter(session, account_id)
    return duty_queries.duty_counts(session, recruiter.recruiter_id, now.date(), settings.overdue_grace_days)


def settle(
    session: Session, now: datetime, account_id: UUID, copies: Collection[UUID] | None, said: Settlement
) -> tuple[Duty, ...]:
    """Settle own duties: those named, or with None every open one (D4).

    A settled duty stays as it was settled. Raises :class:`NotFoundError` when one is unknown or
    foreign, and then settles none. What was stopped for them goes on at once.
    """
    recruiter = asking_recruiter(session, account_id)
    return _settle(session, now, recruiter.recruiter_id, copies, said, account_id)


def issue_settle_link(
    session: Session,
    now: datetime,
    settings: Settings,
    recruiter_id: UUID,
    mailed_to: UUID | None = None,
) -> str | None:
    """Return a new link that settles a recruiter's duties without an account; None without an open duty (B6).

    For a mail that is being composed, in its transaction. ``mailed_to`` is the account it goes to, by
    default the recruiter's own: the link replaces the one mailed there before. It works any number of
    times until no duty is open, also after the recruiter's data are gone.
    """
    if not duty_queries.has_open_duty(session, recruiter_id):
        return None
    if mailed_to is None:
        holder = duty_queries.holder_of(session, recruiter_id)
        mailed_to = recruiter_id if holder is None or holder.account_id is None else holder.account_id
    token = new_token()
    values = {"token_hash": hash_token(token), "created_at": now}
    session.execute(
        insert(SettleLink)
        .values(recruiter_id=recruiter_id, mailed_to=mailed_to, **values)
        .on_conflict_do_update(index_elements=["recruiter_id", "mailed_to"], set_=values)
    )
    return f"{settings.base_url}/deletion-duties/{token}"


def linked_duties(session: Session, now: datetime, settings: Settings, token: str) -> LinkedDuties:
    """Return the open duties of a mailed link, the most overdue first (B6).

    Raises :class:`NotFoundError` when it is none of ours, was replaced, or everything is settled.
    """
    recruiter_id = _linked(session, token)
    page = duty_queries.open_duties(session, recruiter_id, size=SETTLED_AT_ONCE)
    counts = duty_queries.duty_counts(session, recruiter_id, now.date(), settings.overdue_grace_days)
    return LinkedDuties(_duties(page, now.date()).rows, counts)


def is_link_live(session: Session, token: str) -> bool:
    """Whether a mailed link still settles anything (B6)."""
    return duty_queries.recruiter_of_link(session, hash_token(token)) is not None


def settle_by_link(
    session: Session, now: datetime, token: str, copies: Collection[UUID] | None, said: Settlement
) -> tuple[Duty, ...]:
    """Settle through a mailed link what :func:`settle` settles for who is signed in (B6)."""
    return _settle(session, now, _linked(session, token), copies, said, None)


def tell_holder(
    session: Session,
    now: datetime,
    mail: str,
    recruiter_id: UUID,
    copies: Collection[UUID],
    unique_key: str,
) -> None:
    """Have a mail about copies sent to who holds them, or to who answers for them by then (D4, D5, B6)."""
    outbox.publish(
        session,
        now,
        "mail.requested",
        recruiter_id,
        details={
            "mail": mail, "recruiter_id": str(recruiter_id), "copy_ids": [str(copy) for copy in copies],
            "key": unique_key,
        },
        unique_key=unique_key,
    )  # fmt: skip


def is_gone(holder: Holder | None) -> bool:
    """Whether nobody reads a mail to the holder any more: the account is purged (B6)."""
    return holder is None or holder.account_id is None or holder.state is RecruiterState.PURGED


def _linked(session: Session, token: str) -> UUID:
    recruiter_id = duty_queries.recruiter_of_link(session, hash_token(token))
    if recruiter_id is None:
        raise NotFoundError
    return recruiter_id


def _settle(
    session: Session,
    now: datetime,
    recruiter_id: UUID,
    copies: Collection[UUID] | None,
    said: Settlement,
    account_id: UUID | None,
) -> tuple[Duty, ...]:
    if copies is not None and not 0 < len(set(copies)) <= SETTLED_AT_ONCE:
        raise InvalidInputError.of("ids", "count", "Name 1 to %(limit)s copies.", limit=SETTLED_AT_ONCE)
    statement = select(CVDownload).where(CVDownload.recruiter_id == recruiter_id)
    if copies is None:
        statement = statement.where(CVDownload.state == DutyState.OPEN)
    else:
        statement = statement.where(CVDownload.id.in_(set(copies)))
    held = session.scalars(statement.order_by(CVDownload.id).with_for_update()).all()
    if copies is not None and len(held) != len(set(copies)):
        raise NotFoundError
    for copy in held:
        if copy.state == DutyState.OPEN:
            _settle_one(session, now, copy, said, account_id)
    session.flush()
    if not duty_queries.has_open_duty(session, recruiter_id):
        session.execute(delete(SettleLink).where(SettleLink.recruiter_id == recruiter_id))
    views = (download_queries.download(session, copy.id) for copy in held)
    return tuple(_duty(view, now.date()) for view in views if view is not None)


def _settle_one(
    session: Session, now: datetime, copy: CVDownload, said: Settlement, account_id: UUID | None
) -> None:
    """Settle one open duty; the reason stays on it and out of the audit, being free text."""
    copy.state = DutyState.ATTESTED if said.exception is None else DutyState.EXCEPTED
    copy.settled_at, copy.exception, copy.exception_reason = now, said.exception, said.reason
    audit.record(
        session, now, "deletion.attested" if said.exception is None else "deletion.excepted",
        actor_id=account_id, actor_role="settle_link" if account_id is None else "recruiter",
        subject_kind="cv_download", subject_id=copy.id, rule="D4",
        **({} if said.exception is None else {"exception": said.exception.value}),
    )  # fmt: skip


def _duties(page: Page[DownloadView], today: date) -> Page[Duty]:
    return Page(tuple(_duty(copy, today) for copy in page.rows), page.after)


def _duty(copy: DownloadView, today: date) -> Duty:
    left = retention.days_left(copy.delete_by_on, today)
    return Duty(copy, left, copy.state is DutyState.OPEN and left < 0)
