"""Controlled vocabularies: regions, job fields, skills with synonyms, languages, levels.

The tables in ``data/`` are facts compiled for the project; they are read once and never change
at run time. Labels exist in French and English.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal

Language = Literal["fr", "en"]
Mapping = MappingProxyType

TERRITORY = ("FR", "GB", "US")
"""The countries of the Terms (rules.md, words)."""

FOLDED_COUNTRIES: MappingProxyType[str, str] = MappingProxyType(
    dict.fromkeys(("GP", "MQ", "GF", "RE", "YT", "PM", "BL", "MF", "WF", "PF", "NC", "TF"), "FR")
)
"""Overseas country codes that are France (rules.md, words)."""

US_TERRITORIES = frozenset({"PR", "GU", "VI", "AS", "MP", "UM"})
"""Out, unless a setting says in (rules.md, words)."""

EDUCATION_LEVELS = (3, 4, 5, 6, 7, 8)
"""European Qualifications Framework levels (rules C1)."""


@dataclass(frozen=True)
class Region:
    """A row of ``regions.csv``; ``code`` is the facet value."""

    code: str
    name_en: str
    name_fr: str
    country: str
    group_en: str
    aliases: tuple[str, ...]

    def label(self, language: str) -> str:
        return self.name_fr if language == "fr" else self.name_en


@dataclass(frozen=True)
class JobField:
    """A row of ``fields.csv``: a job field a candidate may look in."""

    code: str
    name_en: str
    name_fr: str
    keywords: tuple[str, ...]

    def label(self, language: str) -> str:
        return self.name_fr if language == "fr" else self.name_en


@dataclass(frozen=True)
class Term:
    """A row of ``skills_synonyms.csv``: a title, skill or tool with its one-way synonyms."""

    slug: str
    job_field: str
    kind: Literal["title", "skill", "tool"]
    term_en: str
    term_fr: str
    synonyms: tuple[str, ...]
    ambiguous: frozenset[str]

    def label(self, language: str) -> str:
        return self.term_fr if language == "fr" else self.term_en


def slugify(words: str) -> str:
    """Return a lower-case ASCII slug; ``C#``, ``C++`` and ``CI/CD`` stay distinct."""
    spelled = words.replace("++", "-plus-plus").replace("#", "-sharp")
    ascii_only = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only.lower()).strip("-")


def _rows(name: str) -> list[dict[str, str]]:
    text = files(__package__).joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _split(cell: str) -> tuple[str, ...]:
    return tuple(part for part in cell.split("|") if part)


@cache
def regions() -> MappingProxyType[str, Region]:
    """Regions of the three countries by code, in table order; US territories left out."""
    return MappingProxyType(
        {
            row["code"]: Region(
                row["code"], row["name_en"], row["name_fr"], row["country"], row["group_en"],
                _split(row["aliases"]),
            )
            for row in _rows("regions.csv")
            if row["iso3166_1_alias"] not in US_TERRITORIES
        }
    )  # fmt: skip


@cache
def job_fields() -> MappingProxyType[str, JobField]:
    """Job fields by code, in table order."""
    return MappingProxyType(
        {
            row["code"]: JobField(row["code"], row["name_en"], row["name_fr"], _split(row["keywords"]))
            for row in _rows("fields.csv")
        }
    )


@cache
def terms() -> tuple[Term, ...]:
    """Every row of the synonym table, titles included."""
    return tuple(
        Term(
            slug=slugify(row["term_en"]),
            job_field=row["field"],
            kind=row["kind"],  # type: ignore[arg-type]  # the table's check is a test
            term_en=row["term_en"],
            term_fr=row["term_fr"],
            synonyms=_split(row["synonyms"]),
            ambiguous=frozenset(_split(row["ambiguous_short_forms"])),
        )
        for row in _rows("skills_synonyms.csv")
    )


@cache
def skills() -> MappingProxyType[str, Term]:
    """The skill facet's vocabulary: rows of kind skill or tool, by slug (rules C1)."""
    return MappingProxyType({term.slug: term for term in terms() if term.kind != "title"})


@cache
def languages() -> MappingProxyType[str, dict[str, str]]:
    """ISO 639-1 codes with their French and English names, from CLDR."""
    from babel import Locale

    names = {lang: Locale(lang).languages for lang in ("en", "fr")}
    return MappingProxyType(
        {
            code: {lang: names[lang].get(code, code) for lang in names}
            for code in sorted(names["en"])
            if re.fullmatch(r"[a-z]{2}", code)
        }
    )


def fold_country(code: str) -> str:
    """Fold an overseas country code into France; other codes come back in capitals unchanged."""
    upper = code.upper()
    return FOLDED_COUNTRIES.get(upper, upper)
