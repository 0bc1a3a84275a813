"""The batch that reminds holders of copies: one mail a recruiter a run, each reminder once (rules D4)."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from marketplace import batches
from marketplace.batches import BatchReport, Job, Skip
from marketplace.contacts import duties, duty_queries, retention
from marketplace.contacts.models import CVDownload, DeletionReminder
from marketplace.contacts.retention import ReminderPlan
from marketplace.db import Database
from marketplace.recruiters.models import Recruiter
from marketplace.settings import Settings

NOTHING_DUE = "nothing_due"
"""Another run reminded this recruiter between the question and the lock."""


def plan_of(settings: Settings) -> ReminderPlan:
    """Return the steps of the reminders as the settings have them (D4)."""
    return ReminderPlan(settings.deletion_reminder_days, settings.deletion_reminder_every_days)


def remind_deletions(
    db: Database, now: datetime, settings: Settings, *, is_dry_run: bool = False
) -> BatchReport:
    """Write down the reminders due today and have their mails sent; run twice, it does nothing more (D4)."""
    return batches.run(db, reminder_job(now, settings), is_dry_run=is_dry_run)


def reminder_job(now: datetime, settings: Settings) -> Job[Recruiter]:
    """Return the job: each recruiter who holds a copy that a reminder is due for."""
    plan = plan_of(settings)
    return Job(
        name="contacts.remind_deletions",
        key=Recruiter.id,
        due=duty_queries.recruiters_to_remind(now.date(), plan),
        act=partial(_remind, now, plan),
        locked=(Recruiter,),
    )


def _remind(now: datetime, plan: ReminderPlan, session: Session, recruiter: Recruiter) -> Skip | None:
    """Record what is due of one recruiter's copies and request the one mail about them.

    The copies are read again under the recruiter's lock, and held: one that is being settled or
    shortened at this moment is waited for.
    """
    due = duty_queries.copies_to_remind(recruiter.id, now.date(), plan)
    copies = session.scalars(due.order_by(CVDownload.id).with_for_update()).all()
    recorded = duty_queries.recorded_reminders(session, [copy.id for copy in copies])
    reminded = []
    for copy in copies:
        dated_on = retention.dated_on(copy.downloaded_at, copy.holder_told_at)
        days = retention.reminder_days(copy.delete_by_on, dated_on, now.date(), plan)
        reminders = retention.due_reminders(days, recorded.get(copy.id, ()))
        for day in (*reminders.superseded, *filter(None, [reminders.sent])):
            is_sent = day == reminders.sent
            session.add(
                DeletionReminder(
                    copy_id=copy.id, due_on=day, days_before=(copy.delete_by_on - day).days,
                    sent_at=now if is_sent else None, superseded_at=None if is_sent else now,
                )
            )  # fmt: skip
        if reminders.sent is not None:
            reminded.append((copy.id, reminders.sent))
    if not reminded:
        return Skip(NOTHING_DUE)
    first, day = reminded[0]
    duties.tell_holder(
        session, now, "deletion_reminder", recruiter.id, [copy_id for copy_id, _ in reminded],
        unique_key=f"deletion_reminder:{first}:{day.isoformat()}",
    )  # fmt: skip
    return None
