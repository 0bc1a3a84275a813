"""The day by which a copy must be deleted, before, at and after each bound."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.contacts.retention import (
    DueReminders,
    DutyStanding,
    ReminderPlan,
    dated_on,
    days_left,
    delete_by,
    due_reminders,
    reminded_instead,
    reminder_days,
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


PLAN = ReminderPlan((60, 30, 14, 3, 0), 7)


def life(downloaded: date, until: int = 40) -> dict[int, date]:
    """What is sent on which day of a duty, run every day until so many days after it is due."""
    due_on = delete_by(downloaded, 6)
    sent: dict[int, date] = {}
    recorded: set[date] = set()
    for number in range((due_on - downloaded).days + until + 1):
        today = downloaded + timedelta(days=number)
        for _ in range(2):  # the scheduler may run twice
            due = due_reminders(reminder_days(due_on, downloaded, today, PLAN), recorded)
            recorded |= {*due.superseded, *filter(None, [due.sent])}
            assert not due.superseded
            if due.sent is not None:
                assert due.sent == today
                sent[days_left(due_on, today)] = due.sent
    return sent


@pytest.mark.parametrize(
    "downloaded",
    [date(2026, 8, 31), date(2027, 8, 31), date(2027, 8, 29), date(2028, 2, 29), date(2026, 12, 31)],
)
def test_each_reminder_of_a_whole_life_comes_once_on_its_day(downloaded: date) -> None:
    """D4, C-08: 60, 30, 14, 3 days before, on the day, then weekly; over month ends and leap days."""
    assert list(life(downloaded)) == [60, 30, 14, 3, 0, -7, -14, -21, -28, -35]


@given(st.dates(date(2026, 1, 1), date(2099, 1, 1)))
def test_any_day_of_download_has_the_same_reminders(downloaded: date) -> None:
    """D4: whatever the day of the download, each step comes exactly once."""
    assert list(life(downloaded, 8)) == [60, 30, 14, 3, 0, -7]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_a_stop_of_the_scheduler_sends_the_latest_and_supersedes_the_others(gaps: list[int]) -> None:
    """D4: of several due after a stop one is sent; in the end each step is recorded exactly once."""
    downloaded = date(2026, 8, 31)
    due_on, today = delete_by(downloaded, 6), downloaded
    recorded: list[date] = []
    for gap in gaps:
        today += timedelta(days=gap)
        days = reminder_days(due_on, downloaded, today, PLAN)
        due = due_reminders(days, recorded)
        missing = [day for day in days if day not in recorded]
        assert due.sent == (missing[-1] if missing else None)
        assert list(due.superseded) == missing[:-1]
        recorded += missing
        assert due_reminders(days, recorded) == DueReminders(None, ())
    assert sorted(recorded) == list(reminder_days(due_on, downloaded, today, PLAN))


def test_off_for_ten_days() -> None:
    """D4: off after the 3-days reminder: that of the day is superseded by that of a week later."""
    due_on, downloaded = date(2027, 2, 28), date(2026, 8, 31)
    recorded = set(reminder_days(due_on, downloaded, due_on - timedelta(days=3), PLAN))
    assert len(recorded) == 4
    back = due_on + timedelta(days=7)
    due = due_reminders(reminder_days(due_on, downloaded, back, PLAN), recorded)
    assert due == DueReminders(back, (due_on,))


def test_a_step_on_or_before_the_day_of_the_date_does_not_exist() -> None:
    """D5: shortened to 7 days, a duty has the 3-days reminder and that of the day; none is made up for."""
    told = date(2026, 11, 23)
    due_on = shortened_delete_by(date(2027, 5, 23), told, 7)
    days = [reminder_days(due_on, told, told + timedelta(days=n), PLAN) for n in range(8)]
    assert [len(known) for known in days] == [0, 0, 0, 0, 1, 1, 1, 2]
    assert days[7] == (date(2026, 11, 27), date(2026, 11, 30))
    on_that_day = due_on - timedelta(days=3)
    assert reminder_days(due_on, on_that_day, on_that_day, PLAN) == ()
    assert reminder_days(due_on, on_that_day - timedelta(days=1), on_that_day, PLAN) == (on_that_day,)


def test_a_changed_setting_sends_nothing_of_the_past() -> None:
    """D4: a step that is put before a reminder already sent is superseded, never sent late."""
    due_on, downloaded = date(2027, 2, 28), date(2026, 8, 31)
    recorded = {due_on - timedelta(days=30)}
    today = due_on - timedelta(days=20)
    days = reminder_days(due_on, downloaded, today, ReminderPlan((45, 30, 14), 7))
    assert due_reminders(days, recorded) == DueReminders(None, (due_on - timedelta(days=45),))


def test_the_duty_has_its_date_from_the_last_who_set_it() -> None:
    """D4, D5: the day of the download, or the day the holder was told of the withdrawal."""
    taken, told = datetime(2026, 11, 23, 9, tzinfo=UTC), datetime(2026, 12, 1, 23, 59, tzinfo=UTC)
    assert dated_on(taken, None) == date(2026, 11, 23)
    assert dated_on(taken, told) == date(2026, 12, 1)


def test_whom_reminders_go_to_when_the_holder_is_gone() -> None:
    """B6: the company's owners, and only without one the admins."""
    assert reminded_instead(["owner"], ["admin"]) == ["owner"]
    assert reminded_instead([], ["admin", "another"]) == ["admin", "another"]
