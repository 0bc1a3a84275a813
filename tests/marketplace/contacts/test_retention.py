"""The day by which a copy must be deleted, before, at and after each bound."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.contacts.retention import (
    DutyStanding,
    days_left,
    delete_by,
    shortened_delete_by,
    standing,
    stopping_cutoff,
    ticket_is_live,
)


@pytest.mark.parametrize(
    ("downloaded", "due"),
    [
        (date(2026, 8, 30), date(2027, 2, 28)),
        (date(2026, 8, 31), date(2027, 2, 28)),
        (date(2027, 8, 31), date(2028, 2, 29)),
        (date(2027, 8, 29), date(2028, 2, 29)),
        (date(2027, 8, 28), date(2028, 2, 28)),
        (date(2028, 2, 29), date(2028, 8, 29)),
        (date(2026, 12, 31), date(2027, 6, 30)),
        (date(2026, 3, 31), date(2026, 9, 30)),
        (date(2026, 11, 23), date(2027, 5, 23)),
    ],
)
def test_a_copy_is_kept_six_calendar_months(downloaded: date, due: date) -> None:
    """D4: the day is six calendar months after the download, clamped to the end of a short month."""
    assert delete_by(downloaded, 6) == due


@given(st.dates(date(2026, 1, 1), date(2099, 12, 31)))
def test_six_months_never_runs_backwards(day: date) -> None:
    """D4: a later download is never due earlier, and the period is 181 to 184 days or to a month's end."""
    assert delete_by(day, 6) <= delete_by(day + timedelta(days=1), 6)
    assert 178 <= (delete_by(day, 6) - day).days <= 184


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        (date(2026, 11, 29), date(2026, 11, 29)),
        (date(2026, 11, 30), date(2026, 11, 30)),
        (date(2026, 12, 1), date(2026, 11, 30)),
        (date(2027, 5, 23), date(2026, 11, 30)),
        (date(2026, 11, 1), date(2026, 11, 1)),
    ],
)
def test_a_withdrawal_shortens_and_never_lengthens(current: date, expected: date) -> None:
    """D5: seven days from today, or what was due before that."""
    assert shortened_delete_by(current, date(2026, 11, 23), 7) == expected


def test_seven_days_over_a_leap_day() -> None:
    """D5: days are counted over 29 February as over any other."""
    assert shortened_delete_by(date(2028, 8, 1), date(2028, 2, 25), 7) == date(2028, 3, 3)
    assert shortened_delete_by(date(2027, 8, 1), date(2027, 2, 25), 7) == date(2027, 3, 4)


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        (-1, DutyStanding.RUNNING),
        (0, DutyStanding.RUNNING),
        (1, DutyStanding.OVERDUE),
        (14, DutyStanding.OVERDUE),
        (15, DutyStanding.STOPPING),
    ],
)
def test_a_duty_stops_downloads_when_overdue_over_fourteen_days(late: int, expected: DutyStanding) -> None:
    """D4: the day itself still runs; fourteen days late is overdue, fifteen stops new downloads."""
    today = date(2026, 11, 23)
    due = today - timedelta(days=late)
    assert standing(due, today, 14) is expected
    assert days_left(due, today) == -late
    assert (due < stopping_cutoff(today, 14)) is (expected is DutyStanding.STOPPING)


@pytest.mark.parametrize(("seconds", "live"), [(-1, False), (0, True), (59, True), (60, True), (61, False)])
def test_a_copy_is_handed_out_within_a_minute(seconds: int, live: bool) -> None:
    """U-08: within 60 s of the download, and not before it."""
    at = datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert ticket_is_live(at, at + timedelta(seconds=seconds), 60) is live
