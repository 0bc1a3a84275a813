"""Where a text matches a search: fragments for cards, marks for a whole text. Data, never HTML.

Computed from the scrubbed text in PostgreSQL, not by an engine, so that both engines show the same
and a withdrawn text is never shown.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from marketplace.candidates.scrubbing import GAP
from marketplace.search import analysis, synonyms
from marketplace.search.document import STEMMINGS
from marketplace.search.query import Words

_BLANKS = re.compile(r"\s+")
_LAST_BLANK = re.compile(r"\s+\S*\Z")
_GAPS = re.compile(rf"{GAP}(?:[^\w{GAP}]*{GAP})+")
"""What scrubbing left of a line of contact data: gaps with nothing but separators between them."""
_FIRST_GAPS = re.compile(rf"\A(?:[^\w{GAP}]*{GAP})+\s*")
_LAST_GAPS = re.compile(rf"\s*(?:{GAP}[^\w{GAP}]*)+\Z")
_MOST_MARKS = 40
"""Found words looked at for fragments: the beginning of a text decides, and a card costs little."""
_MOST_WINDOWS = 12
"""Places of them that compete to be shown."""

_NOWHERE: frozenset[tuple[int, int]] = frozenset()
_EXACT, _SYNONYM = 4, 1
"""What a distinct term counts in a fragment's rank."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text; ``match`` says whether it is a found word."""

    text: str
    match: bool


Fragment: TypeAlias = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class _Mark:
    start: int
    end: int
    term: int
    weight: int


@dataclass(frozen=True, slots=True)
class _Slot:
    """A token that is one position of one or more sought terms."""

    position: int
    start: int
    end: int
    places: frozenset[tuple[int, int]]


_REMEMBERED = 32_768
"""Chunks a search remembers."""

_LONG_GAP = 40
"""Characters between two chunks beyond which they are no neighbours."""
_FAR = 1000

Place: TypeAlias = tuple[int, int]
"""A sought term and a position in it."""

_Judged: TypeAlias = tuple[tuple[tuple[int, int, int, frozenset[Place]], ...], int]
"""Of a chunk: place, start, end and sought places of each token that matters; the number of tokens."""


class SoughtTerm(NamedTuple):
    """Words sought next to each other: how many, what they weigh, and for which alternative of which need."""

    length: int
    weight: int
    need: int
    alternative: int
    text: str
    is_synonym: bool = False
    is_loose: bool = False


