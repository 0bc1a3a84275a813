"""The use case of searching: what is listed may be contacted (rules B3, C2, C5, D2, E2, G)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import update

from indexer.relay import drain
from marketplace.candidates import services as candidates
from marketplace.candidates.models import Candidate, CandidateState, WorkRight
from marketplace.clock import FixedClock
from marketplace.contacts.gate import meet
from marketplace.contacts.policy import Act
from marketplace.contacts.services import candidate_withdrew
from marketplace.errors import InvalidInputError, NotAllowedError, SearchUnavailableError
from marketplace.outbox import publish
from marketplace.ports import Ports
from marketplace.search.services import rounded
from tests.builders import a_block, a_candidate, a_recruiter, a_right_to_work, an_exclusion
from tests.markets import Market


def test_a_card_shows_scrubbed_words_and_no_name(market: Market) -> None:
    """D7: fragments of at most 200 characters, the match marked; nothing that names the person."""
    market.candidate()
    market.index()
    (hit,) = market.search(q="django").hits
    (fragment,) = hit.highlights
    assert [span.text for span in fragment if span.match] == ["Django"]
    assert sum(len(span.text) for span in fragment) <= 200
    assert not hasattr(hit.card, "first_name")


def test_a_search_covers_the_recruiters_country_only(market: Market) -> None:
    """D2: the recruiter's work country picks the index; the job country only picks the permit."""
    here = market.candidate()
    market.candidate(country="GB", region="GB-TLI", work_countries=("GB", "FR"))
    both = market.candidate(work_countries=("FR", "GB"))
    market.index()
    assert set(market.ids()) == {here, both}
    assert market.ids(job_country="GB") == [both]


@pytest.mark.parametrize(("expires_in", "listed"), [(-1, False), (0, True), (1, True)])
def test_a_permit_counts_to_its_last_day(market: Market, expires_in: int, listed: bool) -> None:
    """G: the expiry is inclusive, and must reach today as well as the start."""
    today = market.ports.clock.today()
    made = market.candidate(work_countries=(), start_day=today - timedelta(days=1), start_is_month=False)
    with market.ports.db.transaction() as session:
        person = session.get(Candidate, made)
        assert person is not None
        a_right_to_work(session, person, "FR", WorkRight.YES, today + timedelta(days=expires_in))
    market.index()
    assert (made in market.ids()) is listed


@pytest.mark.parametrize("trait", ["hidden", "incomplete", "minor", "paused", "found", "suspended"])
def test_nobody_who_is_not_searchable_is_listed(market: Market, trait: str) -> None:
    """C2, C3, C7: only the searchable are found, counted or hinted at."""
    market.candidate(trait)
    market.index()
    results = market.search()
    assert (results.total.value, results.hits) == (0, ())
    assert all(not facet.buckets for facet in results.facets)


def test_a_lost_index_answers_nobody_only_where_there_is_nobody(market: Market) -> None:
    """F-04: an empty answer for people whose index is gone would be a lie; it is 503 until the rebuild."""
    assert market.search().total.value == 0
    shown = market.candidate()
    with pytest.raises(SearchUnavailableError):
        market.search()
    with market.ports.db.transaction() as session:
        publish(session, market.ports.clock.now(), "candidate.changed", shown)
    assert market.search().total.value == 0  # on the way into the index: as if not there yet
    drain(market.ports)
    assert market.ids() == [shown]


def test_a_withdrawal_is_effective_at_its_commit(market: Market) -> None:
    """C2: without any indexing the person is in no hit, count or facet of the next search."""
    stays, goes = market.candidate(), market.candidate()
    market.index()
    assert set(market.ids()) == {stays, goes}
    with market.ports.db.transaction() as session:
        person = session.get(Candidate, goes)
        assert person is not None
        account_id = person.account_id
        candidates.withdraw(
            session, market.ports.clock.now(), market.ports.settings, account_id, "portal", candidate_withdrew
        )
    results = market.search()
    assert [hit.card.candidate_id for hit in results.hits] == [stays]
    assert results.total.value == 1
    assert {b.count.value for facet in results.facets for b in facet.buckets} == {1}


def test_a_hit_is_rechecked_even_when_nobody_told_the_index(market: Market) -> None:
    """INV-2: PostgreSQL decides; a stale document shows nobody."""
    made = market.candidate()
    market.index()
    with market.ports.db.transaction() as session:
        session.execute(update(Candidate).where(Candidate.id == made).values(state=CandidateState.SUSPENDED))
    assert market.ids() == []


