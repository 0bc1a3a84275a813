"""Credible people who do not exist: the same ones every time for the same seed and day.

A persona is made from the reference tables (regions, job fields, skills with their synonyms) and
small word lists. Nothing here touches the database; ``sample_data.py`` walks each persona through
the real services.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from marketplace import reference
from marketplace.demo.resumes import Resume, sample_words, write_resume
from marketplace.periods import add_months

SEED = 2026

FIRST_NAMES = sample_words()["first_names"]
LAST_NAMES = sample_words()["last_names"]
LANGUAGES = {"FR": ["fr"], "GB": ["en"], "US": ["en"]}
OTHER_LANGUAGES = sample_words()["other_languages"]
SHARES = (("FR", 0.5), ("GB", 0.27), ("US", 0.23))
BUSY_FIELDS = (
    "development",
    "data-ai",
    "marketing-communication",
    "sales",
    "human-resources",
    "systems-networks",
)


@dataclass(frozen=True)
class Persona:
    """A candidate to be: the profile of rules C1 and the resume that becomes a PDF."""

    number: int
    first_name: str
    last_name: str
    email: str
    birth_date: date
    country: str
    region: str
    city: str
    language: str
    job_fields: tuple[str, ...]
    headline: str
    skills: tuple[str, ...]
    languages: tuple[str, ...]
    education_level: int
    start_day: date
    start_is_month: bool
    start_flex_weeks: int
    rights: tuple[tuple[str, str, date | None], ...]
    opts_in: bool
    layout: int
    resume: Resume

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"


def people(count: int, today: date, *, seed: int = SEED, country: str | None = None) -> Iterator[Persona]:
    """Yield ``count`` personas, the n-th always the same for a seed and a month."""
    for number in range(count):
        yield persona(number, today, seed=seed, country=country)


def persona(number: int, today: date, *, seed: int = SEED, country: str | None = None) -> Persona:
    """Return the persona with this number."""
    rng = random.Random(f"{seed}:{number}")
    home = country or rng.choices([c for c, _ in SHARES], [w for _, w in SHARES])[0]
    first, last = rng.choice(FIRST_NAMES[home]), rng.choice(LAST_NAMES[home])
    region, city = _place(rng, home)
    language = LANGUAGES[home][0] if rng.random() < 0.88 else ("en" if home == "FR" else "fr")
    job_field = rng.choice(BUSY_FIELDS) if rng.random() < 0.6 else rng.choice(list(reference.job_fields()))
    fields = (job_field, *rng.sample([f for f in BUSY_FIELDS if f != job_field], rng.choice((0, 0, 0, 1))))
    skills = _skills(rng, fields)
    birth_date = _birth_date(rng, today)
    start_day, is_month = _start(rng, today)
    level = rng.choices((3, 4, 5, 6, 7, 8), (8, 22, 26, 26, 16, 2))[0]
    spoken = _spoken(rng, language)
    resume = write_resume(
        rng, language=language, country=home, city=city, first_name=first, last_name=last,
        job_field=job_field, skills=skills, spoken=spoken, today=today, number=number,
    )  # fmt: skip
    return Persona(
        number=number,
        first_name=first,
        last_name=last,
        email=f"{reference.slugify(first)}.{reference.slugify(last)}.{number}@people.example",
        birth_date=birth_date,
        country=home,
        region=region,
        city=city,
        language=language,
        job_fields=fields,
        headline=resume.headline,
        skills=skills,
        languages=spoken,
        education_level=level,
        start_day=start_day,
        start_is_month=is_month,
        start_flex_weeks=rng.choice((0, 0, 2, 4, 8)),
        rights=_rights(rng, home, start_day),
        opts_in=rng.random() < 0.94,
        layout=number % 5,
        resume=resume,
    )


def _place(rng: random.Random, country: str) -> tuple[str, str]:
    """Pick a region and a town in it; overseas and thinly peopled ones are rarer, as in life."""
    named = [r for r in reference.regions().values() if r.country == country and r.aliases]
    mainland = [r for r in named if r.group_en != "Overseas France"]
    region = rng.choice(mainland if rng.random() < 0.93 else named)
    if country == "FR" and rng.random() < 0.3:
        region = reference.regions()["FR-IDF"]
    towns = [a for a in region.aliases if a.istitle() or (a[:1].isupper() and not a.isupper() and "-" in a)]
    return region.code, rng.choice(towns or [region.name_en])


def _skills(rng: random.Random, fields: tuple[str, ...]) -> tuple[str, ...]:
    of_fields = [slug for slug, term in reference.skills().items() if term.job_field in fields]
    chosen = rng.sample(of_fields, min(len(of_fields), rng.randint(3, 6)))
    if "development" in fields and "python" not in chosen and rng.random() < 0.45:
        chosen[0] = "python"
    return tuple(dict.fromkeys(chosen))


def _birth_date(rng: random.Random, today: date) -> date:
    years = rng.choices((17, rng.randint(18, 21), rng.randint(22, 27), rng.randint(28, 45)), (3, 50, 37, 10))[
        0
    ]
    return add_months(today, -12 * years) - timedelta(days=rng.randint(20, 330))


def _start(rng: random.Random, today: date) -> tuple[date, bool]:
    month = add_months(today.replace(day=1), rng.choices((1, 2, 4, 7, 10, 11), (6, 14, 22, 10, 40, 8))[0])
    return (month, True) if rng.random() < 0.55 else (month.replace(day=rng.choice((1, 6, 15, 22))), False)


def _spoken(rng: random.Random, language: str) -> tuple[str, ...]:
    others = [code for code in OTHER_LANGUAGES if code != language]
    return (language, *rng.sample(others, rng.choice((1, 1, 2))))


def _rights(rng: random.Random, home: str, start: date) -> tuple[tuple[str, str, date | None], ...]:
    roll = rng.random()
    if roll < 0.82:
        rights: list[tuple[str, str, date | None]] = [(home, "yes", None)]
    elif roll < 0.94:
        rights = [(home, "yes", add_months(start, rng.randint(6, 30)))]
    else:
        rights = [(home, "needs_sponsorship", None)]
    for other in reference.TERRITORY:
        if other != home and rng.random() < 0.12:
            rights.append((other, rng.choice(("yes", "needs_sponsorship", "no")), None))
    return tuple(rights)
