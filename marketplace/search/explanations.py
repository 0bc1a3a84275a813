"""Why a person was found: which of the asked words stand where in what the recruiter may read.

Computed from the scrubbed text that PostgreSQL gives, with the analysis that documents and queries
share, never by an engine and never as a score (rules D7, E7).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from marketplace.candidates.recruiter_view import CandidateCard
from marketplace.search import analysis
from marketplace.search.highlight import Marking, SoughtTerm


class Place(StrEnum):
    """Where words stand, in the order in which places are told."""

    HEADLINE = "headline"
    SKILLS = "skills"
    CV = "cv"


class How(StrEnum):
    """How the words that stand there answer the word that was asked."""

    WORD = "word"
    """The word itself, in any of its forms."""
    SYNONYM = "synonym"
    """A word the table of synonyms gives for it."""
    TYPO = "typo"
    """A word one letter away, since nobody has the word as typed."""


@dataclass(frozen=True)
class Match:
    """One reason why a person was found: ``asked`` stands, as ``found``, in ``places``."""

    asked: str
    how: How
    found: str
    places: tuple[Place, ...]


def why(card: CandidateCard, what: Marking) -> tuple[Match, ...]:
    """Return why ``card`` answers the search of ``what``: every requirement it asks for, in order.

    A synonym is named only where the word itself does not do: then it is the reason. Empty where
    the text has changed since it was indexed.
    """
    found: dict[int, dict[Place, str]] = defaultdict(dict)
    for place, text in _texts(card):
        for term, words in what.found(text).items():
            found[term][place] = words
    return tuple(
        match for terms in _by_alternative(what.terms) for match in _of_alternative(terms, what.terms, found)
    )


def read_as(matches: Iterable[Match]) -> Mapping[str, tuple[str, ...]]:
    """Return the words that stand where misspelt ones were asked, each once whatever its case."""
    taken: dict[str, dict[str, str]] = defaultdict(dict)
    for match in matches:
        if match.how is How.TYPO:
            taken[match.asked].setdefault(match.found.casefold(), match.found)
    return {asked: tuple(words.values()) for asked, words in taken.items()}


def inclusive_forms(text: str) -> tuple[str, ...]:
    """Return the words an inclusive form stands for (``développeur·se``), folded; none if it is none."""
    return tuple(form for forms in analysis.positions(text) if len(forms) > 1 for form in forms)


def _texts(card: CandidateCard) -> Iterator[tuple[Place, str]]:
    yield Place.HEADLINE, card.headline
    yield Place.SKILLS, card.skills_text
    yield Place.CV, card.cv_text


def _by_alternative(terms: Sequence[SoughtTerm]) -> Iterable[list[int]]:
    """Return the numbers of the terms of each alternative, in the order asked."""
    grouped: dict[tuple[int, int], list[int]] = defaultdict(list)
    for number, term in enumerate(terms):
        grouped[term.need, term.alternative].append(number)
    return grouped.values()


def _of_alternative(
    numbers: Sequence[int], terms: Sequence[SoughtTerm], found: Mapping[int, Mapping[Place, str]]
) -> Iterator[Match]:
    exact = [n for n in numbers if not (terms[n].is_synonym or terms[n].is_loose)]
    asked = " ".join(terms[n].text for n in exact)
    if all(n in found for n in exact):
        for n in exact:
            yield _match(terms[n].text, How.WORD, found[n])
        return
    for n in numbers:
        if n in found and n not in exact:
            yield _match(asked, How.TYPO if terms[n].is_loose else How.SYNONYM, found[n])


def _match(asked: str, how: How, places: Mapping[Place, str]) -> Match:
    first = next(iter(places.values()))
    return Match(asked, how, " ".join(first.split()), tuple(places))
