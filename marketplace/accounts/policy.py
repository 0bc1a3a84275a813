"""Pure rules of accounts: who may register, how long a session lives, what must be done first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from marketplace.periods import age_on

CHANGE_PASSWORD = "change_password"  # noqa: S105  (the name of a step, not a secret)
ACCEPT_TERMS = "accept_terms"

EARLIEST_BIRTH_YEAR = 1900
"""A birth date before this year is a slip of the keyboard."""


@dataclass(frozen=True)
class SessionLimits:
    """How long a session may rest and last (security.md S-02)."""

    idle: timedelta
    absolute: timedelta


@dataclass(frozen=True)
class SessionTimes:
    """The facts a session's life depends on."""

    last_seen_at: datetime
    expires_at: datetime


def is_plausible_birth_date(birth_date: date, today: date) -> bool:
    """Tell whether the date can be somebody's birth date at all."""
    return birth_date.year >= EARLIEST_BIRTH_YEAR and birth_date <= today


def is_old_enough(birth_date: date, today: date, minimum_age: int) -> bool:
    """A1: nobody under the minimum age registers; the birthday itself is old enough.

    The day is the UTC day; somebody born on 29 February has their birthday on 1 March in other
    years.
    """
    return age_on(birth_date, today) >= minimum_age


def needs_guardian(birth_date: date, today: date, majority_age: int, *, is_protected: bool) -> bool:
    """A1: minors and people under legal protection stay restricted until the guardian accepts."""
    return is_protected or age_on(birth_date, today) < majority_age


def is_session_live(times: SessionTimes, limits: SessionLimits, now: datetime) -> bool:
    """Tell whether a session is neither past its end nor left alone for too long (S-02)."""
    return now < times.expires_at and now - times.last_seen_at <= limits.idle


def next_step(*, password_is_temporary: bool, documents_outstanding: bool) -> str | None:
    """A2, A3: what a member must do before anything else, the password first; None: nothing."""
    if password_is_temporary:
        return CHANGE_PASSWORD
    return ACCEPT_TERMS if documents_outstanding else None


def suspension_in_force(sanction_id: UUID | None, until: datetime | None, now: datetime) -> UUID | None:
    """E5: return the sanction an account is suspended by at ``now``; at ``until`` itself it is free.

    The clock decides, not the beat that writes the reinstatement down.
    """
    if sanction_id is None or (until is not None and now >= until):
        return None
    return sanction_id
