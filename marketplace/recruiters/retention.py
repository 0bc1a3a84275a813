"""When an inactive recruiter is told, and when their account ends (rules B5). Pure.

The clock runs from the later of registration and last authenticated activity, the *anchor*. All
notices of one anchor are one cycle; a newer anchor makes an older cycle void, so that nothing that
was sent before a sign-in ever counts after it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from marketplace.periods import add_years


@dataclass(frozen=True, kw_only=True)
class InactivityRule:
    """The numbers of B5: calendar years, days of the notices before the end, days after the last one."""

    years: int
    notice_days: tuple[int, ...]
    days_after_last_notice: int

    @property
    def last_step(self) -> int:
        """The notice without which nothing ends: the one nearest to the end."""
        return min(self.notice_days)


@dataclass(frozen=True, kw_only=True)
class Notices:
    """What to do now: the step to send, and those it stands for because nobody sent them in time."""

    send: int
    superseded: tuple[int, ...]


def anchor(registered_at: datetime, last_activity_at: datetime | None) -> datetime:
    """Return the instant B5 counts from: the later of registration and last authenticated activity."""
    return registered_at if last_activity_at is None else max(registered_at, last_activity_at)


def ends_at(since: datetime, rule: InactivityRule) -> datetime:
    """Return the instant a calendar period after the anchor has passed; of 29 February the 28th (B5)."""
    return add_years(since, rule.years)


def notice_due_at(since: datetime, step: int, rule: InactivityRule) -> datetime:
    """Return when the notice of ``step`` days before the end is due (B5)."""
    return ends_at(since, rule) - timedelta(days=step)


def notices_due(
    since: datetime, recorded: Collection[int], now: datetime, rule: InactivityRule
) -> Notices | None:
    """Return which notice is to be sent now; None when there is nothing to say (B5).

    ``recorded`` are the steps of this cycle that were sent or superseded before. Of several that are
    due, because the scheduler stood still, the latest is sent and the earlier are superseded; none is
    sent after one that is nearer to the end.
    """
    said = min(recorded, default=max(rule.notice_days) + 1)
    due = sorted(step for step in rule.notice_days if step < said and notice_due_at(since, step, rule) <= now)
    return Notices(send=due[0], superseded=tuple(due[1:])) if due else None


def purge_due_at(
    since: datetime, last_notice_sent_at: datetime | None, rule: InactivityRule
) -> datetime | None:
    """Return when the account ends: after the period, and after the last notice had its days (B5).

    None while the last notice was not sent: nobody is purged without it.
    """
    if last_notice_sent_at is None:
        return None
    return max(ends_at(since, rule), last_notice_sent_at + timedelta(days=rule.days_after_last_notice))


def announced_end(since: datetime, now: datetime, rule: InactivityRule) -> datetime:
    """Return the earliest end a notice sent now may name; what is named is never earlier than what happens.

    Of a notice that comes late the days after it are counted too.
    """
    return max(ends_at(since, rule), now + timedelta(days=rule.days_after_last_notice))


def hold_is_live(ends_on: date, lifted_at: datetime | None, today: date) -> bool:
    """Whether a legal hold stops the purge: to the end of its last day, unless it was lifted (B5)."""
    return lifted_at is None and today <= ends_on


def accessed_summary(
    rows: Sequence[tuple[str, int, datetime, datetime]],
) -> Mapping[str, Mapping[str, object]]:
    """Return what a recruiter accessed as the archive keeps it: counts, first and last, by kind (F3)."""
    return {
        kind: {"count": count, "first": first.isoformat(), "last": last.isoformat()}
        for kind, count, first, last in rows
    }
