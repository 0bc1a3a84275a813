"""The one parser of search texts: from any string to a small syntax tree (docs/search.md, grammar).

``word`` and ``"several words"`` must occur, ``-word`` and ``-"several words"`` must not, ``OR``,
``OU`` or ``|`` stand between alternatives and bind tighter than the blank, which means "and".
Everything else is literal: there is no field name, wildcard, fuzziness or range (security.md X-07).
Every string parses; limits are checked by ``url.py`` (rules D1).
"""

from __future__ import annotations

import re
from collections.abc import Collection

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

_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»″＂", '"'))
_PIECE = re.compile(r'(?P<or>\|)|(?P<minus>[-−]?)"(?P<phrase>[^"]*)"|(?P<chunk>[^\s|"]+)')
_OR = frozenset({"OR", "OU"})
_AROUND = ",;:!?…"
_BRACKETS = "()[]{}"


def parse(text: str) -> Words:
    """Return the tree of ``text``. Never raises; clauses without anything to search are dropped."""
    groups: list[list[Term]] = []
    joining = False
    for match in _PIECE.finditer(text.translate(_QUOTES)):
        if match["or"] or match["chunk"] in _OR:
            joining = bool(groups)
            continue
        term = _term(match)
        if term is None:
            continue
        if joining:
            groups[-1].append(term)
        else:
            groups.append([term])
        joining = False
    return Words(tuple(_clause(group) for group in groups))


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
