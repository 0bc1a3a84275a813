"""Section G: who may be seen, until when, and who may work where."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.candidates.lifecycle import CandidateState
from marketplace.candidates.policy import (
    NEVER,
    NONE_DAY,
    Start,
    VisibilityFacts,
    WorkPermit,
    WorkRight,
    domain_and_parents,
    flex_interval,
    has_guardian_consent,
    is_minor,
    is_visible,
    lowers_visibility,
    may_work_in,
    may_work_until,
    needs_guardian,
    start_last,
    start_month,
    start_on,
    visible_until_on,
    work_permits_until,
)

TODAY = date(2026, 11, 23)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Numbers:
    majority_age: int = 18
    hidden_after_start_days: int = 60


NUMBERS = Numbers()

ADULT = VisibilityFacts(
    candidate_id=UUID(int=1),
    key=1,
    state=CandidateState.SEARCHABLE,
    country="FR",
    start=Start(date(2027, 9, 1), is_month=True),
    permits={"FR": WorkPermit(WorkRight.YES)},
    birth_date=date(2000, 5, 17),
    is_protected=False,
    opted_in_on=date(2026, 11, 1),
    guardian_consent_until=None,
    pause_due_on=None,
)
MINOR = replace(ADULT, birth_date=date(2009, 3, 2), guardian_consent_until=date(2027, 6, 30))


@pytest.mark.parametrize(
    ("start", "first", "last", "month"),
    [
        (Start(date(2027, 9, 13)), date(2027, 9, 13), date(2027, 9, 13), "2027-09"),
        (Start(date(2027, 9, 1), is_month=True), date(2027, 9, 1), date(2027, 9, 30), "2027-09"),
        (Start(date(2028, 2, 1), is_month=True), date(2028, 2, 1), date(2028, 2, 29), "2028-02"),
        (Start(date(2027, 2, 9), is_month=True), date(2027, 2, 1), date(2027, 2, 28), "2027-02"),
        (Start(date(2027, 12, 31), flex_weeks=26), date(2027, 12, 31), date(2027, 12, 31), "2027-12"),
    ],
)
def test_start(start: Start, first: date, last: date, month: str) -> None:
    """G: a day is itself, a month goes from its first to its last; flexibility changes neither."""
    assert (start_on(start), start_last(start), start_month(start)) == (first, last, month)


@pytest.mark.parametrize(
    ("weeks", "expected"),
    [
        (0, (date(2027, 9, 1), date(2027, 9, 30))),
        (1, (date(2027, 8, 25), date(2027, 10, 7))),
        (26, (date(2027, 3, 3), date(2028, 3, 30))),
    ],
)
def test_flexible_weeks_count_on_both_sides(weeks: int, expected: tuple[date, date]) -> None:
    """G: flexible by w weeks means w weeks either side."""
    assert flex_interval(Start(date(2027, 9, 1), is_month=True, flex_weeks=weeks)) == expected


START = Start(date(2027, 9, 1))


@pytest.mark.parametrize(
    ("permit", "expected"),
    [
        (None, None),
        (WorkPermit(WorkRight.NO), None),
        (WorkPermit(WorkRight.NEEDS_SPONSORSHIP), None),
        (WorkPermit(WorkRight.YES), NONE_DAY),
        (WorkPermit(WorkRight.YES, date(2027, 8, 31)), None),
        (WorkPermit(WorkRight.YES, date(2027, 9, 1)), date(2027, 9, 1)),
        (WorkPermit(WorkRight.YES, date(2027, 9, 2)), date(2027, 9, 2)),
    ],
)
def test_may_work_until(permit: WorkPermit | None, expected: date | None) -> None:
    """G: a right to work counts only when `yes`, and until an expiry on or after the start."""
    assert may_work_until(permit, START) == expected


@pytest.mark.parametrize(("days", "expected"), [(-1, True), (0, True), (1, False)])
def test_may_work_today(days: int, *, expected: bool) -> None:
    """G: an expiry is inclusive: the day itself still counts, the day after does not."""
    expiry = date(2027, 10, 15)
    facts = replace(ADULT, start=START, permits={"GB": WorkPermit(WorkRight.YES, expiry)})
    assert may_work_in(facts, "GB", expiry + days * DAY) is expected
    assert not may_work_in(facts, "FR", TODAY)
    assert work_permits_until(facts) == {"GB": expiry}


@pytest.mark.parametrize(("days", "expected"), [(-1, False), (0, True), (1, True)])
def test_a_permit_has_to_reach_the_first_day_of_a_month(days: int, *, expected: bool) -> None:
    """G: the start that counts is `start_on`, the first of the month, without flexibility."""
    permit = WorkPermit(WorkRight.YES, date(2027, 9, 1) + days * DAY)
    facts = replace(
        ADULT, start=Start(date(2027, 9, 1), is_month=True, flex_weeks=26), permits={"FR": permit}
    )
    assert may_work_in(facts, "FR", TODAY) is expected


def test_without_start_nobody_may_work() -> None:
    """G: without a start there is no permit to judge."""
    assert not may_work_in(replace(ADULT, start=None), "FR", TODAY)


@pytest.mark.parametrize(("days", "expected"), [(-1, True), (0, True), (1, False)])
def test_hidden_sixty_days_after_the_last_start_day(days: int, *, expected: bool) -> None:
    """C7, G: seen up to and including the sixtieth day after the last possible start day."""
    until = date(2027, 11, 29)
    assert visible_until_on(ADULT, NUMBERS) == until
    assert is_visible(ADULT, until + days * DAY, NUMBERS) is expected


def test_flexibility_does_not_keep_visible() -> None:
    """G: `start_last` is without flexibility."""
    facts = replace(ADULT, start=Start(date(2027, 9, 1), is_month=True, flex_weeks=26))
    assert visible_until_on(facts, NUMBERS) == date(2027, 11, 29)


@pytest.mark.parametrize(("days", "expected"), [(-1, True), (0, False), (1, False)])
def test_hidden_from_a_due_pause(days: int, *, expected: bool) -> None:
    """C7, G: the day before a due pause is the last one."""
    due = date(2027, 1, 20)
    facts = replace(ADULT, pause_due_on=due)
    assert visible_until_on(facts, NUMBERS) == due - DAY
    assert is_visible(facts, due + days * DAY, NUMBERS) is expected


@pytest.mark.parametrize(("days", "expected"), [(-1, True), (0, False), (1, False)])
def test_a_guardians_consent_lapses_at_eighteen(days: int, *, expected: bool) -> None:
    """C3, G: the day before the 18th birthday is the last under guardian consent."""
    assert visible_until_on(MINOR, NUMBERS) == date(2027, 3, 1)
    assert is_visible(MINOR, date(2027, 3, 2) + days * DAY, NUMBERS) is expected


def test_born_on_the_29th_of_february() -> None:
    """G: born on 29 February, the 18th birthday is 1 March, so 28 February is the last day."""
    facts = replace(
        MINOR,
        birth_date=date(2012, 2, 29),
        opted_in_on=date(2029, 1, 1),
        start=Start(date(2031, 1, 1)),
        guardian_consent_until=date(2032, 1, 1),
    )
    assert visible_until_on(facts, NUMBERS) == date(2030, 2, 28)


@pytest.mark.parametrize(("days", "expected"), [(-1, True), (0, True), (1, False)])
def test_the_end_of_consent_is_inclusive(days: int, *, expected: bool) -> None:
    """C3, G: on the day a guardian's consent ends the minor may still be seen."""
    end = date(2026, 12, 31)
    facts = replace(MINOR, guardian_consent_until=end)
    assert visible_until_on(facts, NUMBERS) == end
    assert is_visible(facts, end + days * DAY, NUMBERS) is expected
    assert has_guardian_consent(end, end + days * DAY) is expected


