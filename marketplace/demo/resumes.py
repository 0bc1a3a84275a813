"""What the sample CVs say: sections of French or English sentences from the reference tables.

The words are chosen, not copied: skills appear under their own name or one of their synonyms, so
that search has something to understand. A resume is data; ``cv_layouts.py`` draws it.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from marketplace import reference


@cache
def sample_words() -> dict[str, Any]:
    """Return the word lists of ``data/sample_words.json``."""
    text = files(__package__).joinpath("data", "sample_words.json").read_text(encoding="utf-8")
    words: dict[str, Any] = json.loads(text)
    return words


COMPANIES: dict[str, list[str]] = sample_words()["companies"]
SCHOOLS: dict[str, list[str]] = sample_words()["schools"]
STREETS: dict[str, str] = sample_words()["streets"]
DID: dict[str, list[str]] = sample_words()["did"]
ABOUT: dict[str, list[str]] = sample_words()["about"]
HOBBIES: dict[str, list[str]] = sample_words()["hobbies"]
WORDS: dict[str, dict[str, str]] = sample_words()["words"]
AMERICAN: dict[str, str] = sample_words()["american"]


@dataclass(frozen=True)
class Entry:
    """One job, course or project."""

    title: str
    place: str
    period: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Resume:
    """Everything a layout draws, in reading order."""

    language: str
    name: str
    headline: str
    contact_lines: tuple[str, ...]
    about: str
    experience: tuple[Entry, ...]
    projects: tuple[Entry, ...]
    education: tuple[Entry, ...]
    skills: tuple[str, ...]
    languages: tuple[str, ...]
    hobbies: tuple[str, ...]

    def label(self, section: str) -> str:
        return WORDS[self.language][section]

    def plain_text(self) -> str:
        """Return the words in reading order, one line a paragraph (for benchmarks without PDFs)."""
        lines = [self.name, self.headline, *self.contact_lines, self.label("about"), self.about]
        for section, entries in (
            ("experience", self.experience), ("projects", self.projects), ("education", self.education),
        ):  # fmt: skip
            lines.append(self.label(section))
            for entry in entries:
                lines += [f"{entry.title} – {entry.place} ({entry.period})", *entry.lines]
        lines += [
            self.label("skills"),
            ", ".join(self.skills),
            self.label("languages"),
            ", ".join(self.languages),
        ]
        return "\n".join([*lines, self.label("hobbies"), ", ".join(self.hobbies)])


def write_resume(
    rng: random.Random,
    *,
    language: str,
    country: str,
    city: str,
    first_name: str,
    last_name: str,
    job_field: str,
    skills: tuple[str, ...],
    spoken: tuple[str, ...],
    today: date,
    number: int,
) -> Resume:
    """Write a resume in ``language`` for someone who lives in ``country`` and looks in ``job_field``."""
    words = WORDS[language] | (AMERICAN if (country, language) == ("US", "en") else {})
    title = _title(rng, job_field, language)
    said = [_say(rng, slug, language) for slug in skills]
    headline = words["seeks"].format(title=title[0].upper() + title[1:])
    if rng.random() < 0.6:
        headline += f" – {said[0]}"
    year = today.year
    experience = tuple(
        _job(rng, words, language, country, title, said, year - position)
        for position in range(rng.choice((1, 2, 2, 3, 4, 6, 9)))
    )
    projects = tuple(
        Entry(
            words["project"].format(a=rng.choice(said)),
            city,
            str(year - rng.randint(0, 3)),
            _lines(rng, language, said, 2),
        )
        for _ in range(rng.choice((0, 1, 2, 3, 6)))
    )
    names = reference.languages()
    return Resume(
        language=language,
        name=f"{first_name} {last_name}",
        headline=headline[:190],
        contact_lines=_contact(rng, country, city, first_name, last_name, number),
        about=rng.choice(ABOUT[language]).format(title=title, a=rng.choice(said), b=rng.choice(said)),
        experience=experience,
        projects=projects,
        education=_education(rng, words, language, city, title, year),
        skills=tuple(dict.fromkeys([*said, *(_say(rng, slug, language) for slug in skills)])),
        languages=tuple(names[code][language] for code in spoken),
        hobbies=tuple(rng.sample(HOBBIES[language], 3)),
    )


def _title(rng: random.Random, job_field: str, language: str) -> str:
    titles = [term for term in reference.terms() if term.job_field == job_field and term.kind == "title"]
    return rng.choice(titles).label(language)


def _say(rng: random.Random, slug: str, language: str) -> str:
    """Name a skill by its own label, or by a synonym that is not an ambiguous short form."""
    term = reference.skills()[slug]
    clear = [word for word in term.synonyms if word not in term.ambiguous]
    return rng.choice(clear) if clear and rng.random() < 0.4 else term.label(language)


def _lines(rng: random.Random, language: str, said: list[str], count: int) -> tuple[str, ...]:
    return tuple(
        sentence.format(
            a=rng.choice(said), b=rng.choice(said), n=rng.randint(3, 12), p=rng.choice((5, 10, 15, 20))
        )
        for sentence in rng.sample(DID[language], count)
    )


def _job(
    rng: random.Random,
    words: dict[str, str],
    language: str,
    country: str,
    title: str,
    said: list[str],
    year: int,
) -> Entry:
    what = rng.choice((f"{words['intern']} {title}", f"{words['assistant']} {title}", words["hourly"]))
    period = f"{rng.randint(1, 12):02d}/{year - 1} – {rng.randint(1, 12):02d}/{year}"
    return Entry(what, rng.choice(COMPANIES[country]), period, _lines(rng, language, said, rng.randint(2, 5)))


def _education(
    rng: random.Random, words: dict[str, str], language: str, city: str, title: str, year: int
) -> tuple[Entry, ...]:
    kinds = ["bac", *rng.choice(([], ["higher"], ["higher"], ["bachelor"], ["higher", "bachelor"]))]
    return tuple(
        Entry(
            f"{words[kind]} – {title}" if kind != "bac" else words[kind],
            rng.choice(SCHOOLS[language]).format(city=city),
            str(year - 2 * back),
            (),
        )
        for back, kind in enumerate(reversed(kinds))
    )


def _contact(
    rng: random.Random, country: str, city: str, first_name: str, last_name: str, number: int
) -> tuple[str, ...]:
    """Contact lines that only a downloaded CV shows: numbers reserved for fiction."""
    n = rng.randint(1, 180)
    line = {
        "FR": (f"06 39 98 {number // 100 % 100:02d} {number % 100:02d}", f"{rng.randint(10, 95)}000 {city}"),
        "GB": (f"07700 900{number % 1000:03d}", f"{city} ZZ1 {number % 10}ZZ"),
        "US": (f"(202) 555-01{number % 100:02d}", f"{city}, US {rng.randint(10000, 99950)}"),
    }[country]
    slug = f"{reference.slugify(first_name)}.{reference.slugify(last_name)}.{number}"
    return (
        STREETS[country].format(n=n),
        line[1],
        line[0],
        f"{slug}@people.example",
        f"www.{slug.replace('.', '-')}.example",
    )
