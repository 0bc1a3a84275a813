"""Who may be seen, until when, and who may work where: section G of the rules, once. Pure.

The index document, the re-check after a search and the contact decision all ask here. Numbers of
the Terms come in through :class:`VisibilityNumbers`, which the settings satisfy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from marketplace.candidates.lifecycle import CandidateState
from marketplace.periods import age_on, birthday, month_end, weeks_either_side

NONE_DAY = date(2199, 12, 31)
""""None" as an indexed date (rules G)."""

NEVER = date(1, 1, 1)
"""The last visible day of someone who may not be seen on any."""

FLEX_WEEKS_MAX = 26
"""A start is flexible by 0 to 26 weeks (rules G)."""


class WorkRight(StrEnum):
    """Right to work in one country (rules C1)."""

    YES = "yes"
    NO = "no"
    NEEDS_SPONSORSHIP = "needs_sponsorship"


class VisibilityNumbers(Protocol):
    """The numbers of the Terms these rules need."""

    @property
    def majority_age(self) -> int: ...
    @property
    def hidden_after_start_days(self) -> int: ...


@dataclass(frozen=True)
class Start:
    """When an apprenticeship may start: a day, or a month given by its first day."""

    day: date
    is_month: bool = False
    flex_weeks: int = 0


@dataclass(frozen=True)
class WorkPermit:
    """Right to work in one country, with its inclusive end where it has one."""

    right: WorkRight
    expires_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class VisibilityFacts:
    """Everything that decides whether, where and until when a candidate may be seen."""

    candidate_id: UUID
    key: int
    state: CandidateState
    country: str | None
    start: Start | None
    permits: Mapping[str, WorkPermit]
    birth_date: date
    is_protected: bool
    opted_in_on: date | None
    guardian_consent_until: date | None
    pause_due_on: date | None


def start_on(start: Start) -> date:
    """Return the exact day, or the first of the month (rules G)."""
    return start.day.replace(day=1) if start.is_month else start.day


def start_last(start: Start) -> date:
    """Return the exact day, or the month's last (rules G)."""
    return month_end(start.day) if start.is_month else start.day


def start_month(start: Start) -> str:
    """Return the bucket YYYY-MM of ``start_on``, without flexibility (rules G)."""
    first = start_on(start)
    return f"{first.year:04d}-{first.month:02d}"


def flex_interval(start: Start) -> tuple[date, date]:
    """Return [start_on, start_last] widened by the flexible weeks on both sides (rules G)."""
    return weeks_either_side(start_on(start), start_last(start), start.flex_weeks)


def may_work_until(permit: WorkPermit | None, start: Start) -> date | None:
    """Return the last day of a right to work that covers the start, or None (rules G).

    Only ``yes`` is a right to work; without expiry it ends at :data:`NONE_DAY`; an expiry before
    ``start_on`` is no right at all.
    """
    if permit is None or permit.right is not WorkRight.YES:
        return None
    until = permit.expires_on or NONE_DAY
    return until if until >= start_on(start) else None


def work_permits_until(facts: VisibilityFacts) -> dict[str, date]:
    """Return ``may_work_until`` of every country with a right that covers the start (rules G)."""
    if facts.start is None:
        return {}
    ends = {country: may_work_until(permit, facts.start) for country, permit in facts.permits.items()}
    return {country: until for country, until in ends.items() if until is not None}


def may_work_in(facts: VisibilityFacts, country: str, today: date) -> bool:
    """Return whether this person may work in ``country``, today and at the start (rules G)."""
    until = work_permits_until(facts).get(country)
    return until is not None and until >= today


def needs_guardian(birth_date: date, is_protected: bool, today: date, majority_age: int) -> bool:
    """Return whether this person needs a guardian's consent today (rules A1, C3)."""
    return is_protected or age_on(birth_date, today) < majority_age


def has_guardian_consent(guardian_consent_until: date | None, today: date) -> bool:
    """Return whether a guardian's consent is live today, its end included (rules C3)."""
    return guardian_consent_until is not None and guardian_consent_until >= today


def is_minor(facts: VisibilityFacts, today: date, numbers: VisibilityNumbers) -> bool:
    """Return whether this person is under age today: neither e-mail nor file is given (rules C3)."""
    return age_on(facts.birth_date, today) < numbers.majority_age


def visible_until_on(facts: VisibilityFacts, numbers: VisibilityNumbers) -> date:
    """Return the last day this person may be seen, inclusive (rules G).

    The earliest of: the day before the 18th birthday for an opt-in given under guardian consent
    (it lapses then, and the person is asked, rules C3), the last possible start day plus 60 days,
    the day before a due pause, the end of consent. :data:`NONE_DAY` where none applies,
    :data:`NEVER` where a needed consent is missing; never the permit.
    """
    if facts.opted_in_on is None or facts.start is None:
        return NEVER
    adult_on = birthday(facts.birth_date, numbers.majority_age)
    opted_in_as_minor = facts.opted_in_on < adult_on
    limits = [NONE_DAY, start_last(facts.start) + timedelta(days=numbers.hidden_after_start_days)]
    if opted_in_as_minor:
        limits.append(adult_on - timedelta(days=1))
    if opted_in_as_minor or facts.is_protected:
        limits.append(facts.guardian_consent_until or NEVER)
    if facts.pause_due_on is not None:
        limits.append(facts.pause_due_on - timedelta(days=1))
    return min(limits)


def is_visible(facts: VisibilityFacts, today: date, numbers: VisibilityNumbers) -> bool:
    """Return whether this candidate may be seen at all today (rules C2, C3, D2, G).

    Searchable, resident somewhere, and not past the last visible day. Who asks, from where and
    for which country is the asker's side of the decision.
    """
    if facts.state is not CandidateState.SEARCHABLE or facts.country is None:
        return False
    return visible_until_on(facts, numbers) >= today


def domain_and_parents(domains: Iterable[str]) -> frozenset[str]:
    """Return each domain with every domain above it that has two labels or more (rules C5).

    An exclusion covers its sub-domains, so an asker is excluded when one of these is.
    """
    found: set[str] = set()
    for domain in domains:
        labels = domain.lower().rstrip(".").split(".")
        found.update(".".join(labels[index:]) for index in range(max(1, len(labels) - 1)))
    return frozenset(found)


def lowers_visibility(before: VisibilityFacts, after: VisibilityFacts) -> bool:
    """Return whether this change could hide a person who is listed now (rules G, pending changes).

    A change of state, country, permit, start or consent counts even when it might raise: the id
    stays out of every answer until the index has learnt it.
    """
    if before.state is not CandidateState.SEARCHABLE:
        return False
    return before != after
