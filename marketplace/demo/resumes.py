"""What the sample CVs say: sections of French or English sentences from the reference tables.

The words are chosen, not copied: skills appear under their own name or one of their synonyms, so
that search has something to understand. A resume is data; ``cv_layouts.py`` draws it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date

from marketplace import reference

COMPANIES = {
    "FR": ("Atelier Lumen", "Coopérative du Port", "Novalis Conseil", "Maison Ferrand", "Groupe Estérel",
           "Hexa Logiciels", "Clinique des Tilleuls", "Rivages Énergie", "Mairie de Valmont", "Transports Garonne"),
    "GB": ("Harbour & Pike", "Northgate Systems", "Fenwick Analytics", "Larkfield Care", "Tideway Energy",
           "Oakhurst Retail", "Millbrook Council", "Penrose Engineering", "Calder Logistics", "Bluebell Studios"),
    "US": ("Cedar Ridge Labs", "Lakeshore Partners", "Summit Trail Outfitters", "Bayou Health", "Redwood Freight",
           "Prairie Analytics", "Granite City Works", "Blue Mesa Energy", "Pinecrest School", "Harborview Media"),
}  # fmt: skip
SCHOOLS = {
    "fr": ("Lycée Jean-Moulin", "IUT de {city}", "CFA des Métiers de {city}", "Université de {city}", "École Vauban"),
    "en": ("{city} College", "{city} Technical Institute", "Riverside Sixth Form", "University of {city}",
           "Elm Street High School"),
}  # fmt: skip
STREETS = {
    "FR": "{n} rue des Acacias", "GB": "{n} Chestnut Road", "US": "{n} Maple Street",
}  # fmt: skip

DID = {
    "fr": (
        "Mise en place de {a} pour une équipe de {n} personnes, en lien avec {b}.",
        "Participation à un projet de {a} : recueil du besoin, réalisation, tests et documentation.",
        "Prise en main de {a} et de {b} ; gain de temps estimé à {p} % pour le service.",
        "Suivi quotidien de {a}, rédaction de procédures et accompagnement des utilisateurs.",
        "Création d'un tableau de suivi autour de {a}, présenté chaque semaine au responsable.",
        "Amélioration continue de {a} avec la méthode agile ; {n} livraisons en six mois.",
        "Soutien à l'équipe sur {b}, puis responsabilité d'un lot consacré à {a}.",
        "Veille et formation interne sur {a} ; animation de {n} ateliers.",
    ),
    "en": (
        "Set up {a} for a team of {n}, working closely with colleagues in charge of {b}.",
        "Took part in a {a} project: gathering needs, building, testing and writing the documentation.",
        "Learned {a} and {b} on the job; saved the department an estimated {p} % of its time.",
        "Looked after {a} every day, wrote procedures and helped users.",
        "Built a weekly report on {a} and presented it to the manager.",
        "Improved {a} step by step in an agile team; {n} releases in six months.",
        "Supported the team on {b}, then took charge of a work package on {a}.",
        "Kept up to date on {a} and ran {n} workshops for colleagues.",
    ),
}
ABOUT = {
    "fr": (
        "Curieux et rigoureux, je cherche une alternance pour apprendre le métier de {title} au contact du terrain. "
        "Mes projets m'ont donné le goût de {a} et de {b}.",
        "Après une première expérience, je souhaite devenir {title}. J'aime travailler en équipe, expliquer ce que "
        "je fais et progresser sur {a}.",
        "Je prépare une reconversion vers le métier de {title}. Autonome, à l'écoute, je pratique {a} et {b} "
        "depuis plusieurs mois.",
    ),
    "en": (
        "Curious and careful, looking for an apprenticeship to learn the work of a {title} on the job. My projects "
        "gave me a taste for {a} and {b}.",
        "After a first experience I want to become a {title}. I like working in a team, explaining what I do and "
        "getting better at {a}.",
        "Changing career to become a {title}. Independent, a good listener, practising {a} and {b} for several "
        "months now.",
    ),
}
HOBBIES = {
    "fr": (
        "randonnée",
        "photographie",
        "bénévolat",
        "cuisine",
        "jeux de société",
        "escalade",
        "théâtre",
        "chorale",
    ),
    "en": ("hiking", "photography", "volunteering", "cooking", "board games", "climbing", "theatre", "choir"),
}
WORDS = {
    "fr": {"about": "Profil", "experience": "Expériences", "education": "Formation", "skills": "Compétences",
           "projects": "Projets", "languages": "Langues", "hobbies": "Centres d'intérêt", "seeks": "{title} en alternance",
           "intern": "Stagiaire", "assistant": "Assistant", "project": "Projet {a}", "present": "aujourd'hui",
           "bac": "Baccalauréat", "higher": "BTS", "bachelor": "Licence", "hourly": "Employé saisonnier"},
    "en": {"about": "Profile", "experience": "Experience", "education": "Education", "skills": "Skills",
           "projects": "Projects", "languages": "Languages", "hobbies": "Interests", "seeks": "{title} apprenticeship",
           "intern": "Intern", "assistant": "Assistant", "project": "{a} project", "present": "present",
           "bac": "A levels", "higher": "Higher diploma", "bachelor": "Bachelor's degree", "hourly": "Seasonal worker"},
}  # fmt: skip
AMERICAN = {"bac": "High school diploma", "higher": "Associate degree"}


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
    kinds = ["bac"] + rng.choice(([], ["higher"], ["higher"], ["bachelor"], ["higher", "bachelor"]))
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
