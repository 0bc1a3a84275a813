"""Until when a downloaded copy must be deleted, and what follows when it is not (rules D4, D5). Pure.

Reminders are a later issue's; the dates they will hang on are here.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum

from marketplace.periods import add_months


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
