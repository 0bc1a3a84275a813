"""Highlights as data (rules D7; issue 3, search)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.search import words
from marketplace.search.highlight import Fragment, fragments, marking, one_letter_away, whole


def marked(text: str, query: str, approximate: tuple[str, ...] = ()) -> list[str]:
    return [span.text for span in whole(text, marking(words.parse(query), approximate)) if span.match]


def cut(text: str, query: str, characters: int = 200) -> tuple[Fragment, ...]:
    return fragments(text, marking(words.parse(query)), characters=characters)


def flat(fragment: Fragment) -> str:
    return "".join(span.text for span in fragment)


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        ("Développeur Python, python.", "PYTHON", ["Python", "python"]),
        ("gestion des réseaux", "reseau", ["réseaux"]),
        ("managing networks", "manage network", ["managing", "networks"]),
        ("de l'informatique", "informatique", ["informatique"]),
        ("poste de développeur·se web", "développeuse", ["développeur·se"]),
        ("C/C++, C#", "C++", ["C++"]),
        ("chef de projet, projet de chef", '"chef de projet"', ["chef de projet"]),
        ("chef\n de\n projet", '"chef de projet"', ["chef\n de\n projet"]),
        ("python et java", "python -java", ["python"]),
        ("python et java", "python OR java", ["python", "java"]),
        ("TypeScript", "JavaScript", ["TypeScript"]),
        ("apprentissage automatique", "machine learning", ["apprentissage automatique"]),
        ("front-end", "front-end", ["front-end"]),
        ("rien", "voile", []),
        ("", "voile", []),
        ("tout", "", []),
        ("big data data engineer", '"big data" data', ["big data", "data"]),
    ],
)
def test_only_what_was_asked_is_marked(text: str, query: str, expected: list[str]) -> None:
    """D1: words, both stemmings, phrases, synonyms; exclusions mark nothing."""
    assert marked(text, query) == expected


def test_a_forgiven_typo_marks_what_was_taken() -> None:
    """D1: where a word was taken loosely, the words one letter away are marked."""
    assert marked("python et jython", "pyhton", ("pyhton",)) == ["python"]
    assert marked("python", "pyhton") == []


def test_a_whole_text_stays_whole() -> None:
    """D7: marking a text changes nothing of it, markup in it included."""
    text = "  <b>Python</b> & java\n\n\tpython\n"
    spans = whole(text, marking(words.parse("python")))
    assert flat(spans) == text
    assert [span.text for span in spans if span.match] == ["Python", "python"]


def test_the_best_fragment_comes_first() -> None:
    """D7: the place with most of the words asked for leads; at most three are given."""
    far = "mot " * 80
    text = f"python {far} python java sql {far} python java {far} java {far} sql"
    found = cut(text, "python java sql")
    assert len(found) == 3
    assert [[span.text for span in fragment if span.match] for fragment in found] == [
        ["python", "java", "sql"], ["python", "java"], ["python"],
    ]  # fmt: skip


def test_fragments_are_cut_between_words_and_have_single_blanks() -> None:
    """D7: a fragment is readable text."""
    text = "alpha " * 60 + "\n\n python \t rouge " + "omega " * 60
    (fragment,) = cut(text, "python", 60)
    assert set(flat(fragment).split()) == {"alpha", "python", "rouge", "omega"}
    assert "  " not in flat(fragment)
    assert len(flat(fragment)) <= 60


def test_gaps_of_scrubbed_contact_data_become_one() -> None:
    """D7: a card shows words, not the separators between what was taken out; one gap stays as it is."""
    (fragment,) = cut("… | … Python … | … |\n… Rennes … 2024 | …", "python")
    assert flat(fragment) == "Python … Rennes … 2024 |"


def test_nothing_found_gives_no_fragment() -> None:
    """D7: a card shows no piece of a text that does not match."""
    assert cut("alpha omega", "python") == ()


def test_a_match_longer_than_a_fragment_is_left_out() -> None:
    """D7: the bound on length holds whatever matches."""
    assert cut("a" + " " * 300 + "b", '"a b"') == ()


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["python", "java", "mot", "développeur·se", "l'été", "\n", "x" * 70]), max_size=150
    ),
    st.integers(80, 200),
)
def test_bounds_hold_for_every_text(pieces: list[str], characters: int) -> None:
    """D7: at most three fragments, each within its length, none overlapping, each from the text."""
    text = " ".join(pieces)
    found = cut(text, 'python java "mot mot" développeuse', characters)
    assert len(found) <= 3
    for fragment in found:
        assert 0 < len(flat(fragment)) <= characters
        assert any(span.match for span in fragment)
        assert flat(fragment).strip() in " ".join(text.split())
    assert flat(whole(text, marking(words.parse("python mot")))) == text


@settings(deadline=None)
@given(st.text(), st.text(max_size=40))
def test_any_text_and_any_query(text: str, query: str) -> None:
    """D1: nothing raises, and marking keeps the text."""
    assert flat(whole(text, marking(words.parse(query)))) == text
    assert all(len(flat(fragment)) <= 200 for fragment in cut(text, query))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("python", "python", True), ("python", "pyton", True), ("python", "pythonn", True),
        ("python", "pithon", True), ("python", "pyhton", True), ("python", "ypthon", True),
        ("python", "pytohm", False), ("python", "pyt", False), ("abcd", "badc", False), ("", "a", True),
    ],
)  # fmt: skip
def test_one_letter_away(one: str, other: str, expected: bool) -> None:
    """X-07: one letter put, dropped, changed or swapped, never more."""
    assert one_letter_away(one, other) is expected
    assert one_letter_away(other, one) is expected


def test_which_terms_are_found() -> None:
    """E7: each sought term with the words of its first match, those inside another match too."""
    what = marking(words.parse('"big data" data java pyhton'), ("pyhton",))
    found = what.found("DATA, Big  Data et Python")
    assert {(what.terms[term].text, what.terms[term].is_loose): said for term, said in found.items()} == {
        ("big data", False): "Big  Data", ("data", False): "DATA", ("pyhton", True): "Python",
    }  # fmt: skip
    assert what.found("") == {}
