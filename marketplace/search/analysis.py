"""The one definition of how text becomes searchable words, for every engine, query and highlight.

The whole chain is here, in Python, and the engines index its output as it comes (docs/search.md says
what was measured): text is cut at blanks into chunks, each chunk is read once and remembered, since
the same few thousand make up most of every CV. A chunk gives tokens: special terms whole (``C++``,
``.NET``, ``CI/CD``), elided articles dropped (``l'``, ``qu'``), inclusive forms as both words at one
position (``développeur·se``), the rest as runs of letters and digits. A token's forms are folded
(case, accents, ligatures) and stemmed twice, by Snowball French and English.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TypeAlias

import Stemmer

LONGEST_TOKEN = 64
"""Characters of a form that are kept; longer runs are no words."""

_REMEMBERED = 32_768
"""Chunks remembered before starting anew: about 20 MB."""

# Soft hyphens, zero-width characters and combining marks may stand inside a word.
_INSIDE = "\u00ad\u0300-\u036f\u200b-\u200d\u2060"
_WORD = rf"[^\W_](?:[^\W_]|[{_INSIDE}])*"
_APOSTROPHE = "['’‘ʼ＇`´]"
_JOINER = "·•‧⋅∙.\\-‐‑/"

_SPECIAL = re.compile(
    r"""
    (?P<script>[^\W_][\w-]*)\.js(?!\w)            # Node.js, D3.js: one word with NodeJS
    | (?:asp|ado|vb|ml)?\.net(?!\w)               # .NET and its family, never a host's last part
    | [^\W_]+\+\+(?![^\W\d_])                     # C++, also before a year: C++17
    | [a-z][\#♯](?!\w)                            # C#, F#
    | ci[/-]?cd(?!\w)
    | tcp[/-]ip(?!\w) | pl[/-]sql(?!\w) | t-sql(?!\w) | a/b(?!\w) | s/4hana(?!\w) | z/os(?!\w)
    | objective-c(?!\w)
    | [a-z]{1,2}&[a-z]{1,2}(?!\w)                 # R&D, FP&A
    | e[-‐‑](?P<online>[^\W\d_]{3,})                # e-commerce: one word with ecommerce
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SPELLINGS = {
    "♯": "#", "cicd": "ci/cd", "ci-cd": "ci/cd", "tcp-ip": "tcp/ip", "pl-sql": "pl/sql",
}  # fmt: skip
"""Other ways to write a special term."""

_ELISION = re.compile(
    rf"(?:l|d|j|m|t|s|n|c|qu|jusqu|lorsqu|puisqu|quoiqu|presqu){_APOSTROPHE}", re.IGNORECASE
)
_POSSESSIVE = re.compile(rf"{_APOSTROPHE}s(?!\w)", re.IGNORECASE)
_PLAIN = re.compile(_WORD)
_SIMPLE = re.compile(r"[(«\"“]?([^\W\d_]+)[.,;:)!?»…\"”]*")
CHUNK = re.compile(r"\S+")
"""Cuts a text as ``str.split`` does, with offsets."""

_FEMININE = (
    ("trice", "teur"), ("rice", "eur"), ("euse", "eur"), ("euse", "eux"), ("ienne", "ien"), ("enne", "en"),
    ("onne", "on"), ("iere", "ier"), ("ere", "er"), ("elle", "el"), ("ante", "ant"), ("ente", "ent"),
    ("oise", "ois"), ("aine", "ain"), ("esse", "e"), ("ive", "if"), ("ale", "al"), ("ine", "in"), ("ee", "e"),
)  # fmt: skip
"""A feminine ending and the masculine one it stands for, folded: ``conseill·er/ère``."""

_SHORT = (
    ("se", "eur", "euse"), ("se", "eux", "euse"), ("ne", "n", "nne"), ("ve", "f", "ve"), ("le", "l", "lle"),
    ("te", "t", "tte"), ("fe", "f", "ffe"), ("sse", "e", "esse"),
)  # fmt: skip
"""An ending written short, the masculine ending, and the feminine it makes: ``développeur·se``."""

_ENDINGS = (*((ending, masculine, ending) for ending, masculine in _FEMININE), *_SHORT)
_WRITTEN = {"e", "ière", "ère", "ée", *(row[0] for row in _ENDINGS)}
_ENDING = "|".join(sorted(_WRITTEN, key=len, reverse=True))
_INCLUSIVE = re.compile(
    rf"(?P<base>[^\W\d_]{{3,}})"
    rf"(?:[{_JOINER}](?P<ending>{_ENDING})(?P<plural>[{_JOINER}]?s)?"
    rf"|\((?P<ending2>{_ENDING})(?P<plural2>s?\)(?:s|\(s\))?)"
    rf"|\(s\))(?!\w)",
    re.IGNORECASE,
)

_LETTERS = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "ð": "d", "þ": "th"})


