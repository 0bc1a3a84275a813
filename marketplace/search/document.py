"""What the index knows of a candidate, and how each field is indexed, stated once for every engine.

Nobody who may not be seen is in an index at all (security.md P-05); what time alone changes is in
the document as days, so that midnight needs no write (rules G).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from struct import Struct
from uuid import UUID

from marketplace.reference import TERRITORY
from marketplace.search import analysis

KEY_BITS = 38
"""Room for the key in the composite sort keys: 2**38 candidates."""

_NEWEST = 30_000_000
"""Above every day number, below 2**25, so that a composite sort key stays below 2**63."""

_HALVES = Struct(">qq")

Value = str | int | list[str]


class Kind(StrEnum):
    """How a field is indexed."""

    KEYWORD = "keyword"
    """Exact values, one or more: filtered and counted."""
    NUMBER = "number"
    """Integers: filtered by range, sorted, read back."""
    TEXT = "text"
    """The output of ``analysis.indexed``: positions separated by blanks, alternatives by ``|``."""


@dataclass(frozen=True)
class Field:
    """One field of the index. ``boost`` is the weight of a text field; 0 is for the typo fallback only."""

    name: str
    kind: Kind
    boost: float = 0.0
    stemming: str = ""


@dataclass(frozen=True, kw_only=True)
class CandidateDocument:
    """The public half of a candidate, by country of residence (design.md, decision 5).

    Days are YYYYMMDD, "none" is 21991231. ``may_work_until`` holds a country only when the right is
    ``yes`` and lasts to ``start_on`` (rules G). Texts are the scrubbed ones (rules C4).
    """

    key: int
    candidate_id: UUID
    version: int
    country: str
    region: str
    job_fields: tuple[str, ...]
    start_month: str
    start_on: int
    start_last: int
    flex_from: int
    flex_to: int
    skills: tuple[str, ...]
    languages: tuple[str, ...]
    education_level: int | None
    fresh_on: int
    visible_until_on: int
    may_work_until: Mapping[str, int]
    headline: str
    skills_text: str
    cv_text: str


TEXTS: Mapping[str, float] = {"headline": 3.0, "skills_text": 2.0, "cv_text": 1.0}
"""The searched texts and what a word in each weighs."""

STEMMINGS = ("fr", "en")
"""Both are filled in every document: CVs mix languages, and guesses are shaky (facts/pdf-text.md, 9)."""

SPELLINGS = "spellings"
"""Every unstemmed word of a document, for the typo fallback alone."""


def text_field(name: str, stemming: str) -> str:
    """Return the name of the indexed field of a text in one stemming."""
    return f"{name}_{stemming}"


def permit_field(job_country: str) -> str:
    """Return the field of the last day a candidate may work in ``job_country``."""
    return f"may_work_until_{job_country.lower()}"


SCHEMA: tuple[Field, ...] = (
    Field("key", Kind.NUMBER),
    Field("id_high", Kind.NUMBER),
    Field("id_low", Kind.NUMBER),
    Field("version", Kind.NUMBER),
    Field("region", Kind.KEYWORD),
    Field("job_fields", Kind.KEYWORD),
    Field("start_month", Kind.KEYWORD),
    Field("skills", Kind.KEYWORD),
    Field("languages", Kind.KEYWORD),
    Field("education_level", Kind.KEYWORD),
    Field("start_on", Kind.NUMBER),
    Field("start_last", Kind.NUMBER),
    Field("flex_from", Kind.NUMBER),
    Field("flex_to", Kind.NUMBER),
    Field("visible_until_on", Kind.NUMBER),
    *(Field(permit_field(country), Kind.NUMBER) for country in TERRITORY),
    Field("order_fresh", Kind.NUMBER),
    Field("order_start", Kind.NUMBER),
    *(
        Field(text_field(name, stemming), Kind.TEXT, boost, stemming)
        for name, boost in TEXTS.items()
        for stemming in STEMMINGS
    ),
    Field(SPELLINGS, Kind.TEXT),
)


def order_fresh(fresh_on: int, key: int) -> int:
    """Return the sort key "newest profile first, then key", ascending and unique (rules G)."""
    return (_NEWEST - fresh_on) << KEY_BITS | key


def order_start(start_on: int, key: int) -> int:
    """Return the sort key "earliest start first, then key", ascending and unique (rules G)."""
    return start_on << KEY_BITS | key


def split_id(candidate_id: UUID) -> tuple[int, int]:
    """Return the two signed halves of an id: engines read columns of 64-bit integers fastest."""
    high, low = _HALVES.unpack(candidate_id.bytes)
    return high, low


def join_id(high: int, low: int) -> UUID:
    """Return the id of two halves; the inverse of :func:`split_id`."""
    return UUID(bytes=_HALVES.pack(high, low))


def flatten(document: CandidateDocument) -> dict[str, Value]:
    """Return the value of every field of :data:`SCHEMA` the document has, texts analysed."""
    high, low = split_id(document.candidate_id)
    flat: dict[str, Value] = {
        "key": document.key,
        "id_high": high,
        "id_low": low,
        "version": document.version,
        "region": document.region,
        "job_fields": list(document.job_fields),
        "start_month": document.start_month,
        "skills": list(document.skills),
        "languages": list(document.languages),
        "start_on": document.start_on,
        "start_last": document.start_last,
        "flex_from": document.flex_from,
        "flex_to": document.flex_to,
        "visible_until_on": document.visible_until_on,
        "order_fresh": order_fresh(document.fresh_on, document.key),
        "order_start": order_start(document.start_on, document.key),
    }
    if document.education_level is not None:
        flat["education_level"] = str(document.education_level)
    for country in TERRITORY:
        if country in document.may_work_until:
            flat[permit_field(country)] = document.may_work_until[country]
    spellings: list[str] = []
    for name in TEXTS:
        text = analysis.indexed(getattr(document, name))
        flat[text_field(name, "fr")] = text.fr
        flat[text_field(name, "en")] = text.en
        spellings.append(text.plain)
    flat[SPELLINGS] = " ".join(spellings)
    return flat


def fingerprint() -> str:
    """Return what changes whenever a stored index no longer fits this code: fields or analysis."""
    stated = repr(SCHEMA) + analysis.fingerprint()
    return hashlib.sha256(stated.encode()).hexdigest()[:16]
