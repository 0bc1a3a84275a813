"""Golden tokens of the one analysis (rules D1; issue 3, search)."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from marketplace.search import analysis


def forms(text: str) -> list[str]:
    return ["|".join(token.forms) for token in analysis.tokens(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("L'informatique", "informatique"),
        ("d’exploitation", "exploitation"),
        ("jusqu'à lorsqu’il qu'une", "a il une"),
        ("(l'école)", "ecole"),
        ("'C' l'", "c"),
        ("aujourd'hui O'Brien", "aujourd hui o brien"),
        ("the candidate's CV", "the candidate cv"),
        ("don't", "don t"),
    ],
)
def test_apostrophes(text: str, expected: str) -> None:
    """D1: elided articles and the possessive go before anything else; other apostrophes part words."""
    assert " ".join(forms(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("développeur·se", "developpeur|developpeuse"),
        ("développeur(se)", "developpeur|developpeuse"),
        ("développeur/euse", "developpeur|developpeuse"),
        ("développeur-euse", "developpeur|developpeuse"),
        ("développeurs·euses", "developpeurs|developpeuses"),
        ("développeur·se·s", "developpeurs|developpeuses"),
        ("conseiller/ère", "conseiller|conseillere"),
        ("conseiller·e", "conseiller|conseillere"),
        ("conseiller(ère)", "conseiller|conseillere"),
        ("technicien.ne", "technicien|technicienne"),
        ("technicien·ne·s", "techniciens|techniciennes"),
        ("étudiant.e.s", "etudiants|etudiantes"),
        ("étudiant-e-s", "etudiants|etudiantes"),
        ("étudiant(e)s", "etudiants|etudiantes"),
        ("étudiant(es)", "etudiants|etudiantes"),
        ("étudiant(e)(s)", "etudiants|etudiantes"),
        ("étudiant(s)", "etudiant"),
        ("chargé·e", "charge|chargee"),
        ("directeur·rice", "directeur|directrice"),
        ("directeur/trice", "directeur|directrice"),
        ("infirmier/ière", "infirmier|infirmiere"),
        ("assistant/ante", "assistant|assistante"),
        ("professionnel·le", "professionnel|professionnelle"),
        ("sportif-ve", "sportif|sportive"),
        ("chef·fe", "chef|cheffe"),
        ("hôte·sse", "hote|hotesse"),
        ("heureux·se", "heureux|heureuse"),
        ("l'étudiant·e,", "etudiant|etudiante"),
        # and what only looks like one
        ("and/or", "and or"),
        ("Rhône-Alpes", "rhone alpes"),
        ("passe.se", "passe se"),
        ("une/e", "une e"),
        ("porte-te", "porte te"),
        ("vente-conseil", "vente conseil"),
        ("table/ère", "table ere"),
    ],
)
def test_inclusive_forms(text: str, expected: str) -> None:
    """D1: both words of an inclusive form stand at one position."""
    assert " ".join(forms(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C++, c++17 C/C++", "c++ c++ 17 c c++"),
        ("C# c# F# C♯ C#/.NET", "c# c# f# c# c# .net"),
        (".NET (.Net) ASP.NET VB.net", ".net .net asp.net vb.net"),
        ("internet example.net", "internet example net"),
        (
            "Node.js NodeJS node.JS next.js D3.js Node.js/Express.js",
            "nodejs nodejs nodejs nextjs d3js nodejs expressjs",
        ),
        ("CI/CD ci-cd CICD", "ci/cd ci/cd ci/cd"),
        ("TCP/IP PL/SQL T-SQL A/B", "tcp/ip pl/sql t-sql a/b"),
        ("R&D FP&A Q&A", "r&d fp&a q&a"),
        ("e-commerce e-learning", "ecommerce elearning"),
        ("Objective-C Notepad++", "objective-c notepad++"),
        ("C, R; C.", "c r c"),
        ("Bac+2 24/7 UI/UX", "bac 2 24 7 ui ux"),
        (".js .. . -", "js"),
    ],
)
def test_special_terms(text: str, expected: str) -> None:
    """D1: terms with signs are whole, in any case; signs elsewhere part words."""
    assert " ".join(forms(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ÉCOLE e\u0301cole Straße œuvre", "ecole ecole strasse oeuvre"),
        ("İstanbul Łódź", "istanbul lodz"),
        ("ﬁnance dé\u00advelop ﻿", "finance develop"),
        ("snake_case front-end", "snake case front end"),
        ("m² ½ ﷺ", "m2 12 صلىاللهعليهوسلم"),
        ("日本語 Привет", "日本語 привет"),
        ("x" * 100, "x" * 64),
        ("a|b", "a b"),
    ],
)
def test_folding(text: str, expected: str) -> None:
    """D1: case, accents, ligatures and invisible characters make no difference."""
    assert " ".join(forms(text)) == expected


def test_both_stemmings() -> None:
    """D1: every word is stemmed as French and as English; terms with signs or digits are not."""
    assert analysis.stems("informatiques") == ("informat", "informatiqu")
    assert analysis.stems("managing") == ("managing", "manag")
    assert analysis.stems("c++") == ("c++", "c++")
    assert analysis.stems("es6") == ("es6", "es6")


def test_what_is_indexed() -> None:
    """D1: positions are parted by blanks, alternatives by a bar; plain words come once."""
    assert analysis.indexed("Développeur·se web, l’équipe web") == analysis.Indexed(
        "developpeur|developp web equip web", "developpeur|developpeus web equip web",
        "developpeur developpeuse web equipe",
    )  # fmt: skip
    assert analysis.indexed("... ;") == analysis.Indexed("", "", "")


@settings(deadline=None)
@given(st.text())
@example("« développeur·se », C++/.NET — l'œuvre’s")
@example("\x1c\x85 a\u2028b")
def test_offsets_and_positions_agree(text: str) -> None:
    """D1: any text has tokens in order, inside it, and as many as the positions indexed."""
    read = list(analysis.tokens(text))
    indexed = analysis.indexed(text)
    assert len(read) == len(indexed.fr.split()) == len(indexed.en.split())
    place = 0
    for token in read:
        assert place <= token.start < token.end <= len(text)
        assert token.forms
        assert all(form and not form.isspace() and "|" not in form for form in token.forms)
        place = token.end


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("aeéçsn·.()/-'’+#& CJr"), max_size=30))
def test_words_with_signs_are_read(text: str) -> None:
    """D1: no mixture of letters and the signs that mean something fails."""
    for token in analysis.tokens(text):
        assert token.forms


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Issue 3: what is remembered of texts has a bound, and forgetting changes nothing."""
    monkeypatch.setattr(analysis, "_REMEMBERED", 10)
    monkeypatch.setattr(analysis, "remembered", {})
    monkeypatch.setattr(analysis, "_indexed", {})
    text = " ".join(f"mot{number}" for number in range(50))
    assert len(analysis.indexed(text).fr.split()) == 50
    assert len(list(analysis.tokens(text))) == 50
    assert len(analysis.remembered) <= 10
    assert len(analysis._indexed) <= 10


def test_the_fingerprint_is_stable() -> None:
    """Issue 3: the fingerprint is a value of the code, the same in every process."""
    assert analysis.fingerprint() == analysis.fingerprint()
    assert len(analysis.fingerprint()) == 64
