"""How a search was read, why somebody was found and what to give up, in words for people.

The same facts as the API gives as data (rules E7); every sentence is a key of the catalogues (F4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from marketplace.catalogues import N_, translate
from marketplace.search.explanations import How, Match, Place, inclusive_forms, read_as
from marketplace.search.facets import FACETS
from marketplace.search.query import ReadTerm, Requirement
from marketplace.search.relaxations import Given, Proposal
from marketplace.search.services import SearchResults
from marketplace.search.url import SearchParameters

PLACES = {
    Place.HEADLINE: N_("the headline"),
    Place.SKILLS: N_("the skills"),
    Place.CV: N_("the CV"),
}
MATCHES = {
    How.WORD: N_("%(word)s in %(places)s"),
    How.SYNONYM: N_("%(found)s (for %(word)s) in %(places)s"),
    How.TYPO: N_("%(found)s (one letter from %(word)s) in %(places)s"),
}
WITHOUT_FACET = {
    "region": N_("Without the region %(values)s"),
    "job_field": N_("Without the job field %(values)s"),
    "start_month": N_("Without the start month %(values)s"),
    "skill": N_("Without the skill %(values)s"),
    "language": N_("Without the language %(values)s"),
    "education_level": N_("Without the education level %(values)s"),
}
GIVING_UP = {
    Given.DATES: N_("Without the dates of the start"),
    Given.FIRM_START: N_("If the start can move"),
    Given.WORD: N_("Without “%(words)s”"),
    Given.WORDS: N_("Without the words"),
    Given.FILTERS: N_("Without any filter"),
}


def reading(results: SearchResults, language: str) -> list[str]:
    """Say how the words were read, where that is more than the words themselves."""
    taken = read_as(match for hit in results.hits for match in hit.why)
    requirements = results.reading.requirements
    said = []
    if any(map(_says_more, requirements)):
        said = [_requirement(requirement, taken, language) for requirement in requirements]
    if results.ignored:
        said.append(translate(language, N_("left out: %(words)s"), words=", ".join(results.ignored)))
    return said


def why(matches: Sequence[Match], language: str) -> list[str]:
    """Say which words stand where."""
    return [
        translate(
            language,
            MATCHES[match.how],
            word=match.asked,
            found=match.found,
            places=", ".join(translate(language, PLACES[place]) for place in match.places),
        )
        for match in matches
    ]


def giving_up(proposal: Proposal, asked: SearchParameters, language: str) -> str:
    """Say what a proposal gives up of the search that was asked."""
    if proposal.given is Given.FACET:
        facet = FACETS[proposal.subject]
        labels = [facet.label(value, language) for value in sorted(asked.selections[facet.name])]
        return translate(
            language, WITHOUT_FACET[facet.name], values=translate(language, N_(" or ")).join(labels)
        )
    return translate(language, GIVING_UP[proposal.given], words=proposal.subject)


def _says_more(requirement: Requirement) -> bool:
    first = requirement.alternatives[0]
    return (
        len(requirement.alternatives) > 1
        or first.is_phrase
        or first.is_excluded
        or first.is_approximate
        or bool(first.also or inclusive_forms(first.text))
    )


def _requirement(requirement: Requirement, taken: Mapping[str, tuple[str, ...]], language: str) -> str:
    said = [_term(term, taken, language) for term in requirement.alternatives]
    return translate(language, N_(" or ")).join(said)


def _term(term: ReadTerm, taken: Mapping[str, tuple[str, ...]], language: str) -> str:
    text = term.text
    if term.is_phrase:
        text = translate(language, N_("exactly “%(words)s”"), words=text)
    elif inclusive_forms(text):
        text = translate(language, N_("%(word)s (either form)"), word=text)
    if term.is_approximate and term.text in taken:
        read = ", ".join(taken[term.text])
        text = translate(
            language, N_("%(read)s instead of “%(word)s”, which nobody has"), read=read, word=text
        )
    elif term.is_approximate:
        text = translate(language, N_("words like %(word)s, because nobody has exactly this"), word=text)
    if term.also:
        text = translate(language, N_("%(word)s (also %(others)s)"), word=text, others=", ".join(term.also))
    return translate(language, N_("without %(term)s"), term=text) if term.is_excluded else text