@dataclass(frozen=True, slots=True)
class Token:
    """Words at one position of a text; ``forms`` are folded, not stemmed."""

    start: int
    end: int
    forms: tuple[str, ...]


Chunk: TypeAlias = tuple[tuple[Token, ...], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Indexed:
    """What an engine indexes of a text.

    ``fr`` and ``en`` are stems, one position a blank, alternatives at a position joined by ``|``;
    ``plain`` are the unstemmed words, each once.
    """

    fr: str
    en: str
    plain: str


_french = Stemmer.Stemmer("french", 0)
_english = Stemmer.Stemmer("english", 0)
remembered: dict[str, Chunk] = {}
"""What :func:`chunk` has read before; the highlighter looks here first."""
_indexed: dict[str, tuple[str, str, tuple[str, ...]]] = {}


def fold(word: str) -> str:
    """Return ``word`` without case, accents and typographic variants: letters and digits only."""
    lowered = word.casefold()
    if lowered.isascii() and lowered.isalnum():
        return lowered[:LONGEST_TOKEN]
    spelled = unicodedata.normalize("NFKD", lowered.translate(_LETTERS)).casefold().translate(_LETTERS)
    return "".join(character for character in spelled if character.isalnum())[:LONGEST_TOKEN]


@lru_cache(maxsize=_REMEMBERED)
def stems(form: str) -> tuple[str, str]:
    """Return the French and the English stem of a folded form; only plain words are stemmed."""
    if not form.isalpha():
        return form, form
    return _french.stemWord(form), _english.stemWord(form)


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of ``text`` in order, with their offsets in it."""
    for match in CHUNK.finditer(text):
        start = match.start()
        for token in chunk(match.group())[0]:
            yield Token(start + token.start, start + token.end, token.forms)


def chunk(text: str) -> Chunk:
    """Return the tokens of a run without blanks, with offsets in it, and their stem keys; remembered."""
    found = remembered.get(text)
    if found is None:
        read = tuple(_read(text))
        found = (read, frozenset(key for token in read for form in token.forms for key in stem_keys(form)))
        if len(text) <= LONGEST_TOKEN:
            if len(remembered) >= _REMEMBERED:
                remembered.clear()
            remembered[text] = found
    return found


def stem_keys(form: str) -> tuple[str, str]:
    """Return both stems of a form, told apart by language, for sets that hold stems of both."""
    french, english = stems(form)
    return "f" + french, "e" + english


def positions(text: str) -> tuple[tuple[str, ...], ...]:
    """Return the forms at each position of ``text``; empty when there is nothing to search."""
    return tuple(token.forms for token in tokens(text))


def indexed(text: str) -> Indexed:
    """Return what is indexed of ``text``."""
    french: list[str] = []
    english: list[str] = []
    plain: dict[str, None] = {}
    known = _indexed
    for piece in text.split():
        entry = known.get(piece)
        if entry is None:
            entry = _index(piece)
        if entry[0]:
            french.append(entry[0])
            english.append(entry[1])
            for form in entry[2]:
                plain[form] = None
    return Indexed(" ".join(french), " ".join(english), " ".join(plain))


def _index(text: str) -> tuple[str, str, tuple[str, ...]]:
    read = tuple(_read(text))
    both = [[stems(form) for form in token.forms] for token in read]
    entry = (
        " ".join("|".join(dict.fromkeys(pair[0] for pair in pairs)) for pairs in both),
        " ".join("|".join(dict.fromkeys(pair[1] for pair in pairs)) for pairs in both),
        tuple(form for token in read for form in token.forms),
    )
    if len(text) <= LONGEST_TOKEN:
        if len(_indexed) >= _REMEMBERED:
            _indexed.clear()
        _indexed[text] = entry
    return entry


def _read(text: str) -> Iterator[Token]:
    if simple := _SIMPLE.fullmatch(text):  # most chunks
        if form := fold(simple[1]):
            yield Token(*simple.span(1), (_SPELLINGS.get(form, form),))
        return
    place, end = 0, len(text)
    while place < end:
        character = text[place]
        before = text[place - 1] if place else ""
        if not (character.isalnum() or character == "."):
            if before and (possessive := _POSSESSIVE.match(text, place)) and before.isalnum():
                place = possessive.end()
            else:
                place += 1
            continue
        token, place = _token_at(text, place, before)
        if token is not None:
            yield token


def _token_at(text: str, place: int, before: str) -> tuple[Token | None, int]:
    """Return the token that starts at ``place``, if any, and where to go on."""
    if not before.isalnum() and (special := _SPECIAL.match(text, place)):
        return Token(place, special.end(), (_special(special),)), special.end()
    if text[place] == ".":
        return None, place + 1
    if before not in {"'", "’"} and (elision := _ELISION.match(text, place)):
        return None, elision.end()
    if (inclusive := _INCLUSIVE.match(text, place)) and (forms := _both_forms(inclusive)):
        return Token(place, inclusive.end(), forms), inclusive.end()
    end = _after_word(text, place)
    form = fold(text[place:end])
    return (Token(place, end, (form,)) if form else None), end


def _after_word(text: str, place: int) -> int:
    word = _PLAIN.match(text, place)
    return word.end() if word is not None else place + 1


def _special(match: re.Match[str]) -> str:
    if match["script"]:
        return (fold(match["script"]) + "js")[:LONGEST_TOKEN]
    if match["online"]:
        return "e" + fold(match["online"])
    written = match.group().casefold().replace("♯", "#")
    return _SPELLINGS.get(written, written)[:LONGEST_TOKEN]


def _both_forms(match: re.Match[str]) -> tuple[str, ...]:
    """Return the masculine and feminine of an inclusive form, or nothing if it is none."""
    written = match["base"]
    ending = match["ending"] or match["ending2"]
    if ending is None:  # étudiant(s)
        return (fold(written),)
    plural = (match["plural"] or match["plural2"] or "").strip(")(" + _JOINER.replace("\\", "")) == "s"
    base = fold(written)
    if plural and base.endswith("s"):
        base, written = base[:-1], written[:-1]
    feminine = _feminine(base, written, fold(ending))
    if feminine is None:
        return ()
    return (base + "s", feminine + "s") if plural else (base, feminine)


def _feminine(base: str, written: str, ending: str) -> str | None:
    if ending == "e":
        return None if written[-1].casefold() in "eao" else base + "e"
    for shown, masculine, feminine in _ENDINGS:
        if ending == shown and base.endswith(masculine):
            return base.removesuffix(masculine) + feminine
    return None


_PROBE = (
    "L'informatique, d’exploitation jusqu'à aujourd'hui; développeur·se développeurs/euses chargé(e)s "
    "conseiller/ère technicien.ne étudiant.e.s étudiant(s) directeur-rice C++17 C# F# .NET ASP.NET Node.js "
    "NodeJS CI/CD cicd PL/SQL T-SQL TCP/IP R&D e-commerce œuvre straße candidate's management réseaux"
)


@cache
def fingerprint() -> str:
    """Return what changes when the analysis does: its output on a probe, and the stemmers' version."""
    from marketplace.reference import terms

    words = " ".join(word for term in terms() for word in (term.term_en, term.term_fr, *term.synonyms))
    said = f"{Stemmer.version()} {LONGEST_TOKEN} {indexed(_PROBE)} {indexed(words)}"
    return hashlib.sha256(said.encode()).hexdigest()
