"""Checks of what recruiters say of their work and their company (B1). Nothing is stored here.

Each check returns the value as it is stored and adds what is wrong with it to the caller's faults,
so that they are told all at once.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from marketplace.accounts.field_checks import tidy
from marketplace.catalogues import N_
from marketplace.errors import FieldError
from marketplace.recruiters.policy import normalised_registration_number, territory_of
from marketplace.settings import Settings

COMPANY_KINDS = ("private", "public")
NAME_MAX_LENGTH = 200
JOB_TITLE_MAX_LENGTH = 120

NUMBER_FAULTS = {
    "FR": N_("This is no SIREN or SIRET number: check its digits."),
    "GB": N_("This is no company number as Companies House gives them (for example 01234567 or SC123456)."),
    "US": N_("This is no Employer Identification Number (for example 12-3456789)."),
}
REQUIRED = N_("Please fill in this field.")
TOO_LONG = N_("Use at most %(maximum)s characters.")
UNREADABLE = N_("Some of these characters cannot be used here.")
OUTSIDE_TERRITORY = N_("Choose France, the United Kingdom or the United States.")


@dataclass(frozen=True, kw_only=True)
class CompanyGiven:
    """The employer as a recruiter names it (B1)."""

    name: str
    country: str
    kind: str = "private"
    registration_number: str | None = None
    on_behalf: bool = False


def company_fields(
    given: CompanyGiven, country: str | None, prefix: str, faults: list[FieldError]
) -> tuple[str, str | None]:
    """Check name, kind and registration number of an employer in ``country``; return name and number."""
    name = text_field(f"{prefix}name", given.name, NAME_MAX_LENGTH, faults)
    if given.kind not in COMPANY_KINDS:
        faults.append(FieldError(f"{prefix}kind", "unknown_kind", N_("Choose private or public employer.")))
    typed = (given.registration_number or "").strip()
    number = normalised_registration_number(country, typed) if country and typed else None
    if country and typed and number is None:
        faults.append(FieldError(f"{prefix}registration_number", "invalid_number", NUMBER_FAULTS[country]))
    return name, number


def territory(settings: Settings, field: str, code: str, faults: list[FieldError]) -> str | None:
    """Check a country where people may work (B1); None outside of the territory."""
    country = territory_of(code, with_us_territories=settings.us_territories)
    if country is None:
        faults.append(FieldError(field, "outside_territory", OUTSIDE_TERRITORY))
    return country


def text_field(field: str, value: str, maximum: int, faults: list[FieldError]) -> str:
    """Check a line of text that must be given."""
    text = tidy(value)
    if not text:
        faults.append(FieldError(field, "required", REQUIRED))
    elif len(text) > maximum:
        faults.append(FieldError(field, "too_long", TOO_LONG, (("maximum", maximum),)))
    elif any(unicodedata.category(mark)[0] == "C" for mark in text):
        faults.append(FieldError(field, "unreadable", UNREADABLE))
    return text
