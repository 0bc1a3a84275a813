"""Reading the candidates' forms into what the services take. No rule is decided here.

What cannot be read at all (a date that is none) comes back as faults beside the rest, so that the
page marks every field at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from marketplace import reference
from marketplace.candidates.profiles import ProfileInput, Right
from marketplace.catalogues import N_
from marketplace.errors import FieldError
from marketplace.web.portal import FormData

_SEPARATORS = re.compile(r"[,;\n]")


@dataclass(frozen=True)
class ProfileForm:
    """A posted profile with what of it could not be read."""

    profile: ProfileInput
    faults: tuple[FieldError, ...]


def read_profile(form: FormData) -> ProfileForm:
    """Return the profile of the form ``/candidate/profile``."""
    faults: list[FieldError] = []
    rights = []
    for country in reference.TERRITORY:
        right = form.text(f"right_{country}")
        until = _read_date(form, f"right_until_{country}", faults)
        if right or until:
            rights.append(Right(country, right, until))
    return ProfileForm(
        ProfileInput(
            country=form.text("country") or None,
            region=form.text("region") or None,
            job_fields=form.values_of("job_fields"),
            start_on=_read_date(form, "start_on", faults),
            start_month=form.text("start_month") or None,
            flex_weeks=_read_number(form, "flex_weeks", faults) or 0,
            headline=form.text("headline"),
            skills=form.values_of("skills"),
            other_skills=_SEPARATORS.split(form.text("other_skills")),
            languages=form.values_of("languages"),
            education_level=_read_number(form, "education_level", faults),
            current_employer=form.text("current_employer") or None,
            right_to_work=rights,
        ),
        tuple(faults),
    )


def _read_date(form: FormData, name: str, faults: list[FieldError]) -> date | None:
    text = form.text(name)
    day = _date(text)
    if text and day is None:
        faults.append(FieldError(name, "not_a_date", N_("Enter a date: year, month and day.")))
    return day


def _read_number(form: FormData, name: str, faults: list[FieldError]) -> int | None:
    text = form.text(name)
    if not text:
        return None
    if re.fullmatch(r"[0-9]{1,3}", text) is None:
        faults.append(FieldError(name, "not_a_number", N_("Enter a whole number.")))
        return None
    return int(text)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
