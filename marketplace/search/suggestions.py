"""Completions of what a recruiter types: values of the controlled vocabularies, never words of a CV.

Proposed is only what somebody in the recruiter's own scope has (rules D2; security.md P-05): the
facets of that scope decide, counted by the engine for this answer, so that nobody who may not be
seen changes a byte of it. How many people have a value is not told.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import TypeAlias
from uuid import UUID

from marketplace import reference
from marketplace.catalogues import LANGUAGES
from marketplace.contacts.asking_recruiters import asking_recruiter
from marketplace.contacts.services import listing_of
from marketplace.search import url, words
from marketplace.search.facets import FACETS
from marketplace.search.query import SearchQuery
from marketplace.search.services import Searcher, require_words

MOST = 10
"""Suggestions in one answer: what a person reads at a glance."""

LONGEST_TAIL = 5
"""Words at the end of a text that may be one name together: no label people type has more."""


class Kind(StrEnum):
    """Which vocabulary, by the query parameter of its facet; the order among equals."""

    JOB_FIELD = "job_field"
    SKILL = "skill"
    REGION = "region"
    LANGUAGE = "language"


@dataclass(frozen=True)
class Suggestion:
    """A value that completes ``typed``, the end of the text; ``matched`` is the synonym it was found by."""

    kind: Kind
    value: str
    label: str
    typed: str
    matched: str | None = None


@dataclass(frozen=True)
class Name:
    """A name as it is shown and as it is compared."""

    shown: str
    folded: str

    @classmethod
    def of(cls, text: str) -> Name:
        return cls(text, folded(text))


@dataclass(frozen=True)
class Entry:
    """A value with its label in each language, and the other names it is found by."""

    kind: Kind
    value: str
    labels: Mapping[str, Name]
    names: tuple[Name, ...]


Rank: TypeAlias = tuple[int, int, str]
"""How well a name is completed, the vocabulary, and the label: never how many people have it."""


def suggest(
    searcher: Searcher,
    now: datetime,
    account_id: UUID,
    language: str,
    text: str,
    job_country: str | None = None,
) -> tuple[Suggestion, ...]:
    """Return what completes the end of ``text``, at most :data:`MOST` (rules D1, D2; P-05).

    Raises as :func:`~marketplace.search.services.find_candidates` does for words, for whoever may
    not search by them gets no help with them.
    """
    settings = searcher.settings
    with searcher.db.reading() as session:
        recruiter = asking_recruiter(session, account_id)
        require_words(recruiter.capabilities)
        asked = url.read(
            [("q", text), ("job_country", job_country or "")],
            default_job_country=recruiter.work_country,
            limits=url.Limits.of(settings),
        )
        found = completions(asked.q, language)
        if not found:
            return ()
        listing = listing_of(session, now, settings, recruiter, asked.job_country)
        page = searcher.index.search(SearchQuery(visibility=listing.visibility, size=0))
    here = {
        (facet.name, bucket.value) for facet in page.facets for bucket in facet.buckets if bucket.count > 0
    }
    return tuple(one for one in found if (one.kind.value, one.value) in here)[:MOST]


def completions(text: str, language: str) -> list[Suggestion]:
    """Return every value of the vocabularies that completes the end of ``text``, the best first.

    The longest end that completes anything counts, so that ``junior machine lea`` is about machine
    learning. Inside quotation marks and after a minus sign words mean just what they say.
    """
    plain = text.translate(words.QUOTES)
    if plain.count('"') % 2 or plain.endswith('"'):
        return []
    pieces = plain.split()
    for first in range(max(0, len(pieces) - LONGEST_TAIL), len(pieces)):
        tail = pieces[first:]
        if any('"' in piece or piece[0] in "-−" for piece in tail):
            continue
        if found := _completing(" ".join(tail), language):
            return found
    return []


def _completing(typed: str, language: str) -> list[Suggestion]:
    start = folded(typed)
    if not start:
        return []
    ranked: list[tuple[Rank, Suggestion]] = []
    for entry in _entries():
        label = entry.labels[language]
        best = min(_ranks(start, label, entry.names), default=None, key=lambda one: one[0])
        if best is not None:
            rank, name = best
            matched = name.shown if rank > _BY_LABEL else None
            suggestion = Suggestion(entry.kind, entry.value, label.shown, typed, matched)
            ranked.append(((rank, _ORDER[entry.kind], label.folded), suggestion))
    return [suggestion for _, suggestion in sorted(ranked, key=lambda one: one[0])]


_ORDER = {kind: place for place, kind in enumerate(Kind)}
_BY_LABEL = 1
"""Ranks up to here were found by the label, later ones by another name."""


def _ranks(start: str, label: Name, names: Iterable[Name]) -> Iterator[tuple[int, Name]]:
    """Yield how well each name is completed: its beginning before a word in it, the label first."""
    for base, name in ((0, label), *((2, name) for name in names)):
        if name.folded.startswith(start):
            yield base, name
        elif f" {start}" in name.folded:
            yield base + 1, name


_BETWEEN = re.compile(r"[\s\-‐‑'’/(),.&·]+")


def folded(text: str) -> str:
    """Return ``text`` without case, accents and the signs between words; ``C++`` and ``C#`` stay apart."""
    spelled = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe").replace("æ", "ae"))
    plain = "".join(sign for sign in spelled if not unicodedata.combining(sign))
    return _BETWEEN.sub(" ", plain).strip()


@cache
def _entries() -> tuple[Entry, ...]:
    """Return every value of the vocabularies, its label being what the facet calls it."""
    return tuple(
        Entry(
            kind,
            value,
            {language: Name.of(FACETS[kind.value].label(value, language)) for language in LANGUAGES},
            tuple(map(Name.of, names)),
        )
        for kind, value, names in _vocabularies()
    )


def _vocabularies() -> Iterator[tuple[Kind, str, tuple[str, ...]]]:
    for code, row in reference.job_fields().items():
        yield Kind.JOB_FIELD, code, (row.name_en, row.name_fr)
    for slug, term in reference.skills().items():
        names = (term.term_en, term.term_fr, *term.synonyms, *sorted(term.ambiguous))
        yield Kind.SKILL, slug, names
    for code, place in reference.regions().items():
        yield Kind.REGION, code, (place.name_en, place.name_fr, *place.aliases)
    for code, spoken in reference.languages().items():
        yield Kind.LANGUAGE, code, tuple(spoken.values())
