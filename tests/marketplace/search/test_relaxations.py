"""What to give up where nobody is found: each number is that of the search its link leads to (D2, G)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from marketplace.search import url
from marketplace.search.query import SearchPage, SearchQuery
from marketplace.search.relaxations import MOST, Given, proposals
from marketplace.search.url import SearchParameters
from tests.builders import a_recruiter
from tests.markets import Market


def asked(**query: str | list[str]) -> SearchParameters:
    pairs = [
        (name, value)
        for name, values in query.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    return url.read(pairs, default_job_country="FR")


def proposed(**query: str | list[str]) -> list[tuple[Given, str, str]]:
    return [(one.given, one.subject, one.parameters.query_string()) for one in proposals(asked(**query))]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, []),
        ({"flex": "1"}, []),
        ({"q": "python"}, [(Given.WORDS, "python", "")]),
        ({"q": "python", "sort": "relevance"}, [(Given.WORDS, "python", "")]),
        ({"q": "python", "sort": "start"}, [(Given.WORDS, "python", "sort=start")]),
        ({"region": ["FR-BRE", "FR-IDF"]}, [(Given.FACET, "region", "")]),
        (
            {"q": "machine learning -java"},
            [
                (Given.WORDS, "machine learning -java", ""),
                (Given.WORD, "machine learning", "q=-java"),
                (Given.WORD, "-java", "q=machine+learning"),
            ],
        ),
        (
            {"start_to": "2027-01-01", "region": "FR-BRE"},
            [
                (Given.FIRM_START, "", "flex=1&region=FR-BRE&start_to=2027-01-01"),
                (Given.FILTERS, "", ""),
                (Given.DATES, "", "region=FR-BRE"),
                (Given.FACET, "region", "start_to=2027-01-01"),
            ],
        ),
        ({"start_from": "2027-01-01", "flex": "1"}, [(Given.DATES, "", "")]),
    ],
)
def test_what_is_proposed(query: dict[str, Any], expected: list[tuple[Given, str, str]]) -> None:
    """D1, G: whole facets, both dates at once, a start that can move, words and single words; each once."""
    assert proposed(**query) == expected


def test_a_proposal_starts_at_the_first_page() -> None:
    """E2: the cursor of the search that found nobody belongs to no other."""
    assert all(
        one.parameters.cursor is None for one in proposals(asked(q="a b", region="FR-BRE", cursor="x"))
    )


def test_at_most_eight_counts_are_made(market: Market) -> None:
    """X-07: however much is asked, at most eight more searches, none with hits or facets; one with hits."""
    market.candidate()
    market.index()
    made: list[SearchQuery] = []
    index = market.ports.index

    class Watched:
        """The real index, with a list of what it was asked."""

        def __getattr__(self, name: str) -> Any:
            return getattr(index, name)

        def search(self, query: SearchQuery) -> SearchPage:
            made.append(query)
            return index.search(query)

    watched = Market(
        market.ports.__class__(**{**market.ports.__dict__, "index": Watched()}),
        market.account_id, market.recruiter_id, market.company_id,
    )  # fmt: skip
    filters: dict[str, Any] = {
        "region": "FR-BRE", "job_field": "legal", "start_month": "2027-01", "skill": "java",
        "language": "de", "education_level": "3", "start_from": "2027-01-01",
    }  # fmt: skip
    assert len(proposals(asked(q="un deux trois quatre cinq six", **filters))) == MOST == 8
    watched.search(q="un deux trois quatre cinq six", **filters)
    assert len(made) == 1 + MOST
    assert all((query.size, query.with_facets) == (0, False) for query in made[1:])
    made.clear()
    assert watched.search(q="python").total.value == 1
    assert len(made) == 1
    made.clear()
    watched.search(start_to="2027-12-01")
    assert len(made) == 2


@pytest.fixture
def crowd(market: Market) -> Market:
    """Twenty people of three regions and three fields, who start in four months, some flexibly."""
    for number in range(20):
        market.candidate(
            region=("FR-IDF", "FR-BRE", "FR-ARA")[number % 3],
            job_fields=[("development", "data-ai", "sales")[number % 3]],
            skills=[["python"], ["java", "python"], ["javascript"]][number % 3] if number % 2 else ["python"],
            start_day=date(2027, 1 + number % 4, 1),
            start_is_month=False,
            start_flex_weeks=6 * (number % 2),
            headline_scrubbed=("Python", "Comptable", "Vendeuse", "Data")[number % 4],
        )
    market.index()
    return market


def test_the_number_is_that_of_the_search_the_link_leads_to(crowd: Market) -> None:
    """D2, G: whatever found nobody, each proposal's number equals the total of its own search, most first."""
    empty = 0

    @given(
        st.fixed_dictionaries(
            {},
            optional={
                "q": st.sampled_from(
                    ["python", "pyhton", "comptable python", '"data python"', "vendeuse -django",
                     "luthière", "java OR luthière", "l'or python", "-python"],
                ),
                "region": st.lists(st.sampled_from(["FR-BRE", "FR-NOR", "FR-IDF"]), min_size=1, unique=True),
                "job_field": st.lists(st.sampled_from(["data-ai", "legal"]), min_size=1, unique=True),
                "skill": st.lists(st.sampled_from(["java", "javascript", "figma"]), min_size=1, unique=True),
                "start_from": st.dates(date(2027, 1, 1), date(2027, 6, 1)).map(str),
                "flex": st.just("1"),
                "sort": st.sampled_from(["relevance", "start", "fresh"]),
                "size": st.just("5"),
            },
        )
    )  # fmt: skip
    @hypothesis_settings(
        max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    def check(query: dict[str, Any]) -> None:
        nonlocal empty
        results = crowd.search(**query)
        assert not (results.relaxations and results.total.value)
        totals = [found.total for found in results.relaxations]
        assert totals == sorted(totals, reverse=True)
        assert 0 not in totals
        empty += bool(totals)
        for found in results.relaxations:
            link = crowd.asks(parse_qsl(found.proposal.parameters.query_string()))
            assert link.total.value == found.total
        if results.flex_brings and results.total.value:
            flexible = crowd.search(**query | {"flex": "1"}).total.value
            assert flexible == results.total.value + results.flex_brings

    check()
    assert empty > 5


def test_everything_that_would_bring_somebody_is_named(crowd: Market) -> None:
    """D2: with one filter in the way it is named, and nothing that brings nobody."""
    results = crowd.search(q="comptable", region="FR-NOR", job_field="sales")
    assert {(found.proposal.given, found.proposal.subject) for found in results.relaxations} <= {
        (Given.FACET, "region"), (Given.FILTERS, ""),
    }  # fmt: skip
    assert any(found.proposal.given is Given.FACET for found in results.relaxations)


@pytest.mark.parametrize(("weeks", "brings"), [(0, 0), (4, 0), (5, 1), (6, 1)])
def test_a_start_that_can_move_is_told(market: Market, weeks: int, brings: int) -> None:
    """G: 35 days late, before, at and after the five weeks that reach the asked day."""
    first = date(2027, 1, 1)
    market.candidate(start_day=first, start_is_month=False)
    market.candidate(start_day=first + timedelta(days=35), start_is_month=False, start_flex_weeks=weeks)
    market.index()
    results = market.search(start_to=str(first))
    assert (results.total.value, results.flex_brings) == (1, brings)


def test_it_is_told_once(market: Market) -> None:
    """G, E2: not where it is on, not where nothing is dated, and only on the first page."""
    for days in (0, 1, 20):
        market.candidate(
            start_day=date(2027, 1, 1) + timedelta(days=days), start_is_month=False, start_flex_weeks=4
        )
    market.index()
    first = market.search(start_to="2027-01-05", size="1")
    assert (first.total.value, first.flex_brings) == (2, 1)
    assert first.next_cursor is not None
    assert market.search(start_to="2027-01-05", size="1", cursor=first.next_cursor).flex_brings == 0
    assert market.search(start_to="2027-01-05", flex="1").flex_brings == 0
    assert market.search().flex_brings == 0


def test_among_equals_the_least_is_given_up_first(market: Market) -> None:
    """D2: one filter before all of them, where both bring the same."""
    market.candidate(job_fields=["development"])
    market.index()
    found = market.search(q="python", region="FR-NOR", job_field="development").relaxations
    assert [(one.proposal.given, one.total) for one in found] == [(Given.FACET, 1), (Given.FILTERS, 1)]


def test_nobody_hidden_is_counted(market: Market) -> None:
    """INV-2, P-05: what giving up brings is counted in the recruiter's own scope."""
    market.candidate(region="FR-BRE")
    for trait in ("hidden", "paused", "minor"):
        market.candidate(trait, region="FR-BRE")
    market.candidate(country="GB", region="GB-TLI", work_countries=("GB", "FR"))
    market.index()
    (found,) = market.search(region="FR-NOR").relaxations
    assert found.total == 1


def test_an_unverified_recruiter_is_told_nothing_of_it(market: Market) -> None:
    """B3: exact numbers are not for those who see rounded ones."""
    market.candidate()
    market.index()
    with market.ports.db.transaction() as session:
        pending = a_recruiter(session, "pending")
        other = Market(market.ports, pending.account_id, pending.id, pending.company_id)
    results = other.search(region="FR-NOR", start_to="2027-01-01")
    assert (results.relaxations, results.flex_brings) == ((), 0)
