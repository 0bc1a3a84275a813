"""The pure rules of accounts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.accounts.policy import (
    SessionLimits,
    SessionTimes,
    is_old_enough,
    is_plausible_birth_date,
    is_session_live,
    needs_guardian,
    next_step,
    suspension_in_force,
)

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LIMITS = SessionLimits(timedelta(minutes=60), timedelta(hours=12))


@pytest.mark.parametrize(
    ("birth_date", "today", "expected"),
    [
        (date(2010, 11, 24), date(2026, 11, 23), False),
        (date(2010, 11, 23), date(2026, 11, 23), True),
        (date(2010, 11, 22), date(2026, 11, 23), True),
        (date(2012, 2, 29), date(2028, 2, 28), False),
        (date(2012, 2, 29), date(2028, 2, 29), True),
        (date(2008, 2, 29), date(2026, 2, 28), True),
        (date(2010, 12, 31), date(2026, 12, 30), False),
        (date(2010, 12, 31), date(2026, 12, 31), True),
        (date(2011, 1, 1), date(2026, 12, 31), False),
        (date(2011, 1, 1), date(2027, 1, 1), True),
    ],
)
def test_sixteen_on_the_birthday(birth_date: date, today: date, expected: bool) -> None:
    """A1: before, on and after the sixteenth birthday; born on 29 February included."""
    assert is_old_enough(birth_date, today, 16) is expected


def test_born_on_a_leap_day() -> None:
    """A1, G: in a year without 29 February the birthday is 1 March."""
    assert not is_old_enough(date(2008, 2, 29), date(2026, 2, 28), 18)
    assert is_old_enough(date(2008, 2, 29), date(2026, 3, 1), 18)


@pytest.mark.parametrize(
    ("birth_date", "is_protected", "expected"),
    [
        (date(2008, 11, 24), False, True),
        (date(2008, 11, 23), False, False),
        (date(1990, 1, 1), True, True),
        (date(1990, 1, 1), False, False),
    ],
)
def test_who_needs_a_guardian(birth_date: date, is_protected: bool, expected: bool) -> None:
    """A1: minors until their eighteenth birthday, and protected adults."""
    assert needs_guardian(birth_date, date(2026, 11, 23), 18, is_protected=is_protected) is expected


@given(st.dates(date(1900, 1, 1), date(2030, 1, 1)), st.dates(date(2026, 1, 1), date(2030, 1, 1)))
def test_who_may_register_as_an_adult_needs_no_guardian(birth_date: date, today: date) -> None:
    """A1: the two gates meet: an adult is old enough and needs nobody."""
    assert is_old_enough(birth_date, today, 18) is not needs_guardian(
        birth_date, today, 18, is_protected=False
    )


@pytest.mark.parametrize(
    ("birth_date", "expected"),
    [
        (date(1899, 12, 31), False),
        (date(1900, 1, 1), True),
        (date(2026, 11, 23), True),
        (date(2026, 11, 24), False),
    ],
)
def test_plausible_birth_dates(birth_date: date, expected: bool) -> None:
    """A1: a slip of the keyboard is no birth date."""
    assert is_plausible_birth_date(birth_date, date(2026, 11, 23)) is expected


@pytest.mark.parametrize(
    ("idle", "age", "expected"),
    [
        (timedelta(minutes=59, seconds=59), timedelta(hours=1), True),
        (timedelta(minutes=60), timedelta(hours=1), True),
        (timedelta(minutes=60, seconds=1), timedelta(hours=2), False),
        (timedelta(0), timedelta(hours=12, seconds=-1), True),
        (timedelta(0), timedelta(hours=12), False),
    ],
)
def test_session_ends(idle: timedelta, age: timedelta, expected: bool) -> None:
    """S-02: an hour's rest, twelve hours in all."""
    times = SessionTimes(last_seen_at=NOW - idle, expires_at=NOW - age + LIMITS.absolute)
    assert is_session_live(times, LIMITS, NOW) is expected


@pytest.mark.parametrize(
    ("temporary", "outstanding", "expected"),
    [
        (True, True, "change_password"),
        (True, False, "change_password"),
        (False, True, "accept_terms"),
        (False, False, None),
    ],
)
def test_what_comes_first(temporary: bool, outstanding: bool, expected: str | None) -> None:
    """A2, A3: the password first, then the documents, then the portal."""
    assert next_step(password_is_temporary=temporary, documents_outstanding=outstanding) == expected


SANCTION = uuid4()


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        (NOW - timedelta(microseconds=1), None), (NOW, None), (NOW + timedelta(microseconds=1), SANCTION),
        (None, SANCTION),
    ],
)  # fmt: skip
def test_a_suspension_holds_until_its_end(until: datetime | None, expected: UUID | None) -> None:
    """E5: before the end suspended, at and after it free, by the clock alone; without an end for good."""
    assert suspension_in_force(SANCTION, until, NOW) == expected
    assert suspension_in_force(None, until, NOW) is None
