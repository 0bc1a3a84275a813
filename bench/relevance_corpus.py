"""CVs whose job field is known, written with one half of the synonym table; the queries use the other.

Each CV is of one field and one language. Its words come from the written half of its field's rows;
a few skills of other fields, and sentences that any CV may hold, are the noise that a ranking has to
see through. Everything is drawn from a seed.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from marketplace.reference import Term, job_fields, terms

Language = Literal["fr", "en"]
LANGUAGES: tuple[Language, ...] = ("fr", "en")
SECOND_TITLE, NAMED_FIELD, WITH_HEADLINE = 0.5, 0.25, 0.8
"""Shares of CVs that hold a second title of their field, its name, and a headline."""

OTHER: dict[Language, Language] = {"fr": "en", "en": "fr"}


@dataclass(frozen=True, kw_only=True)
class GeneratedCV:
    """A document of the corpus: what it is about, and its text."""

    number: int
    job_field: str
    language: Language
    headline: str
    skills: tuple[str, ...]
    text: str


@dataclass(frozen=True, kw_only=True)
class AskedQuery:
    """A query and where it is asked: among the CVs of ``corpus``; relevant are those of ``job_field``."""

    kind: Literal["field name", "synonym", "other language"]
    text: str
    job_field: str
    corpus: Language
    is_for_tuning: bool


def _draw(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256("|".join(map(str, parts)).encode()).digest()[:8], "big")


def _is_name(word: str) -> bool:
    """Whether a word is a proper name or a code, the same in both languages."""
    return word != word.lower()


_FRENCH_MARKS = frozenset("àâçéèêëîïôùûœ'’")
_FRENCH_WORDS = frozenset(
    {"de", "des", "du", "la", "le", "les", "en", "et", "aux", "au", "pour", "commercial", "vente", "gestion"}
)
_FRENCH_ENDINGS = (
    "eur",
    "euse",
    "rice",
    "ère",
    "aire",
    "tion de",
    "ique",
    "age",
    "ment",
    "ité",
    "iste",
    "ier",
)
_ENGLISH_ENDINGS = ("ing", "er", "or", "ment", "ship", "ist", "ness", "ity")


def languages_of(term: Term, word: str) -> tuple[Language, ...]:
    """Return the languages a word of a row is of: both for names, else by what it shares with the heads."""
    if word in {term.term_en, term.term_fr}:
        return tuple(language for language in LANGUAGES if word == term.label(language))
    if _is_name(word):
        return LANGUAGES
    if _FRENCH_MARKS & set(word) or _FRENCH_WORDS & set(word.split()):
        return ("fr",)
    shared_en = len(set(word.split()) & set(term.term_en.lower().split()))
    shared_fr = len(set(word.split()) & set(term.term_fr.lower().split()))
    if shared_en != shared_fr:
        return ("en",) if shared_en > shared_fr else ("fr",)
    if word.endswith(_FRENCH_ENDINGS):
        return ("fr",)
    return ("en",) if word.endswith(_ENGLISH_ENDINGS) else LANGUAGES


def halves(term: Term, language: Language) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the words of a row in ``language`` that CVs are written with, and those queries use."""
    words = [
        word
        for word in dict.fromkeys((term.term_en, term.term_fr, *term.synonyms))
        if language in languages_of(term, word) and word not in term.ambiguous
    ]
    words.sort(key=lambda word: _draw("half", term.slug, word))
    middle = (len(words) + 1) // 2
    return tuple(words[:middle]), tuple(words[middle:])


