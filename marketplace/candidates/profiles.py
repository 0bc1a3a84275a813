"""The profile of rules C1: what a candidate writes, checked whole, then stored.

Every fault is collected, so that a form comes back with all its fields marked; nothing is stored
unless all of it is right. The CV is ``cvs.py``'s, the opt-in ``services.py``'s.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from marketplace import reference
from marketplace.candidates import changes, cvs
from marketplace.candidates.lifecycle import CandidateState, Missing, missing_for_opt_in
from marketplace.candidates.models import RightToWork
from marketplace.candidates.policy import FLEX_WEEKS_MAX, NONE_DAY, WorkRight
from marketplace.candidates.scrubbing import scrub
from marketplace.catalogues import N_
from marketplace.errors import FieldError, InvalidInputError
from marketplace.periods import add_years
from marketplace.settings import Settings

HEADLINE_MAX = 200
EMPLOYER_MAX = 200
SKILLS_MAX = 60
OTHER_SKILLS_MAX = 30
OTHER_SKILL_LENGTH = 60
LANGUAGES_MAX = 20
START_YEARS_BACK = 1
START_YEARS_AHEAD = 5


@dataclass(frozen=True)
class Right:
    """Right to work in one country, as the candidate states it."""

    country: str
    right: str
    expires_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class ProfileInput:
    """The fields of rules C1 as they come in; an absent one empties what was there."""

    country: str | None = None
    region: str | None = None
    job_fields: Sequence[str] = ()
    start_on: date | None = None
    start_month: str | None = None
    flex_weeks: int = 0
    headline: str = ""
    skills: Sequence[str] = ()
    other_skills: Sequence[str] = ()
    languages: Sequence[str] = ()
    education_level: int | None = None
    current_employer: str | None = None
    right_to_work: Sequence[Right] = ()


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A candidate's own view of the profile, with what keeps it from being searchable."""

    candidate_id: UUID
    state: CandidateState
    missing: tuple[Missing, ...]
    is_opted_in: bool
    country: str | None
    region: str | None
    job_fields: tuple[str, ...]
    start_on: date | None
    start_month: str | None
    flex_weeks: int
    headline: str
    headline_scrubbed: str
    skills: tuple[str, ...]
    other_skills: tuple[str, ...]
    languages: tuple[str, ...]
    education_level: int | None
    current_employer: str | None
    right_to_work: tuple[Right, ...]
    confirmed_at: datetime


@dataclass
class _Checked:
    """The faults found so far, and the values found good."""

    faults: list[FieldError] = field(default_factory=list)

    def fault(self, name: str, code: str, message: str, **values: str | int) -> None:
        self.faults.append(FieldError(name, code, message, tuple(values.items())))


def own_profile(session: Session, now: datetime, settings: Settings, account_id: UUID) -> Profile:
    """Return the candidate's own profile (rules A7, C1); raises :class:`NotFoundError`."""
    subject = changes.look(session, account_id)
    candidate = subject.candidate
    facts = changes.facts_of(session, now, subject, settings.majority_age)
    rights = session.scalars(select(RightToWork).where(RightToWork.candidate_id == candidate.id))
    by_country = {right.country: right for right in rights}
    start = candidate.start_day
    return Profile(
        candidate_id=candidate.id,
        state=subject.state,
        missing=missing_for_opt_in(facts),
        is_opted_in=candidate.opted_in_at is not None,
        country=candidate.country,
        region=candidate.region,
        job_fields=tuple(candidate.job_fields),
        start_on=None if candidate.start_is_month else start,
        start_month=f"{start:%Y-%m}" if start is not None and candidate.start_is_month else None,
        flex_weeks=candidate.start_flex_weeks,
        headline=candidate.headline,
        headline_scrubbed=candidate.headline_scrubbed,
        skills=tuple(candidate.skills),
        other_skills=tuple(candidate.other_skills),
        languages=tuple(candidate.languages),
        education_level=candidate.education_level,
        current_employer=candidate.current_employer,
        right_to_work=tuple(
            Right(country, WorkRight(by_country[country].right).value, by_country[country].expires_on)
            for country in reference.TERRITORY
            if country in by_country
        ),
        confirmed_at=candidate.profile_confirmed_at,
    )


