"""The one parser of search texts: from any string to a small syntax tree (docs/search.md, grammar).

``word`` and ``"several words"`` must occur, ``-word`` and ``-"several words"`` must not, ``OR``,
``OU`` or ``|`` stand between alternatives and bind tighter than the blank, which means "and".
Everything else is literal: there is no field name, wildcard, fuzziness or range (security.md X-07).
Every string parses; limits are checked by ``url.py`` (rules D1).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from marketplace.search import analysis
from marketplace.search.query import (
    AnyOf,
    Clause,
    Exclusion,
    Phrase,
    Reading,
    ReadTerm,
    Requirement,
    Term,
    Word,
    Words,
)
from marketplace.search.synonyms import Need

QUOTES = str.maketrans(dict.fromkeys("“”„‟«»″＂", '"'))
"""Quotation marks that count as the straight one."""
_PIECE = re.compile(r'(?P<or>\|)|(?P<minus>[-−]?)"(?P<phrase>[^"]*)"|(?P<chunk>[^\s|"]+)')
_OR = frozenset({"OR", "OU"})
_OR_BETWEEN = " OR "
_AROUND = ",;:!?…"
_BRACKETS = "()[]{}"


@dataclass(frozen=True)
class _Read:
    """A text taken apart: per clause its terms with the pieces they were read from, and what was left out."""

    groups: tuple[tuple[tuple[Term, str], ...], ...]
    dropped: tuple[str, ...]


def parse(text: str) -> Words:
    """Return the tree of ``text``. Never raises; clauses without anything to search are dropped."""
    return Words(tuple(_clause([term for term, _ in group]) for group in _take_apart(text).groups))


def without(text: str, first: int, count: int = 1) -> str:
    """Return the text that asks the same but for ``count`` clauses from the clause ``first`` on."""
    groups = _take_apart(text).groups
    kept = groups[:first] + groups[first + count :]
    return " ".join(_OR_BETWEEN.join(piece for _, piece in group) for group in kept)


def written(text: str, first: int, count: int = 1) -> str:
    """Return how ``count`` clauses from the clause ``first`` on stand in the text."""
    groups = _take_apart(text).groups[first : first + count]
    return " ".join(_OR_BETWEEN.join(piece for _, piece in group) for group in groups)


def dropped(text: str) -> tuple[str, ...]:
    """Return what was typed and asks for nothing, in order, each once.

    Signs that are no word, an ``OR`` with nothing to join, and the articles and endings that the
    analysis leaves out of words (``l'``, ``'s``); there are no other stop words.
    """
    return tuple(dict.fromkeys(_take_apart(text).dropped))


def _take_apart(text: str) -> _Read:
    groups: list[list[tuple[Term, str]]] = []
    left_out: list[str] = []
    joining = ""
    for match in _PIECE.finditer(text.translate(QUOTES)):
        piece = match.group()
        if match["or"] or match["chunk"] in _OR:
            if joining or not groups:
                left_out.append(piece)
            joining = joining or (piece if groups else "")
            continue
        term = _term(match)
        if term is None:
            left_out.append(piece)
            continue
        left_out += _unread(term)
        if joining:
            groups[-1].append((term, piece))
        else:
            groups.append([(term, piece)])
        joining = ""
    if joining:
        left_out.append(joining)
    return _Read(tuple(map(tuple, groups)), tuple(left_out))


def _unread(term: Term) -> Iterator[str]:
    """Yield the letters of a term that the analysis reads as no word."""
    text = (term.term if isinstance(term, Exclusion) else term).text
    place = 0
    for token in (*analysis.tokens(text), analysis.Token(len(text), len(text), ())):
        between = text[place : token.start].strip(_AROUND + _BRACKETS)
        yield from (part for part in between.split() if any(map(str.isalnum, part)))
        place = token.end


def _term(match: re.Match[str]) -> Term | None:
    if match["phrase"] is not None:
        phrase = " ".join(match["phrase"].split())
        if not analysis.positions(phrase):
            return None
        return Exclusion(Phrase(phrase)) if match["minus"] else Phrase(phrase)
    chunk = match["chunk"]
    bare = chunk.lstrip("-−")
    word = _tidy(bare)
    if not analysis.positions(word):
        return None
    return Exclusion(Word(word)) if bare != chunk else Word(word)


def _tidy(chunk: str) -> str:
    """Return a word without the punctuation around it; brackets of ``développeur(se)`` stay."""
    word = chunk.strip(_AROUND)
    if word[:1] in _BRACKETS or word.count("(") != word.count(")"):
        word = word.strip(_BRACKETS + _AROUND)
    return word


def _clause(group: list[Term]) -> Clause:
    return group[0] if len(group) == 1 else AnyOf(tuple(group))


def count_terms(words: Words) -> int:
    """Return how many terms were asked: each word, those inside quotation marks too (rules D1)."""
    return sum(
        _size(term)
        for clause in words.clauses
        for term in (clause.alternatives if isinstance(clause, AnyOf) else (clause,))
    )


def _size(term: Term) -> int:
    inner = term.term if isinstance(term, Exclusion) else term
    if isinstance(inner, Word):
        return 1
    return sum(1 for chunk in inner.text.split() if analysis.positions(chunk))


def reading(needs: Collection[Need], approximate: Collection[str] = ()) -> Reading:
    """Return how a search was read, as data for the page; ``approximate`` are words taken loosely."""
    return Reading(
        tuple(
            Requirement(
                tuple(
                    ReadTerm(
                        text=alternative.text,
                        is_phrase=alternative.is_phrase,
                        is_excluded=alternative.is_excluded,
                        is_approximate=alternative.text in approximate and not alternative.is_excluded,
                        also=tuple(sought.text for sought in alternative.also),
                    )
                    for alternative in need.alternatives
                )
            )
            for need in needs
        )
    )
