"""Where a text matches a search: fragments for cards, marks for a whole text. Data, never HTML.

Computed from the scrubbed text in PostgreSQL, not by an engine, so that both engines show the same
and a withdrawn text is never shown. A chunk of text is judged once per search and remembered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from marketplace.search import analysis, synonyms
from marketplace.search.query import Words
from marketplace.search.synonyms import Sought

_CHUNK = re.compile(r"\S+")
_BLANKS = re.compile(r"\s+")
_LAST_BLANK = re.compile(r"\s+\S*\Z")
_REMEMBERED = 8192
_MOST_MARKS = 300
"""Marks looked at for fragments; the first pages of a text decide."""

_EXACT, _SYNONYM = 4, 1
"""What a distinct term counts in a fragment's rank."""

Stems = tuple[frozenset[str], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text; ``match`` says whether it is a found word."""

    text: str
    match: bool


Fragment = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class _Mark:
    start: int
    end: int
    term: int
    weight: int


@dataclass(frozen=True, slots=True)
class _Slot:
    """A token of a chunk that is one position of one or more sought terms: (term, place in it)."""

    position: int
    start: int
    end: int
    places: tuple[tuple[int, int], ...]


@dataclass(eq=False)
class Marking:
    """What to mark for one search; made by :func:`marking`."""

    sought: tuple[tuple[tuple[Stems, ...], int], ...]
    loose: frozenset[str]
    _judged: dict[str, tuple[int, tuple[_Slot, ...]]] = field(default_factory=dict)

    def marks(self, text: str) -> list[_Mark]:
        """Return the matches in ``text`` in order, none inside another."""
        slots = list(self._slots(text))
        at = {slot.position: slot for slot in slots}
        marks = []
        for slot in slots:
            for term, place in slot.places:
                if place == 0 and (last := self._last(at, slot.position, term)) is not None:
                    marks.append(_Mark(slot.start, last.end, term, self.sought[term][1]))
        marks.sort(key=lambda mark: (mark.start, -mark.end, -mark.weight))
        return _outermost(marks)

    def _last(self, at: dict[int, _Slot], position: int, term: int) -> _Slot | None:
        """Return the slot where ``term``, begun at ``position``, is complete."""
        slot: _Slot | None = at[position]
        for place in range(1, len(self.sought[term][0])):
            slot = at.get(position + place)
            if slot is None or (term, place) not in slot.places:
                return None
        return slot

    def _slots(self, text: str) -> Iterator[_Slot]:
        judged, position = self._judged, 0
        for match in _CHUNK.finditer(text):
            verdict = judged.get(match.group())
            if verdict is None:
                verdict = self._judge(match.group())
            if verdict[1]:
                start = match.start()
                for slot in verdict[1]:
                    yield _Slot(position + slot.position, start + slot.start, start + slot.end, slot.places)
            position += verdict[0]

    def _judge(self, chunk: str) -> tuple[int, tuple[_Slot, ...]]:
        tokens = analysis.chunk_tokens(chunk)
        slots = []
        for position, token in enumerate(tokens):
            places = tuple(self._places(token.forms))
            if places:
                slots.append(_Slot(position, token.start, token.end, places))
        verdict = (len(tokens), tuple(slots))
        if len(self._judged) >= _REMEMBERED:
            self._judged.clear()
        self._judged[chunk] = verdict
        return verdict

    def _places(self, forms: Sequence[str]) -> Iterator[tuple[int, int]]:
        both = [analysis.stems(form) for form in forms]
        for term, (positions, _) in enumerate(self.sought):
            for place, (french, english) in enumerate(positions):
                if any(fr in french or en in english for fr, en in both):
                    yield term, place
        if self.loose and any(one_letter_away(form, word) for form in forms for word in self.loose):
            yield len(self.sought) - 1, 0


@lru_cache(maxsize=16)
def marking(words: Words, approximate: tuple[str, ...] = ()) -> Marking:
    """Return what to mark for a search; ``approximate`` as in ``Reading.approximate``."""
    alternatives = [
        alternative
        for need in synonyms.expand(words)
        for alternative in need.alternatives
        if not alternative.is_excluded
    ]
    loose = [
        form
        for alternative in alternatives
        if alternative.text in approximate
        for sought in alternative.exact
        for forms in sought.positions
        for form in forms
    ]
    sought = [
        *((_stems(item), _EXACT) for alternative in alternatives for item in alternative.exact),
        *((_stems(item), _SYNONYM) for alternative in alternatives for item in alternative.also),
    ]
    if loose:  # a last term of its own, judged by spelling
        sought.append((((frozenset(), frozenset()),), _EXACT))
    return Marking(tuple(sought), frozenset(loose))


def _stems(sought: Sought) -> tuple[Stems, ...]:
    pairs = [[analysis.stems(form) for form in forms] for forms in sought.positions]
    return tuple((frozenset(fr for fr, _ in both), frozenset(en for _, en in both)) for both in pairs)


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

    Nothing where nothing matches. Blanks are single in fragments.
    """
    marks = what.marks(text)[:_MOST_MARKS]
    ranked = sorted(
        (_window(text, marks, first, characters) for first in range(len(marks))),
        key=lambda window: (-window[0], window[1]),
    )
    taken: list[tuple[int, int]] = []
    for _, start, end in ranked:
        if start < end and all(end <= left or start >= right for left, right in taken):
            taken.append((start, end))
            if len(taken) == most:
                break
    return tuple(tuple(_tidied(_spans(text, start, end, marks))) for start, end in taken)


def _window(text: str, marks: Sequence[_Mark], first: int, characters: int) -> tuple[int, int, int]:
    """Return rank, start and end of the fragment around the mark ``first`` and those that still fit."""
    start, end = marks[first].start, marks[first].end
    weights: dict[int, int] = {}
    count = 0
    for mark in marks[first:]:
        if mark.end - start > characters:
            break
        end = mark.end
        weights[mark.term] = mark.weight
        count += 1
    spare = characters - (end - start)
    if spare < 0:  # one match longer than a fragment
        return 0, start, start
    left = _after_blank(text, max(0, start - spare // 3), start)
    right = _before_blank(text, end, min(len(text), left + characters))
    return 10 * sum(weights.values()) + min(count, 9), left, right


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


def _tidied(spans: Iterator[Span]) -> Iterator[Span]:
    for span in spans:
        yield Span(_BLANKS.sub(" ", span.text), span.match)


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
