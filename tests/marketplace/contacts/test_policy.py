"""The contact decision against a second reading of the rules, over every combination of facts."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.contacts.policy import (
    CANDIDATE_SIDE,
    RECRUITER_SIDE,
    Act,
    CandidateFacts,
    Caution,
    Decision,
    Reason,
    RecruiterFacts,
    cautions_for,
    contact_decision,
    email_may_be_revealed,
    file_may_be_given,
    is_listed,
    may_work,
    visibility_for,
)

TODAY = date(2026, 11, 23)
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
COUNTRIES = ("FR", "GB", "US")
BOTH = (False, True)

RECRUITERS = [
    RecruiterFacts(
        work_country="FR", is_active=active, is_company_verified=verified, has_accepted_terms=terms,
        has_confirmed_data=confirmed, has_duties_overdue=overdue, has_spent_budget=spent,
    )
    for active, verified, terms, confirmed, overdue, spent in product(BOTH, repeat=6)
]  # fmt: skip

CANDIDATES = [
    CandidateFacts(
        is_searchable=searchable, country="FR" if here else "GB", visible_until_on=until,
        needs_guardian=needs, has_guardian_consent=consent, excludes_company=excludes,
        has_blocked_recruiter=blocked, may_work_until=permits,
    )
    for searchable, here, until, needs, consent, excludes, blocked, permits in product(
        BOTH, BOTH, (None, YESTERDAY, TODAY), BOTH, BOTH, BOTH, BOTH,
        ({}, {"GB": date(2199, 12, 31)}, {"FR": YESTERDAY}, {"FR": TODAY}),
    )
]  # fmt: skip


def oracle(recruiter: RecruiterFacts, candidate: CandidateFacts, act: Act) -> list[str]:
    """Rules D2 and D3 read once more, from the words and not from the code; job country FR."""
    said = []
    gone = candidate.visible_until_on == YESTERDAY
    if gone or not candidate.is_searchable:
        said.append("not_searchable")
    if candidate.country == "GB":
        said.append("other_country")
    if (candidate.needs_guardian, candidate.has_guardian_consent) == (True, False):
        said.append("guardian_consent_missing")
    if candidate.excludes_company:
        said.append("company_excluded")
    if candidate.has_blocked_recruiter:
        said.append("recruiter_blocked")
    if act != "profile" and candidate.may_work_until.get("FR") != TODAY:
        said.append("no_right_to_work")
    if not recruiter.is_active:
        said.append("recruiter_not_active")
    if not recruiter.is_company_verified:
        said.append("company_not_verified")
    if act == "profile":
        return said
    if not recruiter.has_accepted_terms:
        said.append("terms_outdated")
    if not recruiter.has_confirmed_data:
        said.append("data_unconfirmed")
    if recruiter.has_duties_overdue and act in {"email", "cv_download"}:
        said.append("duties_overdue")
    if recruiter.has_spent_budget:
        said.append("budget_spent")
    return said


@pytest.mark.parametrize("act", Act)
def test_every_combination_of_facts_gives_exactly_the_reasons_of_the_rules(act: Act) -> None:
    """D3: every combination of facts gives all reasons that hold, in one order, and no other."""
    for recruiter in RECRUITERS:
        for candidate in CANDIDATES:
            decision = contact_decision(recruiter, candidate, "FR", TODAY, act)
            expected = oracle(recruiter, candidate, act)
            assert list(decision.reasons) == expected, (recruiter, candidate)
            assert decision.allowed is (expected == [])


def test_the_two_sides_share_no_reason_and_leave_none_out() -> None:
    """D3: a reason is either hidden behind the 404 or shown to the recruiter."""
    assert set(Reason) == CANDIDATE_SIDE | RECRUITER_SIDE
    assert not CANDIDATE_SIDE & RECRUITER_SIDE
    assert {reason.value for reason in CANDIDATE_SIDE} == {
        "not_searchable", "other_country", "guardian_consent_missing", "company_excluded",
        "recruiter_blocked",
    }  # fmt: skip


def test_reasons_of_the_candidate_hide_the_person_and_are_not_shown() -> None:
    """D3: with both kinds of reason the recruiter still gets the answer of an unknown id."""
    decision = Decision((Reason.RECRUITER_BLOCKED, Reason.NO_RIGHT_TO_WORK))
    assert decision.is_hidden
    assert decision.shown == (Reason.NO_RIGHT_TO_WORK,)
    assert not Decision((Reason.NO_RIGHT_TO_WORK,)).is_hidden


def candidate(**changes: object) -> CandidateFacts:
    """Return a candidate whom anybody in France may contact."""
    facts: dict[str, object] = {
        "is_searchable": True, "country": "FR", "visible_until_on": None, "needs_guardian": False,
        "has_guardian_consent": False, "excludes_company": False, "has_blocked_recruiter": False,
        "may_work_until": {"FR": date(2199, 12, 31)},
    }  # fmt: skip
    return CandidateFacts(**{**facts, **changes})  # type: ignore[arg-type]  # a trait, checked by the dataclass


def recruiter(country: str = "FR") -> RecruiterFacts:
    """Return a recruiter nothing stops."""
    return RecruiterFacts(
        work_country=country, is_active=True, is_company_verified=True, has_accepted_terms=True,
        has_confirmed_data=True, has_duties_overdue=False,
    )  # fmt: skip


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize(("lives", "works"), list(product(COUNTRIES, COUNTRIES)))
def test_country_matrix(lives: str, works: str, act: Act) -> None:
    """D2, security.md C-04: only a candidate who lives in the recruiter's work country can be met."""
    somebody = candidate(country=lives, may_work_until=dict.fromkeys(COUNTRIES, date(2199, 12, 31)))
    for job_country in COUNTRIES:
        decision = contact_decision(recruiter(works), somebody, job_country, TODAY, act)
        assert decision.reasons == (() if lives == works else (Reason.OTHER_COUNTRY,))


