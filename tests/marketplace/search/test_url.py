"""The query string of a search, both ways (interface.md, search route; rules D1, E2, G)."""

from __future__ import annotations

from datetime import date
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.errors import InvalidInputError
from marketplace.reference import regions, skills
from marketplace.search import url, words
from marketplace.search.query import Position, Sort, Visibility
from marketplace.search.url import Limits, SearchParameters
from marketplace.settings import Settings


def read(*pairs: tuple[str, str]) -> SearchParameters:
    return url.read(pairs, default_job_country="FR")


def faults(*pairs: tuple[str, str]) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInputError) as caught:
        read(*pairs)
    return [(error.field, error.code) for error in caught.value.errors]


def test_everything_is_read() -> None:
    """Interface: every parameter of the route."""
    read_ = read(
        ("q", "  chef   de projet "), ("job_country", "GB"), ("region", "FR-IDF"), ("region", "FR-BRE"),
        ("start_month", "2027-09"), ("start_from", "2027-09-01"), ("start_to", "2027-09-01"), ("flex", "1"),
        ("sort", "start"), ("cursor", "abc"), ("size", "50"), ("skill", ""),
    )  # fmt: skip
    assert (read_.q, read_.job_country, read_.sort, read_.size) == ("chef de projet", "GB", Sort.START, 50)
    assert read_.selections == {"region": {"FR-IDF", "FR-BRE"}, "start_month": {"2027-09"}}
    assert (read_.start_from, read_.start_to, read_.flex) == (date(2027, 9, 1), date(2027, 9, 1), True)
    assert read_.cursor == "abc"


def test_defaults() -> None:
    """G: the recruiter's work country, relevance with words, else fresh; empty parameters are absent."""
    assert read().sort is Sort.FRESH
    assert read(("q", "python")).sort is Sort.RELEVANCE
    assert read(("q", " - ")).sort is Sort.FRESH
    assert read(("q", ""), ("start_from", ""), ("size", ""), ("flex", "0"), ("sort", "")) == read()
    assert read().job_country == "FR"


@pytest.mark.parametrize(
    ("pair", "code"),
    [
        (("nonsense", "1"), "unknown_parameter"),
        (("offset", "10"), "unknown_parameter"),
        (("job_country", "DE"), "unknown_country"),
        (("job_country", "fr"), "unknown_country"),
        (("region", "XX"), "unknown_value"),
        (("job_field", "x"), "unknown_value"),
        (("start_month", "2027-13"), "unknown_value"),
        (("skill", "x"), "unknown_value"),
        (("language", "xx"), "unknown_value"),
        (("education_level", "9"), "unknown_value"),
        (("start_from", "2027-02-30"), "invalid_date"),
        (("start_to", "20270201"), "invalid_date"),
        (("start_to", "2027-W01-1"), "invalid_date"),
        (("start_from", "0000-01-01"), "invalid_date"),
        (("flex", "yes"), "invalid_flag"),
        (("sort", "score"), "unknown_sort"),
        (("size", "0"), "invalid_size"),
        (("size", "51"), "invalid_size"),
        (("size", "-1"), "invalid_size"),
        (("size", "ten"), "invalid_size"),
        (("size", "٣"), "invalid_size"),
    ],
)
def test_what_is_wrong_is_named(pair: tuple[str, str], code: str) -> None:
    """G: a value outside its vocabulary is wrong input, told with its field."""
    assert faults(pair) == [(pair[0], code)]


def test_one_fault_a_field_and_all_at_once() -> None:
    """Interface: the answer says everything that has to change."""
    assert faults(("sort", "x"), ("size", "x"), ("q", "a"), ("q", "b"), ("start_from", "x")) == [
        ("q", "repeated"), ("start_from", "invalid_date"), ("sort", "unknown_sort"), ("size", "invalid_size"),
    ]  # fmt: skip
    assert faults(("start_from", "2027-09-02"), ("start_to", "2027-09-01")) == [
        ("start_to", "reversed_dates")
    ]


def test_bounds_of_the_text() -> None:
    """D1: 256 characters and 16 terms are fine, one more is not."""
    assert read(("q", "a" * 256)).q == "a" * 256
    assert faults(("q", "a" * 257)) == [("q", "too_long")]
    assert len(read(("q", "a " * 16)).words.clauses) == 16
    assert faults(("q", "a " * 17)) == [("q", "too_many_terms")]
    assert faults(("q", '"' + "a " * 17 + '"')) == [("q", "too_many_terms")]
    assert read(("q", "- " * 100)).words.clauses == ()


def test_bounds_of_the_facets() -> None:
    """D1: 50 facet values are fine, one more is not; a value given twice counts once."""
    values = [("skill", slug) for slug in list(skills())[:30]] + [
        ("region", code) for code in list(regions())[:20]
    ]
    assert sum(map(len, read(*values, *values).selections.values())) == 50
    assert faults(*values, ("language", "fr")) == [("skill", "too_many_values")]


