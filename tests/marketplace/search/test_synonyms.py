"""What a word also matches: its row, its other names, its field (rules D1)."""

from __future__ import annotations

import pytest

from marketplace.reference import JobField, job_fields, terms
from marketplace.search import synonyms, words
from marketplace.search.synonyms import MOST_PER_HEAD, MOST_PER_SEARCH


def also(text: str) -> list[str]:
    return [
        sought.text
        for need in synonyms.expand(words.parse(text))
        for alternative in need.alternatives
        for sought in alternative.also
    ]


def test_heads_reach_their_row_and_nothing_reaches_back() -> None:
    """D1: JavaScript also finds TypeScript, TypeScript finds only itself."""
    assert also("javascript") == ["ECMAScript", "ES6", "TypeScript"]
    assert also("TypeScript") == []


@pytest.mark.parametrize("name", ["programmer", "programmeurs", "développeuse", "software engineer"])
def test_another_name_of_a_title_reaches_its_heads_and_the_other_names(name: str) -> None:
    """D1: whoever types one name of an occupation finds those who wrote another, in either language."""
    reached = also(name)
    assert {"software developer", "développeur logiciel"} <= set(reached)
    assert not {word.lower() for word in reached} & {name, name.rstrip("s")}


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
        reached = {word.lower() for word in also(name)} | {name.lower()}
        assert any({term.term_en.lower(), term.term_fr.lower()} & reached for term in titles), name


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
