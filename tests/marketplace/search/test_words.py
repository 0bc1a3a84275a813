"""The one grammar of search texts (rules D1)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.search import synonyms, words
from marketplace.search.query import AnyOf, Clause, Exclusion, Phrase, Word, Words


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("", ()),
        ("   ", ()),
        ("python", (Word("python"),)),
        ("python java", (Word("python"), Word("java"))),
        ('"chef de projet"', (Phrase("chef de projet"),)),
        ("“chef  de projet”", (Phrase("chef de projet"),)),
        ("« chef de projet »", (Phrase("chef de projet"),)),
        ('-java -"chef de projet"', (Exclusion(Word("java")), Exclusion(Phrase("chef de projet")))),
        ("−java --php", (Exclusion(Word("java")), Exclusion(Word("php")))),
        ("python - java", (Word("python"), Word("java"))),
        ("a OR b", (AnyOf((Word("a"), Word("b"))),)),
        ("a OU b | c", (AnyOf((Word("a"), Word("b"), Word("c"))),)),
        ("a|b", (AnyOf((Word("a"), Word("b"))),)),
        ("a b OR c d", (Word("a"), AnyOf((Word("b"), Word("c"))), Word("d"))),
        ("a OR -b", (AnyOf((Word("a"), Exclusion(Word("b")))),)),
        ('a OR "b c"', (AnyOf((Word("a"), Phrase("b c"))),)),
        ("a OR OR b", (AnyOf((Word("a"), Word("b"))),)),
        ("OR a OR", (Word("a"),)),
        ("OR", ()),
        ("a or b", (Word("a"), Word("or"), Word("b"))),
        ('un "deux', (Word("un"), Word("deux"))),
        ('""', ()),
        ('"..." -"," | - !', ()),
        ("a OR ... b", (AnyOf((Word("a"), Word("b"))),)),
        ("headline:python", (Word("headline:python"),)),
        ("pyth* java~ c^2 [a", (Word("pyth*"), Word("java~"), Word("c^2"), Word("a"))),
        ("python, java;", (Word("python"), Word("java"))),
        ("(python)", (Word("python"),)),
        ("développeur(se)", (Word("développeur(se)"),)),
        ("C++ C# .NET", (Word("C++"), Word("C#"), Word(".NET"))),
        ("l’", ()),
    ],
)
def test_parse(text: str, clauses: tuple[Clause, ...]) -> None:
    """D1: quotes, exclusion and alternatives are the grammar; the rest is literal, nothing empty stays."""
    assert words.parse(text) == Words(clauses)


@settings(deadline=None)
@given(st.text(max_size=256))
def test_every_string_is_read(text: str) -> None:
    """D1: any string parses, is counted and is read back, and never raises."""
    tree = words.parse(text)
    assert words.count_terms(tree) >= len(tree.clauses)
    assert len(words.reading(synonyms.expand(tree)).requirements) <= len(tree.clauses)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", 0),
        ("a b -c", 3),
        ("a OR b | c", 3),
        ('"chef de projet"', 3),
        ('-"a b"', 2),
        ("front-end", 1),
        ("... -", 0),
    ],
)
def test_terms_are_counted_after_parsing(text: str, terms: int) -> None:
    """D1: each word counts, those of phrases too; what was dropped does not."""
    assert words.count_terms(words.parse(text)) == terms


def test_a_tree_of_exclusions_asks_for_nothing() -> None:
    """D1: exclusions alone name nothing to find."""
    assert not words.parse("-a -b").asks_for_something
    assert words.parse("-a OR b").asks_for_something
    assert not Words().asks_for_something


def test_reading_tells_how_a_search_was_read() -> None:
    """D1: the page can say what must be there, what not, what counts as well and what was taken loosely."""
    tree = words.parse('machine learning -java "chef de projet" rouge OR -bleu pyhton')
    read = words.reading(synonyms.expand(tree), {"pyhton"})
    flat = [
        [(t.text, t.is_phrase, t.is_excluded, t.is_approximate) for t in r.alternatives]
        for r in read.requirements
    ]
    assert flat == [
        [("machine learning", False, False, False)],
        [("java", False, True, False)],
        [("chef de projet", True, False, False)],
        [("rouge", False, False, False), ("bleu", False, True, False)],
        [("pyhton", False, False, True)],
    ]
    assert read.requirements[0].alternatives[0].also == (
        "apprentissage automatique", "apprentissage machine", "scikit-learn",
    )  # fmt: skip
    assert read.approximate == ("pyhton",)
