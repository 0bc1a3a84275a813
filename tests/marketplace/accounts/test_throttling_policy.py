"""The pure rules of throttling: when an address may be tried again (security.md A-04)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.accounts.policy import (
    Failures,
    Wait,
    disables_password,
    is_forgotten,
    wait_before_attempt,
    with_failure,
    with_success,
)
from marketplace.accounts.throttling import sign_in_limits
from marketplace.settings import Settings

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LIMITS = sign_in_limits(Settings())


def _row(in_a_row: int, ago: timedelta = timedelta(), recent: int = 0) -> Failures:
    return Failures(in_a_row, NOON - ago, (NOON - ago,) * recent)


@pytest.mark.parametrize(
    ("in_a_row", "delay"),
    [
        (5, 60), (6, 120), (7, 240), (8, 480), (9, 960), (10, 1920), (11, 3600), (12, 3600), (99, 3600),
        (10_000, 3600),
    ],
)  # fmt: skip
def test_the_delay_doubles_up_to_an_hour(in_a_row: int, delay: int) -> None:
    """A-04: after five failures a minute, doubled by each further one to an hour; to the second."""
    for late, waits in ((-1, True), (0, False), (1, False)):
        wait = wait_before_attempt(_row(in_a_row), LIMITS, NOON + timedelta(seconds=delay + late))
        assert (wait is not None) is waits
    wait = wait_before_attempt(_row(in_a_row), LIMITS, NOON)
    assert wait == Wait(NOON + timedelta(seconds=delay), LIMITS.free)


@pytest.mark.parametrize("in_a_row", [0, 1, 4])
def test_four_failures_cost_nothing(in_a_row: int) -> None:
    """A-04: five attempts are free, whatever came of the earlier ones."""
    assert wait_before_attempt(_row(in_a_row), LIMITS, NOON) is None
    assert wait_before_attempt(Failures(), LIMITS, NOON) is None


@pytest.mark.parametrize(
    ("in_a_row", "seconds"), [(9, 10), (10, 900), (11, 900)], ids=["before", "at", "after"]
)
def test_ten_in_a_row_lock_for_fifteen_minutes(in_a_row: int, seconds: int) -> None:
    """A-04: from the tenth on the wait is 15 minutes at least, however short the delays are set."""
    short = replace(LIMITS, first_delay=timedelta(seconds=1), longest_delay=timedelta(seconds=10))
    wait = wait_before_attempt(_row(in_a_row), short, NOON)
    assert wait is not None
    assert wait.until == NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(("count", "waits"), [(24, False), (25, True)])
def test_twenty_five_failures_a_day(count: int, waits: bool) -> None:
    """A-04: at most 25 failed attempts in 24 hours, successes between them or not."""
    recent = tuple(NOON + timedelta(minutes=number) for number in range(count))
    failures = Failures(0, recent[-1], recent)
    now = NOON + timedelta(hours=23)
    wait = wait_before_attempt(failures, LIMITS, now)
    assert wait == (Wait(NOON + timedelta(days=1), 25) if waits else None)
    for late, still in ((-1, waits), (0, False), (1, False)):
        at = NOON + timedelta(days=1, microseconds=late)
        assert (wait_before_attempt(failures, LIMITS, at) is not None) is still


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 7200), st.booleans()), min_size=30, max_size=150))
def test_no_day_has_more_than_its_failures(steps: list[tuple[int, bool]]) -> None:
    """A-04: whenever attempts come, no 24 hours have more than 25 that were verified and failed."""
    now, failures, verified = NOON, Failures(), []
    for seconds, is_right in steps:
        now += timedelta(seconds=seconds)
        if wait_before_attempt(failures, LIMITS, now) is not None:
            continue
        failures = with_failure(failures, LIMITS, now)
        if is_right:
            failures = with_success(failures, now)
        else:
            verified.append(now)
    for start in verified:
        assert sum(start <= at < start + timedelta(days=1) for at in verified) <= LIMITS.a_day


def test_a_success_takes_its_own_failure_back() -> None:
    """A-04: an attempt is counted when it begins; a success leaves what failed before it in the day alone."""
    before = _row(3, timedelta(hours=1), recent=3)
    counted = with_failure(before, LIMITS, NOON)
    assert (counted.in_a_row, len(counted.recent)) == (4, 4)
    after = with_success(counted, NOON)
    assert after == Failures(0, before.last_at, before.recent)
    assert with_success(with_failure(Failures(), LIMITS, NOON), NOON) == Failures()


@pytest.mark.parametrize(("in_a_row", "life"), [(9, timedelta(days=1)), (10, timedelta(days=90))])
def test_failures_are_forgotten(in_a_row: int, life: timedelta) -> None:
    """A-04: those in a row after a day without one, or after 90 days once they lock."""
    for late, forgotten in ((-1, False), (0, True), (1, True)):
        now = NOON + life + timedelta(seconds=late)
        assert is_forgotten(_row(in_a_row), LIMITS, now) is forgotten
        assert with_failure(_row(in_a_row), LIMITS, now).in_a_row == (1 if forgotten else in_a_row + 1)


@pytest.mark.parametrize(("in_a_row", "disabled"), [(99, False), (100, True), (101, True)])
def test_a_hundred_in_a_row_disable_the_password(in_a_row: int, disabled: bool) -> None:
    """A-04: the hundredth failure in a row ends the password."""
    assert disables_password(_row(in_a_row), LIMITS) is disabled
