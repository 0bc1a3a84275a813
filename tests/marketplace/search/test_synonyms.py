"""What a word also matches: its row, its other names, its field (rules D1)."""

from __future__ import annotations

import pytest

from marketplace.reference import JobField, job_fields, terms
from marketplace.search import analysis, synonyms, words
from marketplace.search.document import STEMMINGS
from marketplace.search.synonyms import MOST_PER_HEAD, MOST_PER_SEARCH, Sought


def sought(text: str) -> list[Sought]:
    alternatives = [one for need in synonyms.expand(words.parse(text)) for one in need.alternatives]
    return [sought for one in alternatives for sought in one.also]


def also(text: str) -> list[str]:
    return [one.text for one in sought(text)]


def finds(query: str, written: str) -> bool:
    """Whether a search finds who wrote these words: one of the runs it looks for stands in them."""
    looked_for = [Sought(query, analysis.positions(query)), *sought(query)]
    for which, stemming in enumerate(STEMMINGS):
        there = [analysis.stems(forms[0])[which] for forms in analysis.positions(written)]
        for one in looked_for:
            run = [analysis.stems(forms[0])[which] for forms in one.positions]
            if stemming in one.stemmings and any(
                there[at : at + len(run)] == run for at in range(len(there))
            ):
                return True
    return False


def test_heads_reach_their_row_and_nothing_reaches_back() -> None:
    """D1: JavaScript also finds TypeScript, TypeScript finds only itself."""
    assert also("javascript") == ["ECMAScript", "ES6", "TypeScript"]
    assert also("TypeScript") == []


@pytest.mark.parametrize("name", ["programmer", "programmeurs", "développeuse", "software engineer"])
def test_another_name_of_a_title_reaches_its_heads_and_the_other_names(name: str) -> None:
    """D1: whoever types one name of an occupation finds those who wrote another, in either language."""
    for other in ("software developer", "développeur logiciel", "developers", "ingénieur logiciel"):
        assert finds(name, other)
    assert not {word.lower() for word in also(name)} & {name, name.rstrip("s")}


@pytest.mark.parametrize("text", ["marketing", "data", "programmer", "data engineer", "ingénieur système"])
def test_no_word_is_looked_for_that_brings_nobody(text: str) -> None:
    """D1, X-07: « digital marketing » costs a phrase and finds nobody whom « marketing » does not."""
    runs = [text, *also(text)]
    for synonym in also(text):
        others = [run.lower() for run in runs if run != synonym]
        assert not any(f" {run} " in f" {synonym.lower()} " for run in others), synonym


@pytest.mark.parametrize(
    ("query", "synonym", "stemmings"),
    [
        ("développeur", "software engineer", ("en",)),
        ("developer", "ingénieur logiciel", ("fr",)),
        ("comptable", "accountant", ("en",)),
        ("data", "SQL", ("fr", "en")),
    ],
)
def test_a_synonym_is_stemmed_in_its_language(query: str, synonym: str, stemmings: tuple[str, ...]) -> None:
    """D1: "engineers" is a plural in English only; what both languages write is looked for in both."""
    (found,) = (one for one in sought(query) if one.text == synonym)
    assert found.stemmings == stemmings


def test_a_common_noun_of_a_skill_is_a_name_and_a_proper_name_is_not() -> None:
    """D1: « apprentissage machine » finds machine learning; PyTorch is one kind of deep learning only."""
    assert "machine learning" in also("apprentissage machine")
    assert also("PyTorch") == []
    assert also("Django") == []


@pytest.mark.parametrize("field", job_fields().values(), ids=lambda field: field.code)
def test_the_name_of_a_job_field_reaches_its_titles_in_both_languages(field: JobField) -> None:
    """D1: a field's name, in either language, finds people who wrote its titles and skills."""
    titles = [term for term in terms() if term.job_field == field.code and term.kind == "title"][:1]
    for name in (field.name_en, field.name_fr):
        assert any(finds(name, term.term_en) or finds(name, term.term_fr) for term in titles), name


def test_a_part_of_a_field_name_is_enough() -> None:
    """D1: « marketing » alone means the field Marketing et communication too."""
    assert "community manager" in also("marketing")
    assert "soudure" not in also("marketing")


def test_both_heads_of_a_row_reach_each_other() -> None:
    """D1: a term finds its translation, in either direction and in any form of the words."""
    assert "visualisation de données" in also("data visualisation")
    assert "data visualisation" in also("visualisations de donnée")


def test_ambiguous_short_forms_are_neither_expanded_nor_reached() -> None:
    """Facts: R, JS, IA, RH, PO, API and the like are left out on both sides."""
    short = {form for term in terms() for form in term.ambiguous}
    assert {"R", "JS", "IA", "RH", "PO", "API"} <= short
    for form in short:
        assert also(form) == []
    for term in terms():
        for head in (term.term_en, term.term_fr):
            assert not set(also(head)) & short


def test_phrases_and_exclusions_mean_what_they_say() -> None:
    """D1: quotation marks and exclusion are never widened."""
    assert also('"machine learning"') == []
    assert also("-python") == []
    assert also("rouge OR -python") == []


def test_alternatives_and_the_longest_run_are_expanded() -> None:
    """D1: each alternative has its own synonyms; of a run of words the longest head is taken."""
    assert "Django" in also("rouge OR python")
    assert also("business plan") == ["plan d'affaires", "étude de marché", "market research"]
    assert "project manager" in also("bon chef de projet web")


def test_expansion_is_bounded() -> None:
    """Security X-07: no head and no search adds more than so many words."""
    heads = [term.term_en for term in terms()]
    assert all(len(also(head)) <= MOST_PER_HEAD for head in heads)
    assert len(also(" OR ".join(heads))) <= MOST_PER_SEARCH