def test_exclusions_and_blocks_hide_from_hits_and_counts(market: Market) -> None:
    """C5, C8: by company, domain with sub-domains, number, or recruiter."""
    stays = market.candidate()
    hidden = [market.candidate() for _ in range(4)]
    with market.ports.db.transaction() as session:
        people = [session.get(Candidate, made) for made in hidden]
        an_exclusion(session, people[0], company_id=market.company_id)  # type: ignore[arg-type]
        an_exclusion(session, people[1], domain="acme-industries.fr")  # type: ignore[arg-type]
        an_exclusion(session, people[2], registration_number="732829320")  # type: ignore[arg-type]
        a_block(session, people[3], recruiter_id=market.recruiter_id)  # type: ignore[arg-type]
    market.index()
    results = market.search()
    assert [hit.card.candidate_id for hit in results.hits] == [stays]
    assert results.total.value == 1


def test_midnight_needs_no_write(market: Market, clock: FixedClock) -> None:
    """G: 60 days after the last possible start the person is gone, index untouched."""
    market.candidate(start_day=date(2026, 11, 1), start_is_month=True)
    market.index()
    clock.instant = clock.instant.replace(year=2027, month=1, day=29, hour=23, minute=59)
    assert market.search().total.value == 1
    clock.advance(timedelta(minutes=1))
    assert market.search().total.value == 0


def test_an_unverified_recruiter_sees_rounded_numbers_and_nobody(ports: Ports) -> None:
    """B3: no words, no hits; counts rounded down to tens, under ten as "below 10"."""
    with ports.db.transaction() as session:
        recruiter = a_recruiter(session, "pending")
        for _ in range(13):
            a_candidate(session)
        a_candidate(session, region="FR-BRE")
        market = Market(ports, recruiter.account_id, recruiter.id, recruiter.company_id)
    market.index()
    results = market.search()
    assert results.only_counts
    assert (results.total.value, results.hits, results.next_cursor) == (10, (), None)
    regions = next(facet for facet in results.facets if facet.name == "region").buckets
    assert {b.value: (b.count.value, b.count.below) for b in regions} == {
        "FR-IDF": (10, None),
        "FR-BRE": (0, 10),
    }
    with pytest.raises(NotAllowedError, match="verified"):
        market.search(q="python")


@pytest.mark.parametrize(
    ("count", "told"), [(0, (0, 10)), (9, (0, 10)), (10, (10, None)), (19, (10, None)), (20, (20, None))]
)
def test_rounding_before_at_and_after_its_bound(count: int, told: tuple[int, int | None]) -> None:
    """B3: rounded down to tens, under 10 as "< 10"."""
    assert (rounded(count).value, rounded(count).below) == told


def test_a_suspended_recruiter_sees_nothing(ports: Ports) -> None:
    """B4: no capability, no answer."""
    with ports.db.transaction() as session:
        recruiter = a_recruiter(session, "suspended")
        market = Market(ports, recruiter.account_id, recruiter.id, recruiter.company_id)
    with pytest.raises(NotAllowedError):
        market.search()


def test_pages_follow_each_other_without_gap_or_repeat(market: Market) -> None:
    """E2: by opaque cursors, bound to account and search."""
    made = [market.candidate() for _ in range(7)]
    market.index()
    seen: list[UUID] = []
    cursor: str | None = None
    while True:
        page = market.search(size="3", **({"cursor": cursor} if cursor else {}))
        seen += [hit.card.candidate_id for hit in page.hits]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(seen) == sorted(made)
    first = market.search(size="3").next_cursor
    assert first is not None
    with pytest.raises(InvalidInputError) as refused:
        market.search(size="3", cursor=first, q="python")
    assert refused.value.code == "cursor_invalid"


def test_no_next_page_is_offered_beyond_the_window(market: Market) -> None:
    """E2: the last page of the hits that can be paged to says that it is the last."""
    for _ in range(5):
        market.candidate()
    market.index()
    narrow = replace(
        market, ports=replace(market.ports, settings=replace(market.ports.settings, page_window=4))
    )
    first = narrow.search(size="2")
    assert first.next_cursor is not None
    second = narrow.search(size="2", cursor=first.next_cursor)
    assert (len(second.hits), second.total.value, second.next_cursor) == (2, 5, None)


