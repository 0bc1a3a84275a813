"""Inactive recruiters: their notices, the end of their account, and what a sign-in does to both (B5).

Three jobs for the batch runner. Each decides again under the row locks, by the pure rules of
``retention.py``: whoever signs in meanwhile wins, and whoever comes after it is locked out.
A legal hold stops closing and purging; the notices go on, so that its end is no surprise.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, and_, cast, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from marketplace import audit
from marketplace.accounts.mail_requests import MAIL_REQUESTED, request_mail
from marketplace.accounts.models import Account
from marketplace.batches import MOVED_ON, Job, Skip
from marketplace.outbox import MAX_ATTEMPTS, OutboxMessage
from marketplace.recruiters import closing, retention
from marketplace.recruiters.closing import ClosingHooks, ClosingReason
from marketplace.recruiters.lifecycle import RecruiterState, transition
from marketplace.recruiters.models import ArchiveRecord, Company, InactivityNotice, LegalHold, Recruiter
from marketplace.recruiters.retention import InactivityRule
from marketplace.settings import Settings

NOTICE = "inactivity_notice"
"""Name of the mail."""

LEGAL_HOLD = "legal_hold"

RUNNING = (
    RecruiterState.PENDING_REVIEW,
    RecruiterState.ACTIVE,
    RecruiterState.NOTIFIED,
    RecruiterState.SUSPENDED,
)
"""States in which the clock runs: suspension does not stop it (E5), unconfirmed ones have their rule."""


def rule_of(settings: Settings) -> InactivityRule:
    """Return the numbers of B5 as they are set."""
    return InactivityRule(
        years=settings.inactivity_years,
        notice_days=(
            settings.inactivity_first_notice_days,
            settings.inactivity_second_notice_days,
            settings.inactivity_last_notice_days,
        ),
        days_after_last_notice=settings.inactivity_days_after_last_notice,
    )


def signed_in(session: Session, now: datetime, account_id: UUID) -> None:
    """Hook of accounts: a sign-in clears the notices and what they changed (B5)."""
    found = session.execute(
        select(Recruiter.id, Recruiter.state).where(Recruiter.account_id == account_id)
    ).one_or_none()
    if found is None:
        return
    cleared = session.execute(
        delete(InactivityNotice)
        .where(InactivityNotice.recruiter_id == found.id)
        .returning(InactivityNotice.id)
    ).all()
    if not cleared:
        return
    recruiter = session.get_one(Recruiter, found.id, with_for_update=True, populate_existing=True)
    if recruiter.state == RecruiterState.NOTIFIED:
        recruiter.state = transition(RecruiterState.NOTIFIED, RecruiterState.ACTIVE)
        recruiter.state_changed_at = now
    audit.record(
        session, now, "recruiter.notices_cleared", actor_id=account_id, actor_role="recruiter",
        subject_kind="recruiter", subject_id=recruiter.id, rule="B5", notices=len(cleared),
    )  # fmt: skip


# --- Notices -------------------------------------------------------------------------------------


def notices_job(now: datetime, settings: Settings) -> Job[Recruiter]:
    """Ask for the mail of each notice that is due, and record those it stands for (B5)."""
    rule = rule_of(settings)
    since = _since()
    due = or_(
        *(
            and_(
                _end(since, rule) - timedelta(days=step) <= now,
                ~exists().where(
                    InactivityNotice.recruiter_id == Recruiter.id,
                    InactivityNotice.anchor == since,
                    InactivityNotice.step <= step,
                ),
            )
            for step in rule.notice_days
        )
    )
    return Job(
        name="recruiters.inactivity_notices",
        key=Recruiter.id,
        due=_running().where(due),
        act=lambda session, recruiter: _notify(session, now, rule, recruiter),
        locked=(Account, Recruiter),
    )


def _notify(session: Session, now: datetime, rule: InactivityRule, recruiter: Recruiter) -> Skip | None:
    since = anchor_of(session, recruiter)
    recorded = session.scalars(
        select(InactivityNotice.step).where(
            InactivityNotice.recruiter_id == recruiter.id, InactivityNotice.anchor == since
        )
    ).all()
    notices = retention.notices_due(since, recorded, now, rule)
    if notices is None:
        return Skip(MOVED_ON)
    for step in (notices.send, *notices.superseded):
        notice = InactivityNotice(
            recruiter_id=recruiter.id,
            anchor=since,
            step=step,
            due_at=retention.notice_due_at(since, step, rule),
            requested_at=now,
            superseded_at=None if step == notices.send else now,
        )
        session.add(notice)
        if step == notices.send:
            session.flush()
            request_mail(session, now, NOTICE, recruiter.account_id, notice_id=str(notice.id))
    if recruiter.state == RecruiterState.ACTIVE:
        recruiter.state = transition(RecruiterState.ACTIVE, RecruiterState.NOTIFIED)
        recruiter.state_changed_at = now
    audit.record(
        session, now, "recruiter.notified", actor_id=None, actor_role="system",
        subject_kind="recruiter", subject_id=recruiter.id, rule="B5",
        step=notices.send, superseded=list(notices.superseded),
    )  # fmt: skip
    return None


def mark_undeliverable(session: Session, now: datetime) -> int:
    """Note which notices their receiver refused for good: they count as sent on this day (B5).

    A mail that could not be written, or waits for the mail server, is none of them: that is our fault,
    and nobody is purged for it.
    """
    refused = (
        exists()
        .where(
            OutboxMessage.topic == MAIL_REQUESTED,
            OutboxMessage.details["notice_id"].astext == cast(InactivityNotice.id, String),
            OutboxMessage.done_at.is_(None),
            OutboxMessage.attempts >= MAX_ATTEMPTS,
            OutboxMessage.last_error == "UnavailableError",
        )
    )  # fmt: skip
    marked = session.execute(
        update(InactivityNotice)
        .where(
            InactivityNotice.sent_at.is_(None),
            InactivityNotice.superseded_at.is_(None),
            InactivityNotice.undeliverable_at.is_(None),
            refused,
        )
        .values(undeliverable_at=now)
        .returning(InactivityNotice.id)
        .execution_options(synchronize_session=False)
    )
    return len(marked.all())


# --- The end -------------------------------------------------------------------------------------


def closing_job(now: datetime, settings: Settings, hooks: ClosingHooks) -> Job[Recruiter]:
    """Close whose year has passed and who had every notice (B5, B6)."""
    rule = rule_of(settings)
    told = now - timedelta(days=rule.days_after_last_notice)
    was_told = exists().where(
        InactivityNotice.recruiter_id == Recruiter.id,
        InactivityNotice.anchor == _since(),
        InactivityNotice.step == rule.last_step,
        _sent_at() <= told,
    )

    def act(session: Session, recruiter: Recruiter) -> Skip | None:
        due_at = retention.purge_due_at(
            anchor_of(session, recruiter), _last_notice(session, recruiter, rule), rule
        )
        if due_at is None or now < due_at:
            return Skip(MOVED_ON)
        if is_held(session, now, recruiter.id):
            return Skip(LEGAL_HOLD)
        return closing.close(session, now, settings, hooks, recruiter, ClosingReason.INACTIVITY)

    return Job(
        name="recruiters.inactive",
        key=Recruiter.id,
        due=_running()
        .join(Company, Company.id == Recruiter.company_id)
        .where(_end(_since(), rule) <= now, was_told, ~_held(now)),
        act=act,
        locked=(Company, Account, Recruiter),
    )


def purging_job(
    now: datetime, settings: Settings, hooks: ClosingHooks, forget: Callable[[str], object]
) -> Job[Recruiter]:
    """Purge who is closed, once the statement was mailed or had its days (B6).

    ``forget`` removes the mails kept of an address; it is called last, for it cannot be taken back.
    """
    overdue = now - timedelta(days=settings.closing_mail_days)
    settled = exists().where(
        ArchiveRecord.recruiter_id == Recruiter.id,
        or_(ArchiveRecord.statement_sent_at <= now, ArchiveRecord.closed_at <= overdue),
    )

    def act(session: Session, recruiter: Recruiter) -> Skip | None:
        if is_held(session, now, recruiter.id):
            return Skip(LEGAL_HOLD)
        forget(closing.purge(session, now, hooks, recruiter))
        return None

    return Job(
        name="recruiters.closed",
        key=Recruiter.id,
        due=select(Recruiter)
        .join(Account, Account.id == Recruiter.account_id)
        .where(Recruiter.state == RecruiterState.CLOSED, settled, ~_held(now)),
        act=act,
        locked=(Account, Recruiter),
    )


def ending_by(session: Session, until: datetime, settings: Settings) -> int:
    """Return how many are closed by ``until`` if nobody signs in and no hold outlasts it (F2)."""
    due = _running().where(_end(_since(), rule_of(settings)) <= until, ~_held(until))
    return session.scalar(due.with_only_columns(func.count())) or 0


def closed_by(session: Session, until: datetime, _: Settings) -> int:
    """Return how many are closed and wait to be purged by ``until`` (F2)."""
    waiting = select(func.count()).where(Recruiter.state == RecruiterState.CLOSED, ~_held(until))
    return session.scalar(waiting) or 0


def anchor_of(session: Session, recruiter: Recruiter) -> datetime:
    """Return the instant a recruiter's clock runs from, as it is now (B5)."""
    row = session.execute(
        select(Account.registered_at, Account.last_activity_at).where(Account.id == recruiter.account_id)
    ).one()
    return retention.anchor(row.registered_at, row.last_activity_at)


