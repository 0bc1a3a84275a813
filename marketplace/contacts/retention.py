"""Until when a downloaded copy must be deleted, and what follows when it is not (rules D4, D5). Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from marketplace.periods import add_months

_Key = TypeVar("_Key")


class DutyStanding(StrEnum):
    """How an open duty stands today."""

    RUNNING = "running"
    OVERDUE = "overdue"
    STOPPING = "stopping"


def delete_by(downloaded_on: date, months: int) -> date:
    """Return the last day a copy may be kept: calendar months after the download (rules D4).

    31 August plus six months is the last day of February.
    """
    return add_months(downloaded_on, months)


def shortened_delete_by(current: date, today: date, days: int) -> date:
    """Return the day after a withdrawal: ``days`` from today, never later than before (rules D5)."""
    return min(current, today + timedelta(days=days))


def days_left(delete_by_on: date, today: date) -> int:
    """Return the days until the copy must be gone; negative once overdue (rules D4)."""
    return (delete_by_on - today).days


def standing(delete_by_on: date, today: date, grace_days: int) -> DutyStanding:
    """Return how an open duty stands: overdue from the day after, stopping once over ``grace_days`` (D4)."""
    late = -days_left(delete_by_on, today)
    if late <= 0:
        return DutyStanding.RUNNING
    return DutyStanding.STOPPING if late > grace_days else DutyStanding.OVERDUE


def stopping_cutoff(today: date, grace_days: int) -> date:
    """Return the day such that an open duty due before it stops new downloads (rules D4)."""
    return today - timedelta(days=grace_days)


def ticket_is_live(downloaded_at: datetime, now: datetime, seconds: int) -> bool:
    """Whether the copy may still be handed out: within ``seconds`` of the download (interface.md)."""
    return downloaded_at <= now <= downloaded_at + timedelta(seconds=seconds)


def dated_on(downloaded_at: datetime, holder_told_at: datetime | None) -> date:
    """Return the day a duty got its date: of the download, or of the mail after a withdrawal (D4, D5)."""
    return (holder_told_at or downloaded_at).date()


@dataclass(frozen=True)
class ReminderPlan:
    """When the holder of a copy is reminded, as data: the query of the batch is made from it too (D4)."""

    days_before: tuple[int, ...]
    every_days: int

    @property
    def first_days_before(self) -> int:
        """How long before the day the first reminder comes."""
        return max(self.days_before)


@dataclass(frozen=True)
class DueReminders:
    """What is to be done today about one copy: one reminder, and those it makes superfluous."""

    sent: date | None
    superseded: tuple[date, ...]


def reminder_days(delete_by_on: date, dated_on: date, today: date, plan: ReminderPlan) -> tuple[date, ...]:
    """Return the days of the reminders until today, ascending: the steps before, then every so often (D4).

    ``dated_on`` is the day the duty got its date: of the download, or of the mail that shortened it
    (D5). A step on or before that day does not exist: nobody is reminded of what they were just told.
    """
    days = {delete_by_on - timedelta(days=before) for before in plan.days_before}
    late = -days_left(delete_by_on, today)
    days.update(
        delete_by_on + timedelta(days=after) for after in range(plan.every_days, late + 1, plan.every_days)
    )
    return tuple(sorted(day for day in days if dated_on < day <= today))


def due_reminders(days: Sequence[date], recorded: Collection[date]) -> DueReminders:
    """Return what is due of ``days`` given those recorded: the latest is sent, once, whatever was missed.

    After a stop of the scheduler the earlier ones are superseded, and so is a step that a changed
    setting puts before a reminder already sent (D4).
    """
    missing = tuple(day for day in sorted(days) if day not in recorded)
    last = max(recorded, default=None)
    if missing and (last is None or missing[-1] > last):
        return DueReminders(missing[-1], missing[:-1])
    return DueReminders(None, missing)


def reminded_instead(owners: Sequence[_Key], admins: Sequence[_Key]) -> Sequence[_Key]:
    """Return whom the reminders go to when the holder is gone: the company's owners, else admins (B6)."""
    return owners or admins
