"""Calendar arithmetic in UTC, pure (rules.md, preamble).

Periods are calendar periods: 31 August plus six months is the last day of February. Nothing here
knows a rule's number; callers pass it.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, timedelta
from typing import TypeVar

_Day = TypeVar("_Day", date, datetime)


def add_months(day: _Day, months: int) -> _Day:
    """Return ``day`` moved by ``months`` calendar months, clamped to the month's last day.

    Works for dates and instants; the time of day of an instant is kept.
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = monthrange(year, month + 1)[1]
    return day.replace(year=year, month=month + 1, day=min(day.day, last))


def add_years(day: _Day, years: int) -> _Day:
    """Return ``day`` moved by ``years`` calendar years; 29 February becomes 28 February."""
    return add_months(day, 12 * years)


def birthday(birth_date: date, age: int) -> date:
    """Return the day a person turns ``age``; born on 29 February: 1 March (rules.md, section G)."""
    year = birth_date.year + age
    if (birth_date.month, birth_date.day) == (2, 29) and monthrange(year, 2)[1] == 28:
        return date(year, 3, 1)
    return birth_date.replace(year=year)


def age_on(birth_date: date, today: date) -> int:
    """Return the age in whole years on ``today``."""
    age = today.year - birth_date.year
    return age if birthday(birth_date, age) <= today else age - 1


def month_end(day: date) -> date:
    """Return the last day of the month of ``day``."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def day_number(day: date) -> int:
    """Return the date as the integer YYYYMMDD, the form both engines index (rules.md, G)."""
    return day.year * 10000 + day.month * 100 + day.day


def from_day_number(number: int) -> date:
    """Return the date of an integer YYYYMMDD; the inverse of :func:`day_number`."""
    return date(number // 10000, number // 100 % 100, number % 100)


def weeks_either_side(first: date, last: date, weeks: int) -> tuple[date, date]:
    """Widen the closed interval [first, last] by ``weeks`` on both sides."""
    return first - timedelta(weeks=weeks), last + timedelta(weeks=weeks)
