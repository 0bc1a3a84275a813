"""When notices are due and when an account ends, at every bound (rules B5)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from marketplace.recruiters.retention import (
    InactivityRule,
    Notices,
    accessed_summary,
    anchor,
    announced_end,
    ends_at,
    hold_is_live,
    notice_due_at,
    notices_due,
    purge_due_at,
)

RULE = InactivityRule(years=1, notice_days=(60, 30, 7), days_after_last_notice=7)
SECOND = timedelta(seconds=1)
SINCE = datetime(2026, 3, 15, 10, 30, tzinfo=UTC)
END = datetime(2027, 3, 15, 10, 30, tzinfo=UTC)


def at(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("registered", "active", "expected"),
    [
        (at(2026, 1, 1), None, at(2026, 1, 1)),
        (at(2026, 1, 1), at(2026, 5, 1), at(2026, 5, 1)),
        (at(2026, 5, 1), at(2026, 1, 1), at(2026, 5, 1)),
    ],
)
def test_the_clock_runs_from_the_later(
    registered: datetime, active: datetime | None, expected: datetime
) -> None:
    """B5: the later of registration and last authenticated activity counts, never the anniversary alone."""
    assert anchor(registered, active) == expected


@pytest.mark.parametrize(
    ("since", "end"),
    [
        (at(2026, 3, 15), at(2027, 3, 15)),
        (at(2027, 2, 28), at(2028, 2, 28)),
        (at(2028, 2, 29), at(2029, 2, 28)),
        (at(2027, 12, 31), at(2028, 12, 31)),
        (at(2027, 3, 1), at(2028, 3, 1)),
    ],
)
def test_a_year_is_a_calendar_year(since: datetime, end: datetime) -> None:
    """B5: one calendar year to the instant; a year from 29 February ends on the 28th."""
    assert ends_at(since, RULE) == end


@pytest.mark.parametrize("step", [60, 30, 7])
def test_a_notice_is_due_from_its_instant_on(step: int) -> None:
    """B5: notices 60, 30 and 7 days before the end, not a second earlier."""
    due = notice_due_at(SINCE, step, RULE)
    assert due == END - timedelta(days=step)
    earlier = [other for other in RULE.notice_days if other > step]
    assert notices_due(SINCE, earlier, due - SECOND, RULE) is None
    for now in (due, due + SECOND):
        assert notices_due(SINCE, earlier, now, RULE) == Notices(send=step, superseded=())
        assert notices_due(SINCE, [*earlier, step], now, RULE) is None


@pytest.mark.parametrize(
    ("days_left", "recorded", "expected"),
    [
        (61, [], None),
        (60, [], Notices(send=60, superseded=())),
        (30, [], Notices(send=30, superseded=(60,))),
        (7, [], Notices(send=7, superseded=(30, 60))),
        (7, [60], Notices(send=7, superseded=(30,))),
        (-40, [], Notices(send=7, superseded=(30, 60))),
        (-40, [60, 30], Notices(send=7, superseded=())),
        (20, [30], None),
        (0, [7], None),
    ],
)
def test_after_a_stop_the_latest_stands_for_the_earlier(
    days_left: int, recorded: list[int], expected: Notices | None
) -> None:
    """B5: of several notices that are due the latest is sent, the earlier are superseded, none follows it."""
    assert notices_due(SINCE, recorded, END - timedelta(days=days_left), RULE) == expected


@pytest.mark.parametrize(
    ("sent", "due"),
    [
        (None, None),
        (END - timedelta(days=7), END),
        (END - timedelta(days=7) + SECOND, END + SECOND),
        (END + timedelta(days=3), END + timedelta(days=10)),
        (END - timedelta(days=300), END),
    ],
)
def test_the_end_waits_for_the_last_notice(sent: datetime | None, due: datetime | None) -> None:
    """B5: not before the year has passed, nor before 7 days after the last notice, nor without it."""
    assert purge_due_at(SINCE, sent, RULE) == due


def test_the_day_a_notice_names_is_never_too_early() -> None:
    """B5: a late notice names the day after which its own seven days have passed."""
    assert announced_end(SINCE, END - timedelta(days=60), RULE) == END
    assert announced_end(SINCE, END + timedelta(days=3), RULE) == END + timedelta(days=10)


@pytest.mark.parametrize(
    ("today", "lifted", "is_live"),
    [
        (date(2026, 12, 31), None, True),
        (date(2027, 1, 1), None, False),
        (date(2026, 12, 31), SINCE, False),
    ],
)
def test_a_hold_lasts_to_the_end_of_its_day(today: date, lifted: datetime | None, is_live: bool) -> None:
    """B5: a legal hold stops the purge on its last day still, and no more once it is lifted."""
    assert hold_is_live(date(2026, 12, 31), lifted, today) is is_live


def test_the_archive_counts_and_names_nobody() -> None:
    """F3: what a recruiter accessed is kept as counts with first and last."""
    assert accessed_summary([("opening", 3, SINCE, END)]) == {
        "opening": {"count": 3, "first": SINCE.isoformat(), "last": END.isoformat()}
    }