def test_without_needed_consent_nobody_is_seen() -> None:
    """P-03: a minor or protected adult without guardian consent is on no day visible."""
    for facts in (MINOR, replace(ADULT, is_protected=True)):
        nobody = replace(facts, guardian_consent_until=None)
        assert visible_until_on(nobody, NUMBERS) == NEVER
        assert not is_visible(nobody, TODAY, NUMBERS)


def test_a_protected_adult_is_seen_until_the_end_of_consent() -> None:
    """C3: the 18th birthday limits minors only."""
    facts = replace(ADULT, is_protected=True, guardian_consent_until=date(2027, 2, 1))
    assert visible_until_on(facts, NUMBERS) == date(2027, 2, 1)


def test_an_own_opt_in_after_the_birthday_counts() -> None:
    """C3: who opted in at 18 or later is under no guardian's consent any more."""
    facts = replace(MINOR, opted_in_on=date(2027, 3, 2), guardian_consent_until=date(2027, 3, 1))
    assert visible_until_on(facts, NUMBERS) == date(2027, 11, 29)
    day_before = replace(facts, opted_in_on=date(2027, 3, 1))
    assert visible_until_on(day_before, NUMBERS) == date(2027, 3, 1)


@pytest.mark.parametrize("state", [state for state in CandidateState if state != "searchable"])
def test_only_searchable_people_are_seen(state: CandidateState) -> None:
    """C2, C7: no state but `searchable` is visible."""
    assert not is_visible(replace(ADULT, state=state), TODAY, NUMBERS)


def test_who_never_opted_in_is_not_seen() -> None:
    """P-01: off by default; nobody is visible without an opt-in, a start and a country."""
    assert not is_visible(replace(ADULT, opted_in_on=None), TODAY, NUMBERS)
    assert not is_visible(replace(ADULT, start=None), TODAY, NUMBERS)
    assert not is_visible(replace(ADULT, country=None), TODAY, NUMBERS)


