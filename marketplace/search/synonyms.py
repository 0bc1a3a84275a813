"""From the syntax tree to what an engine looks for: synonyms and translations added.

What is typed also matches, below the exact match in score:

- the French or English head of a row of the synonym table: the row's other words (``JavaScript`` also
  finds TypeScript);
- another name of the same thing: the heads and the row's other names (``programmer`` finds software
  developers and ``programmeurs``). A proper name is no other name but one kind of it, and stays by
  itself: ``TypeScript`` does not find JavaScript;
- the name of a job field, in either language or a part of it: the field's titles and skills.

Short forms marked ambiguous are neither expanded nor reached; quoted phrases and exclusions mean
just what they say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import islice

from marketplace.reference import Term as Reference
from marketplace.reference import job_fields, terms
from marketplace.search import analysis
from marketplace.search.document import STEMMINGS
from marketplace.search.query import AnyOf, Clause, Exclusion, Phrase, Term, Word, Words

BOOST = 0.0002
"""What a synonym counts beside an exact match: enough to order by, too little to lift the sum of all
of them above an exact match of the commonest word (docs/search.md, 4)."""

ALSO_TIE = 1.0
"""Every synonym found counts: who has five words of a field comes before who has one."""

EXACT_TIE = 1.0
"""Synonyms beside an exact match count too: among equal exact matches, more of the field comes first."""

MOST_PER_HEAD = 24
MOST_PER_SEARCH = 48
"""Bounds on the words added, so that a search stays cheap (security.md X-07)."""

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sought:
    """Words to find next to each other; at each position any of the forms, folded and unstemmed.

    ``stemmings`` are those to look in: what was typed in both, a synonym in that of its language, which
    halves what it costs.
    """

    text: str
    positions: tuple[tuple[str, ...], ...]
    stemmings: tuple[str, ...] = STEMMINGS


@dataclass(frozen=True, slots=True)
class Alternative:
    """All of ``exact``, or else any of ``also`` with a lower score; or, excluded, not ``exact``."""

    text: str
    exact: tuple[Sought, ...]
    also: tuple[Sought, ...] = ()
    is_phrase: bool = False
    is_excluded: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """One requirement of a search: at least one alternative holds."""

    alternatives: tuple[Alternative, ...]


@lru_cache(maxsize=1024)
def expand(words: Words) -> tuple[Need, ...]:
    """Return the requirements of ``words``, all of which hold, with synonyms where there are any."""
    return tuple(_bounded(_needs(words.clauses)))


def _needs(clauses: Sequence[Clause]) -> Iterator[Need]:
    place = 0
    while place < len(clauses):
        clause = clauses[place]
        if isinstance(clause, AnyOf):
            yield Need(tuple(_alternative(term) for term in clause.alternatives))
            place += 1
        elif isinstance(clause, Word):
            run = _longest_head(clauses, place)
            yield Need((_of_run(run),))
            place += len(run)
        else:
            yield Need((_alternative(clause),))
            place += 1


def _bounded(needs: Iterator[Need]) -> Iterator[Need]:
    left = MOST_PER_SEARCH
    for need in needs:
        alternatives = []
        for alternative in need.alternatives:
            kept = alternative.also[:left]
            left -= len(kept)
            alternatives.append(replace(alternative, also=kept))
        yield Need(tuple(alternatives))


def _longest_head(clauses: Sequence[Clause], place: int) -> list[Word]:
    """Return the longest run of words from ``place`` that is a head of the table, at least one word."""
    run: list[Word] = []
    best = 1
    for clause in islice(clauses, place, place + _longest()):
        if not isinstance(clause, Word):
            break
        run.append(clause)
        if len(run) > 1 and _synonyms(" ".join(word.text for word in run)):
            best = len(run)
    return run[:best]


def _of_run(run: Sequence[Word]) -> Alternative:
    text = " ".join(word.text for word in run)
    return Alternative(text, tuple(_sought(word.text) for word in run), _synonyms(text))


def _alternative(term: Term) -> Alternative:
    if isinstance(term, Exclusion):
        return replace(_exactly(term.term), is_excluded=True)
    return _of_run([term]) if isinstance(term, Word) else _exactly(term)


def _exactly(term: Word | Phrase) -> Alternative:
    return Alternative(term.text, (_sought(term.text),), is_phrase=isinstance(term, Phrase))


def _sought(text: str) -> Sought:
    return Sought(text, analysis.positions(text))


def _synonyms(text: str) -> tuple[Sought, ...]:
    french, english = _keys(text)
    by_french, by_english = _heads()
    return by_french.get(french) or by_english.get(english) or ()


def _keys(text: str) -> tuple[Key, Key]:
    pairs = [analysis.stems(forms[0]) for forms in analysis.positions(text)]
    return tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)


@cache
def _longest() -> int:
    return max(len(french) for french in _heads()[0])


@cache
def _heads() -> tuple[dict[Key, tuple[Sought, ...]], dict[Key, tuple[Sought, ...]]]:
    """Return what each entry also matches, by its French and by its English stems."""
    ambiguous = {_keys(short) for term in terms() for short in term.ambiguous}
    collected: dict[tuple[Key, Key], dict[tuple[Key, Key], Sought]] = {}
    for entry, others in _entries():
        key = _keys(entry)
        if key in ambiguous or not key[0]:
            continue
        reachable = collected.setdefault(key, {})
        for other in others:
            reached = _keys(other)
            if reached != key and reached not in ambiguous:
                reachable.setdefault(reached, replace(_sought(other), stemmings=_languages(other)))
    by_french: dict[Key, tuple[Sought, ...]] = {}
    by_english: dict[Key, tuple[Sought, ...]] = {}
    for (french, english), found in collected.items():
        also = tuple(islice(_who_bring_somebody(french, found), MOST_PER_HEAD))
        by_french.setdefault(french, also)
        by_english.setdefault(english, also)
    return by_french, by_english


@cache
def _languages(text: str) -> tuple[str, ...]:
    """Return the language of an entry as far as the table tells: by its column, else by its words."""
    columns = _columns()
    told = [language for language in STEMMINGS if text in columns[language]]
    if not told:
        words = _words_in([text])
        told = [language for language in STEMMINGS if words & _words_of(language)]
    return (told[0],) if len(told) == 1 else STEMMINGS


@cache
def _columns() -> dict[str, frozenset[str]]:
    return {
        "fr": frozenset(term.term_fr for term in terms()),
        "en": frozenset(term.term_en for term in terms()),
    }


@cache
def _words_of(language: str) -> frozenset[str]:
    """Return the words that stand in this column of the table and not in the other."""
    words = {name: _words_in(texts) for name, texts in _columns().items()}
    return words.pop(language).difference(*words.values())


def _words_in(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(form for text in texts for forms in analysis.positions(text) for form in forms)


def _who_bring_somebody(head: Key, found: Mapping[tuple[Key, Key], Sought]) -> Iterator[Sought]:
    """Yield the words that find somebody whom the head and the others do not.

    Whoever wrote "digital marketing" has written "marketing".
    """
    runs = {head, *(french for french, _ in found)}
    for (french, _), sought in found.items():
        if not any(run != french and _stands_in(run, french) for run in runs):
            yield sought


def _stands_in(words: Key, run: Key) -> bool:
    return any(run[at : at + len(words)] == words for at in range(len(run) - len(words) + 1))


def _entries() -> Iterator[tuple[str, Sequence[str]]]:
    """Yield each entry with what it also matches, nearest first; heads before names before fields."""
    for term in terms():
        for head in dict.fromkeys((term.term_en, term.term_fr)):
            yield head, (term.term_en, term.term_fr, *term.synonyms)
    for term in terms():
        names = tuple(name for name in term.synonyms if _is_name_of(term, name))
        for name in names:
            yield name, (term.term_en, term.term_fr, *names)
    for field in job_fields().values():
        for name in (field.name_en, field.name_fr):
            for part in dict.fromkeys((name, *_AND.split(name))):
                yield part, (field.name_en, field.name_fr, *field.keywords)


_AND = re.compile(r"\s*(?:,|&|\b(?:and|et)\b)\s*")


def _is_name_of(term: Reference, name: str) -> bool:
    """Whether a word of a row means the same as its head, not one kind of it.

    Every word of a title does; of a skill those that are no proper name. A tool's are other tools.
    """
    return term.kind == "title" or (term.kind == "skill" and name == name.lower())