def update_profile(
    session: Session,
    now: datetime,
    settings: Settings,
    account_id: UUID,
    profile: ProfileInput,
    *,
    other_faults: Iterable[FieldError] = (),
) -> Profile:
    """Store a whole profile (rules C1) and the state that follows from it (rules C7).

    Saving confirms the profile (``fresh_on``). ``other_faults`` are what the form itself could not
    read, told together with these. Raises :class:`InvalidInputError` with every fault,
    :class:`ConflictError` when the account is closed for changes.
    """
    subject = changes.lock(session, account_id)
    changes.require_open(subject)
    candidate = subject.candidate
    checked = _Checked(list(other_faults))
    candidate_values = {
        **_residence(profile, checked),
        **_start(profile, checked, now.date()),
        **_words(profile, checked, subject.person.names),
        "job_fields": _known(profile.job_fields, reference.job_fields(), "job_fields", checked),
        "languages": _languages(profile.languages, checked),
        "education_level": _level(profile.education_level, checked),
    }
    rights = _rights(profile.right_to_work, checked)
    if checked.faults:
        raise InvalidInputError(checked.faults)
    for name, value in candidate_values.items():
        setattr(candidate, name, value)
    candidate.profile_confirmed_at = candidate.last_sign_of_life_at = now
    session.execute(delete(RightToWork).where(RightToWork.candidate_id == candidate.id))
    session.add_all(
        RightToWork(
            candidate_id=candidate.id,
            country=right.country,
            right=WorkRight(right.right),
            expires_on=right.expires_on,
        )
        for right in rights
    )
    changes.settle(session, now, subject, settings.majority_age)
    changes.conclude(session, now, subject, "profile.updated", "C1")
    return own_profile(session, now, settings, account_id)


def rescrub(session: Session, now: datetime, account_id: UUID) -> None:
    """Scrub headline and CV anew after the person's names changed (rules C4)."""
    subject = changes.lock(session, account_id)
    candidate = subject.candidate
    candidate.headline_scrubbed = scrub(candidate.headline, subject.person.names)
    candidate.other_skills = _scrubbed(candidate.other_skills, subject.person.names)
    cvs.rescrub(session, subject)
    changes.conclude(session, now, subject, "profile.rescrubbed", "C4")


def clean(text: str) -> str:
    """Return one line of text: composed, without control characters, blanks joined."""
    composed = unicodedata.normalize("NFC", text)
    kept = (
        " " if unicodedata.category(character) == "Cc" else character
        for character in composed
        if unicodedata.category(character) not in {"Cs", "Co", "Cn"}
    )
    return " ".join("".join(kept).split())


def _residence(profile: ProfileInput, checked: _Checked) -> dict[str, str | None]:
    country = reference.fold_country(profile.country) if profile.country else None
    if country is not None and country not in reference.TERRITORY:
        checked.fault(
            "country", "outside_territory",
            N_("Choose France, the United Kingdom or the United States: the marketplace serves these only."),
        )  # fmt: skip
        return {}
    region = profile.region or None
    if region is None:
        return {"country": country, "region": None}
    known = reference.regions().get(region)
    if known is None:
        checked.fault("region", "unknown_region", N_("Choose a region of the list."))
    elif known.country != country:
        checked.fault("region", "region_elsewhere", N_("This region is not in the country you chose."))
    return {"country": country, "region": region}


def _start(profile: ProfileInput, checked: _Checked, today: date) -> dict[str, object]:
    day, is_month = profile.start_on, False
    if profile.start_month:
        month = _month(profile.start_month)
        if month is None:
            checked.fault(
                "start_month", "not_a_month", N_("Write the month as year and month, like 2027-09.")
            )
        elif day is None:
            day, is_month = month, True
        elif (day.year, day.month) != (month.year, month.month):
            checked.fault(
                "start_month", "two_starts", N_("Give a day or a month, or a day that lies in the month.")
            )
    field_name = "start_month" if is_month else "start_on"
    if day is not None and not (
        add_years(today, -START_YEARS_BACK) <= day <= add_years(today, START_YEARS_AHEAD)
    ):
        checked.fault(
            field_name, "start_too_far", N_("Choose a start in the coming %(years)s years."),
            years=START_YEARS_AHEAD,
        )  # fmt: skip
    if not 0 <= profile.flex_weeks <= FLEX_WEEKS_MAX:
        checked.fault(
            "flex_weeks", "out_of_range", N_("The start can move by 0 to %(weeks)s weeks."),
            weeks=FLEX_WEEKS_MAX,
        )  # fmt: skip
    return {
        "start_day": day,
        "start_is_month": is_month,
        "start_flex_weeks": profile.flex_weeks,
    }


