"""Completions: of controlled vocabularies, in the recruiter's own scope, never of CVs (D1, D2; P-05)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.candidates import services as candidates
from marketplace.candidates.models import Candidate
from marketplace.contacts.services import candidate_withdrew
from marketplace.errors import InvalidInputError, NotAllowedError
from marketplace.search.facets import FACETS
from marketplace.search.suggestions import MOST, Kind, completions, folded
from tests.builders import a_block, a_recruiter
from tests.markets import Market


def first(text: str, language: str = "fr") -> tuple[str, str, str, str | None]:
    best = completions(text, language)[0]
    return best.kind.value, best.value, best.typed, best.matched


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("pyth", "fr", ("skill", "python", "pyth", None)),
        ("PYTH", "en", ("skill", "python", "PYTH", None)),
        ("ile", "fr", ("region", "FR-IDF", "ile", None)),
        ("azur", "fr", ("region", "FR-PAC", "azur", None)),
        ("brit", "fr", ("region", "FR-BRE", "brit", "Brittany")),
        ("brit", "en", ("region", "FR-BRE", "brit", None)),
        ("rennes", "fr", ("region", "FR-BRE", "rennes", "Rennes")),
        ("junior machine lea", "en", ("skill", "machine-learning", "machine lea", None)),
        ("machine lea", "fr", ("skill", "machine-learning", "machine lea", "machine learning")),
        ("k8s", "en", ("skill", "containers", "k8s", "k8s")),
        ("c++", "fr", ("skill", "c-plus-plus", "c++", None)),
        ("java -php espa", "fr", ("language", "es", "espa", None)),
        ('"chef de projet" espa', "fr", ("language", "es", "espa", None)),
        ("developpement log", "fr", ("job_field", "development", "developpement log", None)),
    ],
)
def test_what_completes_the_end(text: str, language: str, expected: tuple[str, str, str, str | None]) -> None:
    """D1: the beginning of a name or of a word in it; case, accents and signs make no difference."""
    assert first(text, language) == expected


@pytest.mark.parametrize(
    "text",
    ["", "  ", "-", "'", "%", "xylophon", '"pyth', "« pyth", '"pyth"', "«pyth»", "-pyth", "java −pyth"],
)
def test_nothing_completes(text: str) -> None:
    """D1: what is quoted or left out means just what it says; signs are no beginning."""
    assert completions(text, "fr") == []


def test_the_best_come_first() -> None:
    """D1: a beginning of the label, then of a word in it, then of another name; never by how many have it."""
    found = completions("te", "en")
    places = [0 if folded(one.label).startswith("te") else 1 if one.matched is None else 2 for one in found]
    assert places == sorted(places)
    assert len(set(places)) == 3


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=40), st.sampled_from(["fr", "en"]))
def test_every_text_is_answered_by_values_of_the_facets(text: str, language: str) -> None:
    """P-05: whatever is typed, a suggestion is a value that its facet takes, with its label."""
    for one in completions(text, language):
        facet = FACETS[one.kind.value]
        assert facet.accepts(one.value)
        assert one.label == facet.label(one.value, language)
        assert text.endswith(one.typed) or " ".join(text.split()).endswith(one.typed)


def named(market: Market, text: str, **more: Any) -> set[tuple[str, str]]:
    return {(one.kind.value, one.value) for one in market.suggests(text, **more)}


def test_only_what_somebody_has(market: Market) -> None:
    """P-05: a value of the vocabulary that nobody in scope has is not proposed, a CV's word never."""
    market.candidate(skills=["python"], cv_text="pytorch pythagore pyrotechnie", region="FR-BRE")
    market.index()
    assert named(market, "py") == {("skill", "python")}
    assert named(market, "pythag") == set()
    assert named(market, "bre") == {("region", "FR-BRE")}
    assert named(market, "dev") == {("job_field", "development")}
    assert named(market, "ang") == {("language", "en")}
    assert named(market, "java") == set()


def test_hidden_people_change_nothing(market: Market) -> None:
    """P-05, INV-2: with and without people who may not be seen, the answers are the same."""
    market.candidate(skills=["python"])
    market.index()
    texts = ["ja", "py", "bre", "alle", "sales", "vente", "d", "c"]
    before = [market.suggests(text) for text in texts]
    for trait in ("hidden", "paused", "found", "suspended", "minor"):
        market.candidate(
            trait, skills=["java", "javascript"], region="FR-BRE", languages=["de"], job_fields=["sales"]
        )
    market.candidate(country="GB", region="GB-TLI", work_countries=("GB", "FR"), skills=["java"])
    market.candidate(work_countries=("GB",), skills=["java"])
    blocking = market.candidate(skills=["java"], region="FR-BRE")
    with market.ports.db.transaction() as session:
        a_block(session, session.get_one(Candidate, blocking), recruiter_id=market.recruiter_id)
    market.index()
    assert [market.suggests(text) for text in texts] == before


def test_a_withdrawal_takes_its_values_along(market: Market) -> None:
    """C2: from its commit nothing is proposed that only the withdrawn person had, without any indexing."""
    goes = market.candidate(skills=["java"])
    market.index()
    assert named(market, "java") == {("skill", "java")}
    with market.ports.db.transaction() as session:
        account_id = session.get_one(Candidate, goes).account_id
        candidates.withdraw(
            session, market.ports.clock.now(), market.ports.settings, account_id, "portal", candidate_withdrew
        )
    assert named(market, "java") == set()


def test_the_country_of_the_job_decides_with(market: Market) -> None:
    """D2: the scope is that of the search the box belongs to."""
    market.candidate(skills=["java"], work_countries=("GB",))
    market.index()
    assert named(market, "java") == set()
    assert named(market, "java", job_country="GB") == {("skill", "java")}


def test_ten_at_most(market: Market) -> None:
    """D1: what a person reads at a glance, of all that completes the text."""
    skills = sorted({one.value for one in completions("c", "fr") if one.kind is Kind.SKILL})
    assert len(skills) > MOST == 10
    market.candidate(skills=skills[:40])
    market.index()
    found = market.suggests("c")
    assert len(found) == MOST
    assert list(found) == [one for one in completions("c", "fr") if one in found]


def test_wrong_input_is_told(market: Market) -> None:
    """D1: a text beyond the limits of a search, and a country outside the Territory."""
    with pytest.raises(InvalidInputError):
        market.suggests("a" * 257)
    with pytest.raises(InvalidInputError):
        market.suggests("pyth", job_country="DE")


@pytest.mark.parametrize(
    ("trait", "code"), [("pending", "words_not_open"), ("suspended", "account_not_active")]
)
def test_who_may_not_search_by_words_gets_no_help_with_them(market: Market, trait: Any, code: str) -> None:
    """B3, B4: the refusal is that of the search."""
    with market.ports.db.transaction() as session:
        other = a_recruiter(session, trait)
        asking = Market(market.ports, other.account_id, other.id, other.company_id)
    with pytest.raises(NotAllowedError) as refused:
        asking.suggests("pyth")
    assert refused.value.code == code