@dataclass(frozen=True)
class Marking:
    """What to mark for one search; made by :func:`marking`.

    ``wanted`` says where a stem key stands in ``terms``, ``loose`` which term each misspelt word is.
    """

    terms: tuple[SoughtTerm, ...]
    wanted: Mapping[str, frozenset[Place]]
    loose: Mapping[str, int]
    judged: dict[str, _Judged] = field(default_factory=dict, compare=False, repr=False)
    misses: set[str] = field(default_factory=set, compare=False, repr=False)

    def marks(self, text: str, most: int | None = None) -> list[_Mark]:
        """Return the matches in ``text`` in order, none inside another; ``most`` looks at the first only."""
        marks = list(self._matches(text, most))
        marks.sort(key=lambda mark: (mark.start, -mark.end, -mark.weight))
        return _outermost(marks)

    def found(self, text: str) -> dict[int, str]:
        """Return which of the terms match ``text``, each with words that match.

        Single words need no looking for where they stand, which takes a third of the time: only where
        a term of several words may begin are the positions looked at.
        """
        first: dict[int, tuple[int, str]] = {}
        is_begun = False
        chunks = set(text.split())
        chunks -= self.misses
        for chunk in chunks:
            for _, start, end, places in self._slots_of(chunk)[0]:
                for term, place in places:
                    if self.terms[term].length > 1:
                        is_begun = is_begun or place == 0
                        continue
                    found = text.find(chunk), chunk[start:end]
                    first[term] = min(first.get(term, found), found)
        if is_begun:
            for mark in self._matches(text, None):
                found = mark.start, text[mark.start : mark.end]
                first[mark.term] = min(first.get(mark.term, found), found)
        return {term: said for term, (_, said) in first.items()}

    def _matches(self, text: str, most: int | None) -> Iterator[_Mark]:
        slots = list(self._slots(text, most))
        at = {slot.position: slot for slot in slots}
        for slot in slots:
            for term, place in slot.places:
                if place == 0 and (last := self._last(at, slot.position, term)) is not None:
                    yield _Mark(slot.start, last.end, term, self.terms[term].weight)

    def _last(self, at: Mapping[int, _Slot], position: int, term: int) -> _Slot | None:
        """Return the slot where ``term``, begun at ``position``, is complete."""
        slot: _Slot | None = at[position]
        for place in range(1, self.terms[term].length):
            slot = at.get(position + place)
            if slot is None or (term, place) not in slot.places:
                return None
        return slot

    def _slots(self, text: str, most: int | None) -> Iterator[_Slot]:
        """Yield the tokens that matter, with their positions among all tokens.

        Each distinct chunk is judged once, and only those that matter are looked for, which takes a
        third of the time of walking through all of them; what is between two of them matters
        only where the second may continue a term the first began.
        """
        position, end = 0, 0
        for start, chunk in self._chunks_that_matter(text)[:most]:
            found, length = self._slots_of(chunk)
            if not (_continues(found) and _is_empty(text, end, start)):
                position += _FAR
            for place, first, last, places in found:
                yield _Slot(position + place, start + first, start + last, places)
            position += length
            end = start + len(chunk)

    def _chunks_that_matter(self, text: str) -> list[tuple[int, str]]:
        """Return start and text of each chunk with a sought token, in order."""
        chunks = set(text.split())
        chunks -= self.misses
        return sorted(
            (start, chunk)
            for chunk in chunks
            if self._slots_of(chunk)[0]
            for start in _places_of(chunk, text)
        )

    def _slots_of(self, chunk: str) -> _Judged:
        """Judge a chunk once for this search: what is sought in it, and how many tokens it has."""
        judged = self.judged.get(chunk)
        if judged is None:
            tokens, keys = analysis.remembered.get(chunk) or analysis.chunk(chunk)
            found: tuple[tuple[int, int, int, frozenset[Place]], ...] = ()
            if self.loose or not self.wanted.keys().isdisjoint(keys):
                found = tuple(
                    (place, token.start, token.end, places)
                    for place, token in enumerate(tokens)
                    if (places := self._places(token.forms))
                )
            judged = found, len(tokens)
            if len(self.misses) + len(self.judged) >= _REMEMBERED:
                self.misses.clear()
                self.judged.clear()
            if found:
                self.judged[chunk] = judged
            else:
                self.misses.add(chunk)
        return judged

    def _places(self, forms: Sequence[str]) -> frozenset[Place]:
        found = [self.wanted[key] for form in forms for key in analysis.stem_keys(form) if key in self.wanted]
        for word, term in self.loose.items():
            if any(one_letter_away(form, word) for form in forms):
                found.append(frozenset({(term, 0)}))
        return frozenset().union(*found) if found else _NOWHERE


def _continues(found: Iterable[tuple[int, int, int, frozenset[Place]]]) -> bool:
    """Whether a token may be the second or a later one of a term."""
    return any(at > 0 for _, _, _, places in found for _, at in places)


def _is_empty(text: str, start: int, end: int) -> bool:
    """Whether no token stands between two chunks: only then are they neighbours."""
    return end - start <= _LONG_GAP and not any(
        analysis.chunk(between)[0] for between in text[start:end].split()
    )


def _places_of(chunk: str, text: str) -> Iterator[int]:
    """Yield where ``chunk`` stands in ``text`` with a blank, or nothing, on both sides."""
    start = text.find(chunk)
    while start >= 0:
        end = start + len(chunk)
        if (start == 0 or text[start - 1].isspace()) and (end == len(text) or text[end].isspace()):
            yield start
        start = text.find(chunk, end)


@lru_cache(maxsize=64)
def marking(words: Words, approximate: tuple[str, ...] = ()) -> Marking:
    """Return what to mark for a search; ``approximate`` as in ``Reading.approximate``."""
    terms: list[SoughtTerm] = []
    wanted: dict[str, set[Place]] = defaultdict(set)
    loose: dict[str, int] = {}
    for number, which, alternative in _sought_alternatives(words):
        taken = [(item, _EXACT) for item in alternative.exact]
        taken += [(item, _SYNONYM) for item in alternative.also]
        for item, weight in taken:
            for place, forms in enumerate(item.positions):
                for key in (key for form in forms for key in _keys(form, item)):
                    wanted[key].add((len(terms), place))
            is_synonym = weight == _SYNONYM
            terms.append(SoughtTerm(len(item.positions), weight, number, which, item.text, is_synonym))
        if alternative.text in approximate and not alternative.is_phrase:
            for item in alternative.exact:
                loose |= dict.fromkeys(item.positions[0], len(terms))
                terms.append(SoughtTerm(1, _EXACT, number, which, item.text, is_loose=True))
    return Marking(tuple(terms), {key: frozenset(places) for key, places in wanted.items()}, loose)


def _keys(form: str, item: synonyms.Sought) -> list[str]:
    """Return the stems by which engines look for a word of ``item``."""
    by_stemming = zip(STEMMINGS, analysis.stem_keys(form), strict=True)
    return [key for stemming, key in by_stemming if stemming in item.stemmings]