_FILLER: dict[Language, tuple[str, ...]] = {
    "fr": (
        "Bonne communication écrite et orale, esprit d'équipe, autonomie.",
        "Participation à la gestion de projets de fin d'année avec mon groupe.",
        "Stage d'observation dans une entreprise de services, accueil et support de l'équipe.",
        "Baccalauréat, mention assez bien. Permis B.",
        "Anglais courant, espagnol scolaire. Sens de l'organisation et du service.",
        "Centres d'intérêt : voyages, musique, développement durable, sport en équipe.",
        "Emploi d'été : vente et relation avec les clients dans un commerce de quartier.",
        "Bénévolat dans une association : administration, logistique des événements, réseaux sociaux.",
        "Motivée par la formation en alternance et l'analyse de problèmes concrets.",
        "Utilisation quotidienne des outils de bureau et du web.",
    ),
    "en": (
        "Good written and spoken communication, team player, independent.",
        "Took part in the management of end-of-year projects with my group.",
        "Work experience in a services company: reception and support for the team.",
        "A levels in English and history. Full driving licence.",
        "Fluent English, school French. Organised, with a sense of service.",
        "Interests: travel, music, sustainable development, team sports.",
        "Summer job: sales and customer contact in a local shop.",
        "Volunteer for a charity: administration, logistics of events, social media.",
        "Keen on apprenticeship training and the analysis of real problems.",
        "Daily use of office tools and the web.",
    ),
}
_DOING: dict[Language, tuple[str, ...]] = {
    "fr": ("Mission de {0} au quotidien.", "Projet d'école autour de {0} et {1}.",
           "Pratique de {0}, notions de {1}.", "Montée en compétence sur {0}."),
    "en": ("Worked on {0} every day.", "School project about {0} and {1}.", "Practice of {0}, basics of {1}.",
           "Getting better at {0}."),
}  # fmt: skip
_HEADLINE: dict[Language, tuple[str, ...]] = {
    "fr": (
        "{0} en alternance",
        "Recherche un contrat d'apprentissage : {0}",
        "{0}",
        "Étudiante motivée, {0}",
    ),
    "en": ("Apprentice {0}", "Looking for an apprenticeship as {0}", "{0}", "Motivated student, {0}"),
}


def corpus(language: Language, per_field: int, seed: int = 1) -> Iterator[GeneratedCV]:
    """Yield ``per_field`` CVs of each job field in one language."""
    by_field = {code: [term for term in terms() if term.job_field == code] for code in job_fields()}
    number = 0
    for code, rows in by_field.items():
        for _ in range(per_field):
            number += 1
            yield _cv(number, code, rows, language, random.Random(f"{seed}:{language}:{number}"))


def _cv(
    number: int, code: str, rows: Sequence[Term], language: Language, chance: random.Random
) -> GeneratedCV:
    titles = _written([term for term in rows if term.kind == "title"], language)
    abilities = _written([term for term in rows if term.kind != "title"], language)
    elsewhere = _written([term for term in terms() if term.job_field != code], language)
    chosen = chance.sample(abilities, min(len(abilities), chance.randint(2, 5)))
    foreign = chance.sample(elsewhere, chance.randint(1, 4))
    sentences = [chance.choice(_DOING[language]).format(one, chance.choice(chosen)) for one in chosen]
    sentences += [chance.choice(_DOING[language]).format(one, one) for one in foreign]
    sentences += chance.sample(_FILLER[language], 5)
    title = chance.choice(titles)
    if chance.random() < SECOND_TITLE:
        sentences.append(chance.choice(titles).capitalize() + ", 2025.")
    if chance.random() < NAMED_FIELD:  # some say the name of their field, as a diploma does
        name = job_fields()[code].label(language)
        sentences.append(
            ("Licence professionnelle " if language == "fr" else "Level 4 diploma: ") + name + "."
        )
    chance.shuffle(sentences)
    headline = chance.choice(_HEADLINE[language]).format(title) if chance.random() < WITH_HEADLINE else ""
    listed = tuple(chance.sample(chosen, min(2, len(chosen))))
    return GeneratedCV(
        number=number, job_field=code, language=language, headline=headline, skills=listed,
        text=" ".join([title.capitalize() + ".", *sentences]),
    )  # fmt: skip


def _written(rows: Sequence[Term], language: Language) -> list[str]:
    return [word for term in rows for word in halves(term, language)[0]]


def queries() -> Iterator[AskedQuery]:
    """Yield every query; which ones are for tuning is drawn by what they are about, not by language."""
    for code, field in job_fields().items():
        is_for_tuning = _draw("tuning", code) % 2 == 0
        for language in LANGUAGES:
            name = field.label(language)
            yield AskedQuery(
                kind="field name", text=name, job_field=code, corpus=language, is_for_tuning=is_for_tuning
            )
            if field.name_en != field.name_fr:
                yield AskedQuery(
                    kind="other language", text=name, job_field=code, corpus=OTHER[language],
                    is_for_tuning=is_for_tuning,
                )  # fmt: skip
    for term in terms():
        is_for_tuning = _draw("tuning", term.slug) % 2 == 0
        for language in LANGUAGES:
            for word in halves(term, language)[1]:
                yield AskedQuery(
                    kind="synonym", text=word, job_field=term.job_field, corpus=language,
                    is_for_tuning=is_for_tuning,
                )  # fmt: skip
                if not _is_name(word) and languages_of(term, word) == (language,):
                    yield AskedQuery(
                        kind="other language", text=word, job_field=term.job_field, corpus=OTHER[language],
                        is_for_tuning=is_for_tuning,
                    )  # fmt: skip