REGIONS = ["FR-IDF", "FR-BRE", "FR-ARA"]
FIELDS = ["development", "data-ai", "sales"]


@pytest.fixture
def corpus(market: Market) -> tuple[Market, list[dict[str, Any]]]:
    """Sixty people of all kinds: states, permits, refusals, regions, fields, months."""
    today = market.ports.clock.today()
    with market.ports.db.transaction() as session:
        for number in range(60):
            person = a_candidate(
                session,
                ("searchable", "searchable", "searchable", "hidden", "paused", "minor")[number % 6],
                region=REGIONS[number % 3],
                job_fields=[FIELDS[number % 3], FIELDS[(number // 3) % 3]],
                start_day=date(2027, 1 + number % 4, 1),
                work_countries=(),
            )
            expiry = (None, today, today + timedelta(days=400), today - timedelta(days=1))[number % 4]
            right = WorkRight.NEEDS_SPONSORSHIP if number % 11 == 0 else WorkRight.YES
            a_right_to_work(session, person, "FR", right, expiry if right is WorkRight.YES else None)
            if number % 7 == 0:
                a_block(session, person, recruiter_id=market.recruiter_id)
            if number % 13 == 0:
                an_exclusion(session, person, domain="acme-industries.fr")
    market.index()
    return market, allowed_people(market)


def allowed_people(market: Market) -> list[dict[str, Any]]:
    """Everybody the contact decision allows, judged one by one."""
    from sqlalchemy import select

    settings, now = market.ports.settings, market.ports.clock.now()
    allowed = []
    with market.ports.db.transaction() as session:
        rows = session.execute(
            select(Candidate.id, Candidate.region, Candidate.job_fields, Candidate.start_day)
        ).all()
        for row in rows:
            meeting = meet(session, now, settings, market.account_id, row.id, Act.CONTACT)
            if meeting.decide("FR", Act.CONTACT).allowed:
                allowed.append(
                    {
                        "id": row.id,
                        "region": row.region,
                        "job_field": set(row.job_fields),
                        "start_month": f"{row.start_day:%Y-%m}",
                    }
                )
    return allowed


def test_the_number_found_equals_the_number_of_decisions_that_allow(
    corpus: tuple[Market, list[dict[str, Any]]],
) -> None:
    """D2: what is listed may be contacted, and whoever may be contacted is listed."""
    market, allowed = corpus
    assert 0 < len(allowed) < 40
    assert market.search().total.value == len(allowed)
    assert set(market.ids(size="50")) == {person["id"] for person in allowed}


def test_facet_counts_equal_brute_force(corpus: tuple[Market, list[dict[str, Any]]]) -> None:
    """D1: OR inside, AND across, each counted with every filter but its own, selected always listed."""
    market, allowed = corpus

    def matches(person: dict[str, Any], chosen: dict[str, list[str]], but: str | None = None) -> bool:
        return all(
            name == but
            or not values
            or (person[name] & set(values) if name == "job_field" else person[name] in values)
            for name, values in chosen.items()
        )

    @given(
        st.fixed_dictionaries(
            {
                "region": st.lists(st.sampled_from([*REGIONS, "FR-NOR"]), unique=True, max_size=3),
                "job_field": st.lists(st.sampled_from([*FIELDS, "legal"]), unique=True, max_size=3),
                "start_month": st.lists(
                    st.sampled_from(["2027-01", "2027-02", "2027-04"]), unique=True, max_size=2
                ),
            }
        )
    )
    @hypothesis_settings(
        max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    def check(chosen: dict[str, list[str]]) -> None:
        results = market.search(**chosen)
        assert results.total.value == sum(matches(person, chosen) for person in allowed)
        for name, values in chosen.items():
            expected: Counter[str] = Counter()
            for person in allowed:
                if matches(person, chosen, but=name):
                    expected.update(person[name] if name == "job_field" else [person[name]])
            expected.update(dict.fromkeys(set(values) - set(expected), 0))
            facet = next(facet for facet in results.facets if facet.name == name)
            assert {bucket.value: bucket.count.value for bucket in facet.buckets} == dict(expected)
            assert {bucket.value for bucket in facet.buckets if bucket.selected} == set(values)

    check()