def _sought_alternatives(words: Words) -> Iterator[tuple[int, int, synonyms.Alternative]]:
    """Yield each alternative that asks for something, with the places of its need and of itself in it."""
    for number, need in enumerate(synonyms.expand(words)):
        for which, alternative in enumerate(need.alternatives):
            if not alternative.is_excluded:
                yield number, which, alternative


def _outermost(marks: Sequence[_Mark]) -> list[_Mark]:
    kept: list[_Mark] = []
    for mark in marks:
        if not kept or mark.start >= kept[-1].end:
            kept.append(mark)
    return kept


def whole(text: str, what: Marking) -> Fragment:
    """Return all of ``text`` as spans that join to it, matches marked."""
    return tuple(_spans(text, 0, len(text), what.marks(text)))


def fragments(text: str, what: Marking, *, characters: int, most: int = 3) -> tuple[Fragment, ...]:
    """Return the best places of ``text``, best first, each at most ``characters`` long (rules D7).

    Nothing where nothing matches. In fragments blanks are single, and
    so are gaps of a scrubbed text, which none begins or ends with.
    """
    marks = what.marks(text, _MOST_MARKS)
    ranked = sorted(
        (_around(marks, first, characters) for first in range(min(len(marks), _MOST_WINDOWS))),
        key=lambda around: (-around[0], around[1]),
    )
    taken: list[tuple[int, int]] = []
    for _, first, last in ranked:
        start, end = _window(text, first, last, characters)
        if start < end and all(end <= left or start >= right for left, right in taken):
            taken.append((start, end))
            if len(taken) == most:
                break
    return tuple(_tidied(list(_spans(text, start, end, marks))) for start, end in taken)


def _around(marks: Sequence[_Mark], first: int, characters: int) -> tuple[int, int, int]:
    """Return the rank of the fragment that begins with the mark ``first``, and where its marks stand."""
    start, end = marks[first].start, marks[first].end
    weights: dict[int, int] = {}
    count = 0
    for mark in marks[first:]:
        if mark.end - start > characters:
            break
        end = mark.end
        weights[mark.term] = mark.weight
        count += 1
    return 10 * sum(weights.values()) + min(count, 9), start, end


def _window(text: str, first: int, last: int, characters: int) -> tuple[int, int]:
    """Return start and end of the fragment around the marks from ``first`` to ``last``.

    Only for places that are shown: looking for the ends of words costs more than the rank. Empty for
    one match that is longer than a fragment.
    """
    spare = characters - (last - first)
    if spare < 0:
        return first, first
    left = _after_blank(text, max(0, first - spare // 3), first)
    return left, _before_blank(text, last, min(len(text), left + characters))


def _after_blank(text: str, place: int, stop: int) -> int:
    """Return the first start of a word at or after ``place``, at most ``stop``."""
    if place == 0:
        return place
    found = _BLANKS.search(text, place - 1, stop)
    return found.end() if found is not None else stop


def _before_blank(text: str, start: int, place: int) -> int:
    """Return the last end of a word at or before ``place``, at least ``start``."""
    if place == len(text):
        return place
    found = _LAST_BLANK.search(text, start, place + 1)
    return found.start() if found is not None else start


def _spans(text: str, start: int, end: int, marks: Sequence[_Mark]) -> Iterator[Span]:
    place = start
    for mark in marks:
        if mark.start >= start and mark.end <= end:
            if mark.start > place:
                yield Span(text[place : mark.start], match=False)
            yield Span(text[mark.start : mark.end], match=True)
            place = mark.end
    if place < end:
        yield Span(text[place:end], match=False)


def _tidied(spans: Sequence[Span]) -> Fragment:
    """Make blanks and gaps single, and drop gaps at both ends, where a fragment is cut off anyway."""
    last = len(spans) - 1
    tidied = []
    for place, span in enumerate(spans):
        text = _GAPS.sub(GAP, _BLANKS.sub(" ", span.text))
        if place == 0 and not span.match:
            text = _FIRST_GAPS.sub("", text)
        if place == last and not span.match:
            text = _LAST_GAPS.sub("", text)
        if text:
            tidied.append(Span(text, span.match))
    return tuple(tidied)


def one_letter_away(one: str, other: str) -> bool:
    """Whether two words differ by at most one letter put, dropped, changed, or swapped with the next."""
    if abs(len(one) - len(other)) > 1:
        return False
    shorter, longer = sorted((one, other), key=len)
    start = 0
    while start < len(shorter) and shorter[start] == longer[start]:
        start += 1
    if len(shorter) < len(longer):
        return shorter[start:] == longer[start + 1 :]
    swapped = longer[start : start + 2][::-1] + longer[start + 2 :]
    return shorter[start + 1 :] == longer[start + 1 :] or shorter[start:] == swapped