@pytest.mark.parametrize(
    ("today", "expected"),
    [(date(2027, 3, 1), True), (date(2027, 3, 2), False), (date(2027, 3, 3), False)],
)
def test_minors(today: date, *, expected: bool) -> None:
    """A1, C3: under age until the day before the 18th birthday, protected at any age."""
    assert is_minor(MINOR, today, NUMBERS) is expected
    assert needs_guardian(MINOR.birth_date, today=today, is_protected=False, majority_age=18) is expected
    assert needs_guardian(MINOR.birth_date, today=today, is_protected=True, majority_age=18)


def test_the_permit_never_hides() -> None:
    """G: `visible_until_on` does not know the permit."""
    expired = {"FR": WorkPermit(WorkRight.YES, date(2020, 1, 1))}
    assert visible_until_on(replace(ADULT, permits=expired), NUMBERS) == visible_until_on(ADULT, NUMBERS)


days = st.dates(date(2020, 1, 1), date(2035, 12, 31))
facts_of_anyone = st.builds(
    VisibilityFacts,
    candidate_id=st.just(UUID(int=1)),
    key=st.just(1),
    state=st.sampled_from(CandidateState),
    country=st.sampled_from(["FR", "GB", None]),
    start=st.none() | st.builds(Start, days, st.booleans(), st.integers(0, 26)),
    permits=st.dictionaries(
        st.sampled_from(["FR", "GB", "US"]),
        st.builds(WorkPermit, st.sampled_from(WorkRight), st.none() | days),
    ),
    birth_date=st.dates(date(1980, 1, 1), date(2015, 12, 31)),
    is_protected=st.booleans(),
    opted_in_on=st.none() | days,
    guardian_consent_until=st.none() | days,
    pause_due_on=st.none() | days,
)


@given(facts_of_anyone, days)
def test_the_indexed_date_says_what_the_policy_says(facts: VisibilityFacts, today: date) -> None:
    """G: for a searchable person with a country, `visible_until_on` ≥ today is the whole answer."""
    is_candidate = facts.state is CandidateState.SEARCHABLE and facts.country is not None
    assert is_visible(facts, today, NUMBERS) == (is_candidate and visible_until_on(facts, NUMBERS) >= today)


@given(facts_of_anyone, days, st.integers(0, 400))
def test_time_alone_never_brings_back(facts: VisibilityFacts, today: date, later: int) -> None:
    """G: midnight needs no write: time alone can hide a person, never show one."""
    if is_visible(facts, today + later * DAY, NUMBERS):
        assert is_visible(facts, today, NUMBERS)


@given(facts_of_anyone, days)
def test_no_limit_is_passed(facts: VisibilityFacts, today: date) -> None:
    """C3, C7, G: nobody visible is past any single limit."""
    if not is_visible(facts, today, NUMBERS):
        return
    assert facts.start is not None
    assert facts.opted_in_on is not None
    assert today <= start_last(facts.start) + timedelta(days=60)
    assert facts.pause_due_on is None or today < facts.pause_due_on
    if facts.is_protected:
        assert has_guardian_consent(facts.guardian_consent_until, today)
    if is_minor(facts, today, NUMBERS) and facts.opted_in_on <= today:
        assert has_guardian_consent(facts.guardian_consent_until, today)


@given(facts_of_anyone, days)
def test_a_right_to_work_covers_today_and_the_start(facts: VisibilityFacts, today: date) -> None:
    """G: may work in CC means `yes` with an expiry on or after the later of today and start_on."""
    for country in ("FR", "GB", "US"):
        permit = facts.permits.get(country)
        expected = (
            facts.start is not None
            and permit is not None
            and permit.right is WorkRight.YES
            and (permit.expires_on is None or permit.expires_on >= max(today, start_on(facts.start)))
        )
        assert may_work_in(facts, country, today) is expected


def test_what_could_hide_is_pending() -> None:
    """G: a move, a permit, a start, a state: each keeps a listed person out until the index knows."""
    changes: tuple[dict[str, Any], ...] = (
        {"country": "GB"},
        {"permits": {}},
        {"start": Start(date(2028, 1, 1))},
        {"state": CandidateState.HIDDEN},
        {"pause_due_on": TODAY},
        {"opted_in_on": None},
    )
    for change in changes:
        assert lowers_visibility(ADULT, replace(ADULT, **change))
    assert not lowers_visibility(ADULT, ADULT)
    assert not lowers_visibility(replace(ADULT, state=CandidateState.HIDDEN), ADULT)


@pytest.mark.parametrize(
    ("domains", "expected"),
    [
        ([], set()),
        (["acme.fr"], {"acme.fr"}),
        (["Jobs.Acme.fr."], {"jobs.acme.fr", "acme.fr"}),
        (["a.b.acme.co.uk"], {"a.b.acme.co.uk", "b.acme.co.uk", "acme.co.uk", "co.uk"}),
        (["localhost"], {"localhost"}),
    ],
)
def test_an_excluded_domain_covers_its_sub_domains(domains: list[str], expected: set[str]) -> None:
    """C5: an exclusion of a domain meets everyone at it or below it."""
    assert domain_and_parents(domains) == expected
