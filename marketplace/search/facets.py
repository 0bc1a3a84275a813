"""The facets as data: one definition gives form, query, aggregation, page and API (rules D1, G).

OR inside a facet, AND across; each is counted with every filter but its own; selected values are
always listed. A value outside its vocabulary is wrong input, a known one without a match counts 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache

from babel.dates import format_date

from marketplace import reference
from marketplace.catalogues import N_
from marketplace.search.query import Bucket, FacetResult

_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")

_LEVELS: Mapping[int, tuple[str, str]] = {
    3: ("Level 3 (lower secondary, vocational)", "Niveau 3 (CAP, BEP)"),
    4: ("Level 4 (A levels, high school diploma)", "Niveau 4 (bac)"),
    5: ("Level 5 (short cycle, associate degree)", "Niveau 5 (bac +2 : BTS, DEUST)"),
    6: ("Level 6 (bachelor’s degree)", "Niveau 6 (bac +3 : licence, BUT)"),
    7: ("Level 7 (master’s degree)", "Niveau 7 (bac +5 : master, ingénieur)"),
    8: ("Level 8 (doctorate)", "Niveau 8 (doctorat)"),
}


class Order(StrEnum):
    """How the buckets of a facet are listed."""

    COUNT = "count"
    """The fullest first, then by value."""
    VALUE = "value"
    """By value, where the values have an order of their own."""


@dataclass(frozen=True)
class Facet:
    """One facet. ``name`` is the query parameter, ``field`` the document's field.

    ``title`` is a key of the catalogues.
    """

    name: str
    field: str
    title: str
    order: Order
    accepts: Callable[[str], bool]
    label: Callable[[str, str], str]
    choices: Callable[[], tuple[str, ...]]


def _level_label(value: str, language: str) -> str:
    english, french = _LEVELS[int(value)]
    return french if language == "fr" else english


def _is_month(value: str) -> bool:
    return _MONTH.fullmatch(value) is not None and value.isascii()


@cache
def _month_label(value: str, language: str) -> str:
    year, month = value.split("-")
    return format_date(date(int(year), int(month), 1), "MMMM y", locale=language)


FACETS: Mapping[str, Facet] = {
    facet.name: facet
    for facet in (
        Facet(
            "region", "region", N_("Region"), Order.COUNT,
            accepts=lambda value: value in reference.regions(),
            label=lambda value, language: reference.regions()[value].label(language),
            choices=lambda: tuple(reference.regions()),
        ),
        Facet(
            "job_field", "job_fields", N_("Job field"), Order.COUNT,
            accepts=lambda value: value in reference.job_fields(),
            label=lambda value, language: reference.job_fields()[value].label(language),
            choices=lambda: tuple(reference.job_fields()),
        ),
        Facet(
            "start_month", "start_month", N_("Start month"), Order.VALUE,
            accepts=_is_month,
            label=_month_label,
            choices=lambda: (),
        ),
        Facet(
            "skill", "skills", N_("Skills"), Order.COUNT,
            accepts=lambda value: value in reference.skills(),
            label=lambda value, language: reference.skills()[value].label(language),
            choices=lambda: tuple(reference.skills()),
        ),
        Facet(
            "language", "languages", N_("Languages"), Order.COUNT,
            accepts=lambda value: value in reference.languages(),
            label=lambda value, language: reference.languages()[value][language],
            choices=lambda: tuple(reference.languages()),
        ),
        Facet(
            "education_level", "education_level", N_("Education level"), Order.VALUE,
            accepts=lambda value: value in {str(level) for level in reference.EDUCATION_LEVELS},
            label=_level_label,
            choices=lambda: tuple(str(level) for level in reference.EDUCATION_LEVELS),
        ),
    )
}  # fmt: skip
"""Every facet by its query parameter."""


def result(facet: Facet, counts: Mapping[str, int], selected: Iterable[str]) -> FacetResult:
    """Return the listed buckets: what was counted and what is selected, in the facet's order."""
    chosen = frozenset(selected)
    values = {value for value, count in counts.items() if count > 0} | chosen
    buckets = [Bucket(value, counts.get(value, 0), value in chosen) for value in values]
    if facet.order is Order.COUNT:
        buckets.sort(key=lambda bucket: (-bucket.count, bucket.value))
    else:
        buckets.sort(key=lambda bucket: bucket.value)
    return FacetResult(facet.name, tuple(buckets))
