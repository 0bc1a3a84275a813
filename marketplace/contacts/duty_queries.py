"""Read SQL of deletion duties: what is open, what a reminder is due for, whom it concerns (rules D4, B6).

A recruiter who is purged leaves a row without an account, so accounts are joined from the outside.
Nothing here decides; the steps of the reminders come in as data (:class:`retention.ReminderPlan`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Row,
    Select,
    Uuid,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    select,
    tuple_,
    type_coerce,
)
from sqlalchemy.orm import Session

from marketplace.accounts.models import Account
from marketplace.contacts.download_queries import DownloadView, download_view, downloads_statement
from marketplace.contacts.models import (
    CVDownload,
    DeletionReminder,
    DutyException,
    DutyState,
    Opening,
    SettleLink,
)
from marketplace.contacts.paging import PAGE, Page, Position
from marketplace.contacts.retention import ReminderPlan, stopping_cutoff
from marketplace.recruiters.lifecycle import RECRUITER_CAPABILITIES, RecruiterState
from marketplace.recruiters.models import Company, Recruiter


@dataclass(frozen=True)
class DutyCounts:
    """How many duties of one recruiter are open, overdue, and so late that they stop downloads (D4)."""

    open: int
    overdue: int
    stopping: int


@dataclass(frozen=True, kw_only=True)
class Holder:
    """The recruiter a duty is of; without an account once purged (rules B6)."""

    recruiter_id: UUID
    state: RecruiterState
    account_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class DutyLine:
    """A duty as an admin sees it (rules D4); ``recruiter`` is none once the account is gone."""

    copy_id: UUID
    recruiter_id: UUID
    recruiter: str | None
    company_id: UUID
    company: str
    opening_title: str
    downloaded_at: datetime
    delete_by_on: date
    state: DutyState
    exception: DutyException | None
    exception_reason: str | None
    settled_at: datetime | None
    candidate_withdrew: bool
    reminders_sent: int
    last_reminded_at: datetime | None


# --- Of one recruiter


def open_duties(
    session: Session, recruiter_id: UUID, *, after: Position | None = None, size: int = PAGE
) -> Page[DownloadView]:
    """Return the open duties of a recruiter, the most overdue first (D4)."""
    statement = downloads_statement().where(*_open_of(recruiter_id))
    if after is not None:
        key = tuple_(CVDownload.delete_by_on, CVDownload.id)
        statement = statement.where(key > tuple_(literal(after.at.date(), Date), literal(after.last)))
    statement = statement.order_by(CVDownload.delete_by_on, CVDownload.id)
    views = [download_view(row) for row in session.execute(statement.limit(size + 1))]
    shown = tuple(views[:size])
    if len(views) <= size:
        return Page(shown, None)
    return Page(shown, Position(datetime.combine(shown[-1].delete_by_on, time(), UTC), shown[-1].id))


def settled_duties(
    session: Session, recruiter_id: UUID, *, after: Position | None = None, size: int = PAGE
) -> Page[DownloadView]:
    """Return the settled duties of a recruiter, the last settled first (D4)."""
    statement = downloads_statement().where(
        CVDownload.recruiter_id == recruiter_id, CVDownload.settled_at.is_not(None)
    )
    if after is not None:
        key = tuple_(CVDownload.settled_at, CVDownload.id)
        statement = statement.where(key < tuple_(literal(after.at), literal(after.last)))
    statement = statement.order_by(CVDownload.settled_at.desc(), CVDownload.id.desc())
    views = [download_view(row) for row in session.execute(statement.limit(size + 1))]
    shown = tuple(views[:size])
    last = shown[-1] if len(views) > size else None
    return Page(
        shown, None if last is None or last.settled_at is None else Position(last.settled_at, last.id)
    )


def duty_counts(session: Session, recruiter_id: UUID, today: date, grace_days: int) -> DutyCounts:
    """Return how the open duties of a recruiter stand today (D4)."""
    due = CVDownload.delete_by_on
    row = session.execute(
        select(
            func.count().label("open"),
            func.count().filter(due < today).label("overdue"),
            func.count().filter(due < stopping_cutoff(today, grace_days)).label("stopping"),
        ).where(*_open_of(recruiter_id))
    ).one()
    return DutyCounts(row.open, row.overdue, row.stopping)


def has_open_duty(session: Session, recruiter_id: UUID) -> bool:
    """Whether a duty of this recruiter is still open."""
    return bool(session.scalar(select(exists().where(*_open_of(recruiter_id)))))


def has_open_duty_before(session: Session, recruiter_id: UUID, cutoff: date) -> bool:
    """Whether a duty of this recruiter is open that was due before ``cutoff`` (rules D4)."""
    return bool(session.scalar(_open_duty_before(), {"recruiter": recruiter_id, "cutoff": cutoff}))


@cache
def _open_duty_before() -> Select[tuple[bool]]:
    found = exists().where(
        CVDownload.recruiter_id == bindparam("recruiter", type_=Uuid()),
        CVDownload.state == DutyState.OPEN,
        CVDownload.delete_by_on < bindparam("cutoff", type_=Date()),
    )
    return select(found)


def open_copies(session: Session, copy_ids: Collection[UUID]) -> tuple[DownloadView, ...]:
    """Return which of these copies are still to be deleted, the most overdue first."""
    statement = (
        downloads_statement()
        .where(CVDownload.id.in_(copy_ids), CVDownload.state == DutyState.OPEN)
        .order_by(CVDownload.delete_by_on, CVDownload.id)
    )
    return tuple(download_view(row) for row in session.execute(statement))


def recruiter_of_link(session: Session, token_hash: bytes) -> UUID | None:
    """Return whose duties a mailed link settles; None for a link that is none, or is over (B6)."""
    return session.scalar(select(SettleLink.recruiter_id).where(SettleLink.token_hash == token_hash))


def _open_of(recruiter_id: UUID) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return CVDownload.recruiter_id == recruiter_id, CVDownload.state == DutyState.OPEN


# --- Whom a reminder goes to


def holder_of(session: Session, recruiter_id: UUID) -> Holder | None:
    """Return the recruiter of a duty with the account, if there still is one."""
    row = session.execute(
        select(Recruiter.state, Account.id)
        .select_from(Recruiter)
        .outerjoin(Account, Account.id == Recruiter.account_id)
        .where(Recruiter.id == recruiter_id)
    ).one_or_none()
    if row is None:
        return None
    return Holder(recruiter_id=recruiter_id, state=RecruiterState(row.state), account_id=row.id)


def owners_answering_for(session: Session, copy_ids: Collection[UUID]) -> tuple[UUID, ...]:
    """Return the accounts of those who own the company the copies were taken for, and can act (B6)."""
    companies = select(CVDownload.company_id).where(CVDownload.id.in_(copy_ids))
    able = [state for state, may in RECRUITER_CAPABILITIES.items() if may.may_complete_profile]
    statement = (
        select(Account.id)
        .join(Recruiter, Recruiter.account_id == Account.id)
        .where(Recruiter.company_id.in_(companies), Recruiter.is_owner, Recruiter.state.in_(able))
        .order_by(Account.registered_at, Account.id)
    )
    return tuple(session.scalars(statement))


# --- Reminders


def recruiters_to_remind(today: date, plan: ReminderPlan) -> Select[Recruiter]:
    """Return the recruiters who hold a copy that a reminder is due for (D4)."""
    due = exists().where(CVDownload.recruiter_id == Recruiter.id, *_is_due(today, plan))
    return select(Recruiter).where(due)


def copies_to_remind(recruiter_id: UUID, today: date, plan: ReminderPlan) -> Select[CVDownload]:
    """Return the copies of one recruiter that a reminder is due for (D4)."""
    return select(CVDownload).where(CVDownload.recruiter_id == recruiter_id, *_is_due(today, plan))


def recorded_reminders(session: Session, copy_ids: Collection[UUID]) -> Mapping[UUID, set[date]]:
    """Return the days of the reminders written down already, of each copy."""
    found: dict[UUID, set[date]] = defaultdict(set)
    rows = session.execute(
        select(DeletionReminder.copy_id, DeletionReminder.due_on).where(
            DeletionReminder.copy_id.in_(copy_ids)
        )
    )
    for row in rows:
        found[row.copy_id].add(row.due_on)
    return found


def _is_due(today: date, plan: ReminderPlan) -> Sequence[ColumnElement[bool]]:
    """The rule of ``retention.py`` in SQL: the last step until today is after the date, and not recorded."""
    due_on, day = CVDownload.delete_by_on, literal(today, Date)
    late = type_coerce(day - due_on, Integer)
    every = literal(plan.every_days, Integer)
    last_step = cast(
        case(
            (late >= every, due_on + (late // every) * every),
            *(
                (late >= literal(-before, Integer), due_on - literal(before, Integer))
                for before in sorted(plan.days_before)
            ),
        ),
        Date,
    )
    dated_on = cast(func.coalesce(CVDownload.holder_told_at, CVDownload.downloaded_at), Date)
    recorded = exists().where(DeletionReminder.copy_id == CVDownload.id, DeletionReminder.due_on >= last_step)
    return (
        CVDownload.state == DutyState.OPEN,
        due_on <= day + literal(plan.first_days_before, Integer),
        last_step > dated_on,
        ~recorded,
    )


# --- For admins


def overdue_count(session: Session, today: date) -> int:
    """Return how many duties are overdue (D4)."""
    statement = select(func.count()).where(
        CVDownload.state == DutyState.OPEN, CVDownload.delete_by_on < today
    )
    return session.scalar(statement) or 0


def duty_lines(
    session: Session,
    *,
    overdue_on: date | None = None,
    state: DutyState | None = None,
    after: tuple[date, UUID] | None = None,
    size: int = PAGE,
) -> Sequence[DutyLine]:
    """Return ``size + 1`` duties, the first due first: all, those of a state, or overdue on a day (D4)."""
    statement = _lines()
    if overdue_on is not None:
        statement = statement.where(CVDownload.state == DutyState.OPEN, CVDownload.delete_by_on < overdue_on)
    if state is not None:
        statement = statement.where(CVDownload.state == state)
    if after is not None:
        key = tuple_(CVDownload.delete_by_on, CVDownload.id)
        statement = statement.where(key > tuple_(literal(after[0], Date), literal(after[1])))
    statement = statement.order_by(CVDownload.delete_by_on, CVDownload.id).limit(size + 1)
    return [_line(row) for row in session.execute(statement)]


def _lines() -> Select[*tuple[Any, ...]]:
    sent = (
        select(func.count().label("number"), func.max(DeletionReminder.sent_at).label("last"))
        .where(DeletionReminder.copy_id == CVDownload.id, DeletionReminder.sent_at.is_not(None))
        .lateral("sent")
    )
    return (
        select(
            CVDownload, Opening.title, Company.legal_name, Account.first_name, Account.last_name,
            sent.c.number, sent.c.last,
        )
        .select_from(CVDownload)
        .join(Opening, Opening.id == CVDownload.opening_id)
        .outerjoin(Company, Company.id == CVDownload.company_id)
        .outerjoin(Recruiter, Recruiter.id == CVDownload.recruiter_id)
        .outerjoin(Account, Account.id == Recruiter.account_id)
        .join(sent, literal(value=True))
    )  # fmt: skip


def _line(row: Row[*tuple[Any, ...]]) -> DutyLine:
    copy: CVDownload = row[0]
    name = None if row.first_name is None else f"{row.first_name} {row.last_name}".strip()
    return DutyLine(
        copy_id=copy.id,
        recruiter_id=copy.recruiter_id,
        recruiter=name,
        company_id=copy.company_id,
        company=row.legal_name or "",
        opening_title=row.title,
        downloaded_at=copy.downloaded_at,
        delete_by_on=copy.delete_by_on,
        state=DutyState(copy.state),
        exception=None if copy.exception is None else DutyException(copy.exception),
        exception_reason=copy.exception_reason,
        settled_at=copy.settled_at,
        candidate_withdrew=copy.holder_told_at is not None,
        reminders_sent=row.number,
        last_reminded_at=row.last,
    )
