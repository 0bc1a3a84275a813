"""Which sanction holds at an instant, and which of several counts."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.moderation.policy import Term, is_in_force, is_possible_end, strictest
from tests.builders import NOW

TICK = timedelta(microseconds=1)
WEEK = timedelta(days=7)


def a_term(until: datetime | None, starts_at: datetime = NOW, **more: datetime | None) -> Term:
    return Term(sanction_id=uuid4(), starts_at=starts_at, until=until, **more)


@pytest.mark.parametrize(
    ("at", "holds"),
    [(NOW - TICK, False), (NOW, True), (NOW + WEEK - TICK, True), (NOW + WEEK, False),
     (NOW + WEEK + TICK, False)],
)  # fmt: skip
def test_a_sanction_holds_from_its_start_until_its_end(at: datetime, holds: bool) -> None:
    """E5: before, at and after both bounds: the first instant is in, the end is not."""
    assert is_in_force(a_term(NOW + WEEK), at) is holds


def test_without_an_end_it_holds_for_good() -> None:
    """E5: a permanent suspension does not run out."""
    assert is_in_force(a_term(None), NOW + timedelta(days=36500))


@pytest.mark.parametrize(("at", "holds"), [(NOW + WEEK - TICK, True), (NOW + WEEK, False)])
def test_a_lifted_one_holds_until_it_was_lifted(at: datetime, holds: bool) -> None:
    """E5: lifting ends it at that instant, whether it had an end or not."""
    assert is_in_force(a_term(None, lifted_at=NOW + WEEK), at) is holds
    assert is_in_force(a_term(NOW + 2 * WEEK, lifted_at=NOW + WEEK), at) is holds


def test_the_stricter_of_two_counts() -> None:
    """E5: for good beats any end, a later end an earlier one, in either order; the older of equals."""
    week, month, good = a_term(NOW + WEEK), a_term(NOW + 4 * WEEK), a_term(None)
    for first, second, wins in ((week, month, month), (month, good, good), (week, good, good)):
        assert strictest([first, second], NOW) is wins
        assert strictest([second, first], NOW) is wins
    older = a_term(None, NOW - WEEK)
    assert strictest([good, older], NOW) is older
    earlier = a_term(NOW + WEEK, NOW - WEEK)
    assert strictest([week, earlier], NOW) is earlier


def test_what_does_not_hold_does_not_count() -> None:
    """E5: nothing counts where nothing holds; a lifted one for good gives way to a week."""
    week = a_term(NOW + WEEK)
    assert strictest([], NOW) is None
    assert strictest([week], NOW + WEEK) is None
    assert strictest([a_term(None, lifted_at=NOW), week], NOW) is week


instants = st.datetimes(datetime(2026, 11, 1), datetime(2026, 12, 24)).map(  # noqa: DTZ001
    lambda naive: naive.replace(tzinfo=NOW.tzinfo)
)
terms = st.builds(
    Term,
    sanction_id=st.uuids(),
    starts_at=instants,
    until=st.none() | instants,
    lifted_at=st.none() | instants,
)


@given(st.lists(terms, max_size=5), instants)
def test_the_strictest_holds_at_least_as_long_as_any(some: list[Term], now: datetime) -> None:
    """E5: whoever asks at whatever time: the answer holds, and no other that holds ends later."""
    counts = strictest(some, now)
    holding = [term for term in some if is_in_force(term, now)]
    assert (counts is None) == (not holding)
    if counts is not None:
        assert counts in holding
        assert counts.until is None or all(t.until is not None and t.until <= counts.until for t in holding)


@pytest.mark.parametrize(
    ("until", "possible"),
    [
        (NOW - TICK, False), (NOW, False), (NOW + TICK, True),
        (NOW.replace(year=2036) - TICK, True), (NOW.replace(year=2036), True),
        (NOW.replace(year=2036) + TICK, False),
    ],
)  # fmt: skip
def test_an_end_is_in_the_future_and_within_ten_years(until: datetime, possible: bool) -> None:
    """E5: what lasts longer than ten years is for good, and says so."""
    assert is_possible_end(until, NOW) is possible
