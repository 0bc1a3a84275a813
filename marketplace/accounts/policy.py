"""Pure rules of accounts: who may register, how long a session lives, when one may try to sign in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from marketplace.periods import age_on

CHANGE_PASSWORD = "change_password"  # noqa: S105  (the name of a step, not a secret)
ACCEPT_TERMS = "accept_terms"

EARLIEST_BIRTH_YEAR = 1900
"""A birth date before this year is a slip of the keyboard."""

DAY = timedelta(days=1)
DOUBLINGS = 30
"""Of the delay between attempts; more would leave the calendar, and the longest delay came long before."""


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


@dataclass(frozen=True, kw_only=True)
class SignInLimits:
    """How often one address may be tried (security.md A-04)."""

    free: int
    first_delay: timedelta
    longest_delay: timedelta
    a_day: int
    lock_after: int
    lock: timedelta
    disable_after: int
    keep_locked: timedelta


@dataclass(frozen=True)
class Failures:
    """The failed attempts of one address: those in a row, and each of the last 24 hours, oldest first."""

    in_a_row: int = 0
    last_at: datetime | None = None
    recent: tuple[datetime, ...] = ()


@dataclass(frozen=True)
class Wait:
    """Until when an address waits, and the bound that was met."""

    until: datetime
    limit: int


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


def wait_before_attempt(failures: Failures, limits: SignInLimits, now: datetime) -> Wait | None:
    """Tell how long an address must wait before it may be tried again; None: not at all (A-04).

    The first failures are free, then the delay doubles from attempt to attempt, and from the number
    that locks on it has a floor. A failure exactly 24 hours old no longer counts for the day.
    """
    known = remembered(failures, limits, now)
    waits = []
    if known.last_at is not None and known.in_a_row >= limits.free:
        delay = limits.first_delay * 2 ** min(known.in_a_row - limits.free, DOUBLINGS)
        floor = limits.lock if known.in_a_row >= limits.lock_after else timedelta()
        waits.append(Wait(known.last_at + max(min(delay, limits.longest_delay), floor), limits.free))
    if len(known.recent) >= limits.a_day:
        waits.append(Wait(known.recent[-limits.a_day] + DAY, limits.a_day))
    longest = max(waits, key=lambda wait: wait.until, default=None)
    return longest if longest is not None and now < longest.until else None


def with_failure(failures: Failures, limits: SignInLimits, now: datetime) -> Failures:
    """Return the failures with one more at ``now``; no more of a day are kept than its limit (A-04)."""
    known = remembered(failures, limits, now)
    recent = sorted((*known.recent, now))[-limits.a_day :]
    return Failures(known.in_a_row + 1, max(known.last_at or now, now), tuple(recent))


def with_success(failures: Failures, counted_at: datetime) -> Failures:
    """Return the failures after a success: the attempt counted at its beginning was none (A-04).

    None are in a row any more; what failed within the day stays.
    """
    recent = list(failures.recent)
    if counted_at in recent:
        recent.remove(counted_at)
    return Failures(0, recent[-1] if recent else None, tuple(recent))


def remembered(failures: Failures, limits: SignInLimits, now: datetime) -> Failures:
    """Return what still counts: a day without a failure forgets those in a row, unless they lock."""
    if is_forgotten(failures, limits, now):
        return Failures()
    recent = tuple(at for at in failures.recent if now - at < DAY)
    return Failures(failures.in_a_row, failures.last_at, recent)


def is_forgotten(failures: Failures, limits: SignInLimits, now: datetime) -> bool:
    """Tell whether nothing of it counts any more, so that its row may be pruned (A-04)."""
    if failures.last_at is None:
        return True
    is_locked = failures.in_a_row >= limits.lock_after
    return now - failures.last_at >= (limits.keep_locked if is_locked else DAY)


def disables_password(failures: Failures, limits: SignInLimits) -> bool:
    """Tell whether so many failed in a row that the password works no more until a reset (A-04)."""
    return failures.in_a_row >= limits.disable_after