@settings(deadline=None)
@given(st.text(max_size=256))
def test_any_text_within_the_limits_is_valid(text: str) -> None:
    """D1: only the number of terms can be wrong with a text of at most 256 characters."""
    if words.count_terms(words.parse(text)) > 16:
        assert faults(("q", text)) == [("q", "too_many_terms")]
    else:
        parameters = read(("q", text))
        assert read(*parse_qsl(parameters.query_string())) == parameters


def test_lone_surrogates_do_no_harm() -> None:
    """D1: what cannot be written as UTF-8 is replaced."""
    assert read(("q", "a\ud800b")).query_string() == "q=a%3Fb"


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "q": st.sampled_from(["python", '"a b" -c OR d', "l'été"]),
            "job_country": st.sampled_from(["FR", "GB", "US"]),
            "region": st.sampled_from(["FR-IDF", "US-CA"]),
            "start_from": st.just("2027-01-01"),
            "start_to": st.just("2027-02-01"),
            "flex": st.sampled_from(["0", "1"]),
            "sort": st.sampled_from(["relevance", "start", "fresh"]),
            "size": st.sampled_from(["20", "50"]),
        },
    )
)
def test_the_canonical_form_means_the_same(given_: dict[str, str]) -> None:
    """Interface: what is written reads back equal, and is written the same again."""
    parameters = read(*given_.items())
    again = read(*parse_qsl(parameters.query_string()))
    assert again.query_string() == parameters.query_string()
    assert (again.sort, again.words, again.selections, again.job_country) == (
        parameters.sort, parameters.words, parameters.selections, parameters.job_country,
    )  # fmt: skip


def test_defaults_are_left_out_and_the_rest_is_sorted() -> None:
    """Interface: one search, one address."""
    assert read(("size", "20"), ("job_country", "FR"), ("sort", "fresh"), ("flex", "0")).query_string() == ""
    one = read(("skill", "python"), ("region", "FR-IDF"), ("q", "a"), ("region", "FR-BRE"))
    assert one.query_string() == "q=a&region=FR-BRE&region=FR-IDF&skill=python"


def test_facet_links_toggle() -> None:
    """D1: a facet link adds its value, or takes it back, and starts from the first page."""
    one = read(("q", "a"), ("region", "FR-IDF"), ("cursor", "abc"))
    assert one.toggled("region", "FR-BRE") == "q=a&region=FR-BRE&region=FR-IDF"
    assert one.toggled("region", "FR-IDF") == "q=a"
    assert one.toggled("language", "fr") == "language=fr&q=a&region=FR-IDF"
    assert one.next_page("xyz") == "q=a&region=FR-IDF&cursor=xyz"


def test_chips_take_one_choice_back() -> None:
    """D1: every choice in force can be taken back on its own."""
    one = read(
        ("q", "a"),
        ("region", "FR-IDF"),
        ("start_from", "2027-01-01"),
        ("start_to", "2027-02-01"),
        ("flex", "1"),
    )
    assert [(chip.name, chip.value) for chip in one.chips()] == [
        ("region", "FR-IDF"), ("start_from", "2027-01-01"), ("start_to", "2027-02-01"), ("flex", "1"),
    ]  # fmt: skip
    assert [chip.without for chip in one.chips()] == [
        "flex=1&q=a&start_from=2027-01-01&start_to=2027-02-01",
        "flex=1&q=a&region=FR-IDF&start_to=2027-02-01",
        "flex=1&q=a&region=FR-IDF&start_from=2027-01-01",
        "q=a&region=FR-IDF&start_from=2027-01-01&start_to=2027-02-01",
    ]
    assert read().chips() == ()


def test_the_query_carries_its_visibility() -> None:
    """Design 3: parameters become a search only with a visibility."""
    seen = Visibility(country="FR", job_country="GB", today=date(2026, 11, 23))
    after = Position(Sort.FRESH, 5, 20)
    query = read(("q", "a"), ("flex", "1"), ("size", "10")).query(seen, after)
    assert (query.visibility, query.after, query.flex, query.size, query.sort) == (
        seen,
        after,
        True,
        10,
        Sort.RELEVANCE,
    )


def test_a_fingerprint_is_of_one_search() -> None:
    """E2: what is found differs, the fingerprint differs; page size and cursor change nothing."""
    one = read(("q", "a"))
    assert one.fingerprint("FR") == read(("q", " a "), ("size", "50"), ("cursor", "x")).fingerprint("FR")
    others = [
        one.fingerprint("GB"),
        read(("q", "a"), ("job_country", "GB")).fingerprint("FR"),
        read(("q", "b")).fingerprint("FR"),
        read(("q", "a"), ("sort", "fresh")).fingerprint("FR"),
    ]
    assert len({one.fingerprint("FR"), *others}) == 5


def test_the_limits_are_settings() -> None:
    """D1, E2: every number is a setting with the rule's default."""
    assert Limits.of(Settings()) == Limits()
    strict = Limits.of(Settings(query_max_characters=3, page_size_max=10))
    with pytest.raises(InvalidInputError):
        url.read([("q", "abcd")], default_job_country="FR", limits=strict)
    assert url.read([("size", "10")], default_job_country="FR", limits=strict).size == 10