def _month(text: str) -> date | None:
    match = re.fullmatch(r"([12][0-9]{3})-(0[1-9]|1[0-2])", text)
    return date(int(match[1]), int(match[2]), 1) if match else None


def _words(profile: ProfileInput, checked: _Checked, names: tuple[str, str]) -> dict[str, object]:
    headline = clean(profile.headline)
    if len(headline) > HEADLINE_MAX:
        checked.fault("headline", "too_long", N_("At most %(limit)s characters."), limit=HEADLINE_MAX)
    employer = clean(profile.current_employer or "")
    if len(employer) > EMPLOYER_MAX:
        checked.fault("current_employer", "too_long", N_("At most %(limit)s characters."), limit=EMPLOYER_MAX)
    slugs, others = sort_skills([*profile.skills, *profile.other_skills])
    others = _scrubbed(others, names)
    if len(slugs) > SKILLS_MAX:
        checked.fault("skills", "too_many", N_("Choose at most %(limit)s."), limit=SKILLS_MAX)
    if len(others) > OTHER_SKILLS_MAX:
        checked.fault("other_skills", "too_many", N_("Write at most %(limit)s."), limit=OTHER_SKILLS_MAX)
    if any(len(word) > OTHER_SKILL_LENGTH for word in others):
        checked.fault(
            "other_skills", "too_long", N_("At most %(limit)s characters each."), limit=OTHER_SKILL_LENGTH
        )
    return {
        "headline": headline,
        "headline_scrubbed": scrub(headline, names)[:HEADLINE_MAX],
        "current_employer": employer or None,
        "skills": slugs,
        "other_skills": others,
    }


def _scrubbed(words: Iterable[str], names: tuple[str, str]) -> list[str]:
    """Return the words that still say something once scrubbed: they are indexed and listed (C4)."""
    kept = (scrub(word, names).strip() for word in words)
    return list(dict.fromkeys(word for word in kept if any(map(str.isalnum, word))))


def sort_skills(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return known skills as slugs and the other words as text, each once, in the order given (C1).

    A word is known by its slug or by its label in either language.
    """
    known = reference.skills()
    by_label = {
        label.casefold(): slug for slug, term in known.items() for label in (term.term_en, term.term_fr)
    }
    slugs: dict[str, None] = {}
    others: dict[str, str] = {}
    for raw in words:
        word = clean(raw)
        if not word:
            continue
        slug = word if word in known else by_label.get(word.casefold())
        if slug is None:
            others.setdefault(word.casefold(), word)
        else:
            slugs[slug] = None
    return list(slugs), list(others.values())


def _known(codes: Sequence[str], vocabulary: Iterable[str], name: str, checked: _Checked) -> list[str]:
    chosen = list(dict.fromkeys(codes))
    if not set(chosen) <= set(vocabulary):
        checked.fault(name, "unknown_value", N_("Choose from the list."))
    return chosen


def _languages(codes: Sequence[str], checked: _Checked) -> list[str]:
    chosen = _known([code.lower() for code in codes], reference.languages(), "languages", checked)
    if len(chosen) > LANGUAGES_MAX:
        checked.fault("languages", "too_many", N_("Choose at most %(limit)s."), limit=LANGUAGES_MAX)
    return chosen


def _level(level: int | None, checked: _Checked) -> int | None:
    if level is not None and level not in reference.EDUCATION_LEVELS:
        checked.fault("education_level", "unknown_value", N_("Choose from the list."))
    return level


def _rights(rights: Sequence[Right], checked: _Checked) -> list[Right]:
    good: list[Right] = []
    for given in rights:
        country = reference.fold_country(given.country)
        name = f"right_to_work.{country}"
        if country not in reference.TERRITORY:
            checked.fault(
                "right_to_work",
                "outside_territory",
                N_("State it for France, the United Kingdom or the United States."),
            )
        elif given.right not in list(WorkRight):
            checked.fault(name, "unknown_value", N_("Choose from the list."))
        elif given.expires_on is not None and given.right != WorkRight.YES:
            checked.fault(
                name,
                "expiry_without_right",
                N_("Only a right to work has an end date. Leave the date empty."),
            )
        elif given.expires_on is not None and given.expires_on >= NONE_DAY:
            checked.fault(name, "too_late", N_("Leave the date empty if your right to work does not end."))
        elif any(country == other.country for other in good):
            checked.fault(name, "stated_twice", N_("State it once for each country."))
        else:
            good.append(Right(country, given.right, given.expires_on))
    return good