@pytest.mark.parametrize(("expires", "allowed"), [(YESTERDAY, False), (TODAY, True), (TOMORROW, True)])
def test_a_permit_counts_to_its_last_day(expires: date, allowed: bool) -> None:
    """G, security.md C-05: expired yesterday no, today and tomorrow yes; and in no other country."""
    somebody = candidate(may_work_until={"FR": expires})
    assert contact_decision(recruiter(), somebody, "FR", TODAY, Act.CONTACT).allowed is allowed
    assert contact_decision(recruiter(), somebody, "US", TODAY, Act.CONTACT).reasons == (
        Reason.NO_RIGHT_TO_WORK,
    )


@pytest.mark.parametrize(
    ("until", "visible"), [(YESTERDAY, False), (TODAY, True), (TOMORROW, True), (None, True)]
)
def test_the_last_visible_day_is_inclusive(until: date | None, visible: bool) -> None:
    """G: `visible_until_on` is the last day on which the person can be found."""
    decision = contact_decision(recruiter(), candidate(visible_until_on=until), "FR", TODAY, Act.PROFILE)
    assert decision.allowed is visible


def test_nothing_of_a_minor_but_words() -> None:
    """C3, D3: neither the e-mail address nor the file of a minor is given."""
    assert not email_may_be_revealed(is_minor=True)
    assert not file_may_be_given(is_minor=True)
    assert email_may_be_revealed(is_minor=False)
    assert file_may_be_given(is_minor=False)


@pytest.mark.parametrize(
    ("start_on", "expected"),
    [
        (TODAY, ()),
        (TOMORROW, ()),
        (TOMORROW + timedelta(days=1), (Caution.PERMIT_ENDS_BEFORE_START,)),
    ],
)
def test_an_opening_after_the_permit_is_a_warning(start_on: date, expected: tuple[Caution, ...]) -> None:
    """D2: an opening that starts after a permit ends gives a warning, not a refusal."""
    somebody = candidate(may_work_until={"FR": TOMORROW})
    assert cautions_for(somebody, "FR", start_on) == expected
    assert contact_decision(recruiter(), somebody, "FR", TODAY, Act.CONTACT).allowed


def test_no_warning_where_there_is_no_permit_at_all() -> None:
    """D2: without a right to work there is a refusal to tell, not a warning."""
    assert cautions_for(candidate(may_work_until={}), "FR", TOMORROW) == ()


days = st.none() | st.dates(date(2026, 11, 1), date(2026, 12, 31))


@given(
    job_country=st.sampled_from(COUNTRIES),
    work_country=st.sampled_from(COUNTRIES),
    key_is_excluded=st.booleans(),
    searchable=st.booleans(),
    country=st.sampled_from((*COUNTRIES, None)),
    until=days,
    permits=st.dictionaries(st.sampled_from(COUNTRIES), st.dates(date(2026, 11, 1), date(2026, 12, 31))),
    consent=st.booleans(),
)
def test_visibility_and_decision_say_the_same(
    job_country: str,
    work_country: str,
    key_is_excluded: bool,
    searchable: bool,
    country: str | None,
    until: date | None,
    permits: dict[str, date],
    consent: bool,
) -> None:
    """D2: visible under the query's data, as an engine reads it ⇔ no candidate-side reason and may work."""
    somebody = candidate(
        is_searchable=searchable, country=country, visible_until_on=until, may_work_until=permits,
        excludes_company=key_is_excluded, needs_guardian=not consent,
    )  # fmt: skip
    asker = recruiter(work_country)
    visibility = visibility_for(asker, job_country, TODAY, frozenset({7} if key_is_excluded else ()))

    in_index = somebody.is_searchable and consent  # who may not be seen is not in the index at all
    found = (
        in_index
        and visibility.country == somebody.country
        and (until or date(2199, 12, 31)) >= visibility.today
        and permits.get(visibility.job_country, date.min) >= visibility.today
        and 7 not in visibility.excluded_keys
    )
    decision = contact_decision(asker, somebody, job_country, TODAY, Act.CONTACT)
    assert found is (not decision.is_hidden and may_work(somebody, job_country, TODAY))
    assert found is is_listed(asker, somebody, job_country, TODAY)
    assert found is decision.allowed