def is_held(session: Session, now: datetime, recruiter_id: UUID) -> bool:
    """Whether a legal hold stops the purge; placing one waits for the row this is asked under (B5)."""
    holds = session.execute(
        select(LegalHold.ends_on, LegalHold.lifted_at).where(LegalHold.recruiter_id == recruiter_id)
    )
    return any(retention.hold_is_live(hold.ends_on, hold.lifted_at, now.date()) for hold in holds)


def _last_notice(session: Session, recruiter: Recruiter, rule: InactivityRule) -> datetime | None:
    return session.scalar(
        select(_sent_at()).where(
            InactivityNotice.recruiter_id == recruiter.id,
            InactivityNotice.anchor == anchor_of(session, recruiter),
            InactivityNotice.step == rule.last_step,
        )
    )


def _running() -> Select[Recruiter]:
    return (
        select(Recruiter)
        .join(Account, Account.id == Recruiter.account_id)
        .where(Recruiter.state.in_(RUNNING))
    )


def _since() -> ColumnElement[datetime]:
    """The anchor in SQL; GREATEST passes over an activity that never was."""
    return func.greatest(Account.registered_at, Account.last_activity_at)


def _end(since: ColumnElement[datetime], rule: InactivityRule) -> ColumnElement[datetime]:
    return since + func.make_interval(rule.years)


def _sent_at() -> ColumnElement[datetime | None]:
    return func.coalesce(InactivityNotice.sent_at, InactivityNotice.undeliverable_at)


def _held(at: datetime) -> ColumnElement[bool]:
    return exists().where(
        LegalHold.recruiter_id == Recruiter.id,
        LegalHold.lifted_at.is_(None),
        LegalHold.ends_on >= at.date(),
    )
