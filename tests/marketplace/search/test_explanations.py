"""Why a person was found: which words stand where, and never a score (rules D7, E7)."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from marketplace.candidates.policy import Start
from marketplace.candidates.recruiter_view import CandidateCard
from marketplace.search import words
from marketplace.search.explanations import How, Match, Place, inclusive_forms, read_as, why
from marketplace.search.highlight import marking
from tests.markets import Market

HEADLINE, SKILLS, CV = Place.HEADLINE, Place.SKILLS, Place.CV


def card(headline: str = "", skills: tuple[str, ...] = (), cv_text: str = "", **more: Any) -> CandidateCard:
    return CandidateCard(
        candidate_id=uuid4(), key=1, headline=headline, country="FR", region="FR-IDF",
        job_fields=("development",), start=Start(date(2027, 9, 1)), skills=skills,
        other_skills=more.get("other_skills", ()), languages=(), education_level=None,
        fresh_on=date(2026, 11, 1), cv_text=cv_text,
    )  # fmt: skip


def explained(query: str, who: CandidateCard, approximate: tuple[str, ...] = ()) -> list[Match]:
    return list(why(who, marking(words.parse(query), approximate)))


def test_a_word_is_found_in_each_place_in_any_form() -> None:
    """E7: headline, skills and CV, in this order; stems, accents and case make no difference."""
    who = card("Développeurs Python", ("python",), "Un developpeur PYTHON.")
    assert explained("python développeur", who) == [
        Match("python", How.WORD, "Python", (HEADLINE, SKILLS, CV)),
        Match("développeur", How.WORD, "Développeurs", (HEADLINE, CV)),
    ]


def test_a_synonym_is_the_reason_only_where_the_word_is_missing() -> None:
    """E7: whoever has the word was found by it; else the synonyms that stand there are named."""
    assert explained("python", card(cv_text="Python et Django")) == [
        Match("python", How.WORD, "Python", (CV,))
    ]
    assert explained("python", card(cv_text="Django, Flask", headline="Django")) == [
        Match("python", How.SYNONYM, "Django", (HEADLINE, CV)),
        Match("python", How.SYNONYM, "Flask", (CV,)),
    ]


def test_words_that_are_one_term_are_explained_together() -> None:
    """D1: half of a term is no reason where the whole was found by its translation."""
    who = card(cv_text="une machine ; apprentissage automatique")
    assert explained("machine learning", who) == [
        Match("machine learning", How.SYNONYM, "apprentissage automatique", (CV,))
    ]
    assert [match.asked for match in explained("machine learning", card("learning machine"))] == [
        "machine", "learning",
    ]  # fmt: skip


def test_phrases_alternatives_and_exclusions() -> None:
    """D1: a phrase as it stands, the alternative that holds, and nothing for what was left out."""
    who = card("Chef  de\nprojet", cv_text="java")
    assert explained('"chef de projet" python OR java -php', who) == [
        Match("chef de projet", How.WORD, "Chef de projet", (HEADLINE,)),
        Match("java", How.WORD, "java", (CV,)),
    ]
    assert explained('"de chef"', who) == []
    assert explained("-php", who) == []


def test_a_forgiven_typo_says_what_was_taken() -> None:
    """D1, E7: each misspelt word has its own reading; a phrase is never read loosely."""
    who = card("Python", cv_text="Jardiniere, python")
    found = explained("pyhton jardinere", who, ("pyhton", "jardinere"))
    assert found == [
        Match("pyhton", How.TYPO, "Python", (HEADLINE, CV)),
        Match("jardinere", How.TYPO, "Jardiniere", (CV,)),
    ]
    assert read_as(found) == {"pyhton": ("Python",), "jardinere": ("Jardiniere",)}
    assert explained('"pyhton"', who, ("pyhton",)) == []


def test_readings_are_named_once() -> None:
    """D1: whatever the case in which the words stand."""
    matches = [Match("pyhton", How.TYPO, found, (CV,)) for found in ("Python", "python", "Pytho")]
    assert read_as([*matches, Match("x", How.WORD, "x", (CV,))]) == {"pyhton": ("Python", "Pytho")}


@pytest.mark.parametrize(
    ("text", "forms"),
    [("développeur·se", ("developpeur", "developpeuse")), ("chargé(e)s", ("charges", "chargees")),
     ("développeur", ()), ("front-end", ())],
)  # fmt: skip
def test_inclusive_forms(text: str, forms: tuple[str, ...]) -> None:
    """D1: an inclusive form is read as both its words."""
    assert inclusive_forms(text) == forms


VOCABULARY = [
    "python", "django", "java", "kubernetes", "docker", "développeur·se", "machine", "learning", "C++",
    "chef", "de", "projet", "l'informatique", "pyhton", "développeuse",
]  # fmt: skip
PEOPLE = [
    ("python django", "chef de projet en machine learning"), ("développeur·se java", "docker C++"),
    ("développeuse", "l'informatique, python"), ("chef", "projet de machine kubernetes"),
    ("", "apprentissage automatique, Flask, projet"), ("C++ java", "de chef projet informatique"),
]  # fmt: skip
QUERIES = st.lists(
    st.one_of(st.sampled_from(VOCABULARY), st.sampled_from(['"chef de projet"', "-java", "OR", "|"])),
    min_size=1, max_size=4,
).map(" ".join)  # fmt: skip


def test_every_hit_is_explained_for_every_requirement(market: Market) -> None:
    """E7: what the index finds, the text explains: one reason at least for each word asked for."""
    for headline, text in PEOPLE:
        market.candidate(headline_scrubbed=headline, cv_text=text or "rien", skills=[])
    market.index()

    @given(QUERIES)
    @hypothesis_settings(
        max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    def check(query: str) -> None:
        results = market.search(q=query)
        asked = [
            {term.text for term in requirement.alternatives}
            for requirement in results.reading.requirements
            if not any(term.is_excluded for term in requirement.alternatives)
        ]
        for hit in results.hits:
            said = {match.asked for match in hit.why}
            for texts in asked:
                parts = {word for text in texts for word in (text, *text.split())}
                assert said & parts, (query, hit.card.headline, hit.card.cv_text, hit.why)

    check()
