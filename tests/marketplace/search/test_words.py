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


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        ("python java", ()),
        ("python & java !", ("&", "!")),
        ("l'informatique qu’on aime", ("l'", "qu’")),
        ("candidate's CV", ("'s",)),
        ('"chef de l\'équipe"', ("l'",)),
        ("OR a OR", ("OR",)),
        ("a OR | b", ("|",)),
        ("a OR ... b", ("...",)),
        ("développeur·se C++ R&D front-end", ()),
        ("-l'été -...", ("l'", "-...")),
        ("&&  && l'eau l'air", ("&&", "l'")),
    ],
)
def test_what_asks_for_nothing_is_told(text: str, left_out: tuple[str, ...]) -> None:
    """D1: signs, an OR with nothing to join, elided articles; each once, and nothing that is searched."""
    assert words.dropped(text) == left_out


@pytest.mark.parametrize(
    ("text", "first", "count", "rest", "taken"),
    [
        ("python java", 0, 1, "java", "python"),
        ('web python OU "chef de projet" -php', 1, 1, "web -php", 'python OR "chef de projet"'),
        ("machine learning & python", 0, 2, "python", "machine learning"),
        ("(-java) go", 1, 1, "(-java)", "go"),
        ("python", 0, 1, "", "python"),
    ],
)
def test_a_clause_is_taken_out(text: str, first: int, count: int, rest: str, taken: str) -> None:
    """D1: the other clauses stay as they were typed."""
    assert (words.without(text, first, count), words.written(text, first, count)) == (rest, taken)


PIECES = st.sampled_from(
    [
        "python",
        "-java",
        '"chef de projet"',
        '-"a b"',
        "OR",
        "|",
        "OU",
        "(-x)",
        "l'eau",
        "&",
        '"',
        "c++",
        "a|b",
    ]
)


@settings(deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=10).map(" ".join)), st.integers(0, 9))
def test_without_a_clause_the_rest_means_the_same(text: str, place: int) -> None:
    """D1: whatever is typed, taking a clause out changes no other."""
    clauses = words.parse(text).clauses
    left = words.parse(words.without(text, place))
    assert left.clauses == clauses[:place] + clauses[place + 1 :]
    assert words.parse(words.written(text, place)).clauses == clauses[place : place + 1]
