"""Calendar arithmetic: periods are calendar periods (rules.md, preamble and G)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace import periods

DAYS = st.dates(date(1950, 1, 1), date(2150, 12, 31))


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2027, 8, 31), 6, date(2028, 2, 29)),
        (date(2026, 8, 28), 6, date(2027, 2, 28)),
        (date(2026, 11, 23), 6, date(2027, 5, 23)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
        (date(2026, 1, 15), -1, date(2025, 12, 15)),
    ],
)
def test_months_are_calendar_months(start: date, months: int, end: date) -> None:
    """31 August plus six months is the last day of February (preamble)."""
    assert periods.add_months(start, months) == end


def test_an_instant_keeps_its_time() -> None:
    """A period from an instant ends at the same time of day."""
    start = datetime(2026, 8, 31, 23, 59, 59, tzinfo=UTC)
    assert periods.add_months(start, 6) == datetime(2027, 2, 28, 23, 59, 59, tzinfo=UTC)


def test_a_year_from_leap_day_ends_on_28_february() -> None:
    """One calendar year after 29 February is 28 February."""
    assert periods.add_years(date(2028, 2, 29), 1) == date(2029, 2, 28)


@pytest.mark.parametrize(
    ("birth", "age", "day"),
    [
        (date(2008, 2, 29), 18, date(2026, 3, 1)),
        (date(2008, 2, 29), 20, date(2028, 2, 29)),
        (date(2008, 11, 23), 18, date(2026, 11, 23)),
    ],
)
def test_birthdays(birth: date, age: int, day: date) -> None:
    """G: born on 29 February, the birthday of a common year is 1 March."""
    assert periods.birthday(birth, age) == day


def test_age_changes_on_the_birthday_itself() -> None:
    """The day before, at and after the bound."""
    birth = date(2010, 11, 23)
    assert [periods.age_on(birth, date(2026, 11, day)) for day in (22, 23, 24)] == [15, 16, 16]


def test_age_around_1_march_for_leaplings() -> None:
    """G: on 28 February a leapling is not older yet, on 1 March they are."""
    birth = date(2008, 2, 29)
    assert periods.age_on(birth, date(2026, 2, 28)) == 17
    assert periods.age_on(birth, date(2026, 3, 1)) == 18


@given(DAYS, st.integers(-240, 240))
def test_adding_months_lands_in_the_right_month(day: date, months: int) -> None:
    """The month moves by exactly that many; the day is kept or clamped to the month's last."""
    moved = periods.add_months(day, months)
    assert (moved.year - day.year) * 12 + moved.month - day.month == months
    assert moved.day == min(day.day, periods.month_end(moved).day)


@given(DAYS)
def test_day_numbers_keep_order_and_come_back(day: date) -> None:
    """G: dates are indexed as integers YYYYMMDD."""
    number = periods.day_number(day)
    assert periods.from_day_number(number) == day
    assert number < periods.day_number(day + timedelta(days=1))


def test_weeks_widen_both_sides() -> None:
    """G: flexible by w weeks means w weeks either side."""
    first, last = periods.weeks_either_side(date(2027, 3, 1), date(2027, 3, 31), 2)
    assert (first, last) == (date(2027, 2, 15), date(2027, 4, 14))
