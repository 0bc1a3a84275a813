"""How often one may try to sign in, and ask for a mail (security.md A-04, A-06, R-02; rules A6, E1).

Two independent counts. By submitted address, whether or not it has an account, in PostgreSQL, where
it is exact between processes and outlives a restart. By network address, through the limiter's
port. An address is known here by its keyed hash only. The numbers' meaning is in ``policy.py``.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace.accounts import policy
from marketplace.accounts.addresses import parse_address
from marketplace.accounts.models import SignInFailure
from marketplace.accounts.policy import Failures, SignInLimits
from marketplace.errors import InvalidInputError, TooManyRequestsError
from marketplace.rate_limits.policy import address_of
from marketplace.rate_limits.port import Limiter, Window
from marketplace.rate_limits.quotas import Quota, rates_of
from marketplace.settings import Settings
from marketplace.signing import signing_key

EVERYWHERE_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class CountedAttempt:
    """An attempt that was allowed, and counted as failed until it is taken back."""

    subjects: tuple[bytes, ...]
    counted_at: datetime
    disables_password: bool
    """Whether the password works no more if this attempt fails."""


def sign_in_limits(settings: Settings) -> SignInLimits:
    """Return the numbers of A-04 that the settings choose."""
    return SignInLimits(
        free=settings.sign_in_free_failures,
        first_delay=timedelta(seconds=settings.sign_in_first_delay_seconds),
        longest_delay=timedelta(minutes=settings.sign_in_longest_delay_minutes),
        a_day=settings.sign_in_failures_per_day,
        lock_after=settings.sign_in_lock_after,
        lock=timedelta(minutes=settings.sign_in_lock_minutes),
        disable_after=settings.sign_in_disable_after,
        keep_locked=timedelta(days=settings.sign_in_lock_days),
    )


def address_hash(settings: Settings, email: str) -> bytes:
    """Return the keyed hash of a submitted address: equal for all spellings of one (A5).

    What is no address has one too, so that it is answered like an address without an account.
    """
    try:
        canonical = parse_address(email).canonical
    except InvalidInputError:
        canonical = email.strip().casefold()
    return keyed_hash(settings, f"address:{canonical}")


def keyed_hash(settings: Settings, text: str) -> bytes:
    """Return the hash under which failures of ``text`` are counted."""
    key = signing_key(settings, "sign-in-failures")
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)


def count_attempt(
    session: Session, now: datetime, settings: Settings, address: bytes, device: bytes | None = None
) -> CountedAttempt:
    """Count an attempt as failed before it is verified; :class:`TooManyRequestsError` when it must wait.

    So of attempts at once no more are verified than are free. Commit this before the password is
    looked at, and take it back after a success. A known device is judged by its own failures (A-05)
    and counts for the address as well, so that nobody gets more than the address allows in a row.
    """
    limits = sign_in_limits(settings)
    subjects = (address,) if device is None else (address, device)
    known = [_locked(session, now, subject) for subject in subjects]
    wait = policy.wait_before_attempt(known[-1], limits, now)
    if wait is not None:
        raise TooManyRequestsError(Quota.SIGN_IN, wait.limit, _seconds(wait.until - now))
    counted = [policy.with_failure(failures, limits, now) for failures in known]
    for subject, failures in zip(subjects, counted, strict=True):
        _store(session, subject, failures)
    return CountedAttempt(
        subjects=subjects,
        counted_at=now,
        disables_password=policy.disables_password(counted[0], limits),
    )


def take_back(session: Session, attempt: CountedAttempt) -> None:
    """Make a counted attempt a success: none is in a row any more, and this one was no failure (A-04)."""
    for subject in attempt.subjects:
        _store(
            session,
            subject,
            policy.with_success(_locked(session, attempt.counted_at, subject), attempt.counted_at),
        )


def forget(session: Session, settings: Settings, email: str) -> None:
    """Forget the failures of an address whose owner has proved to be it (A-05: a reset, a change)."""
    session.execute(delete(SignInFailure).where(SignInFailure.subject_hash == address_hash(settings, email)))


def prunable(now: datetime, settings: Settings) -> ColumnElement[bool]:
    """What may go: counts of which nothing counts any more (A-04, F2)."""
    limits = sign_in_limits(settings)
    is_locked = SignInFailure.in_a_row >= limits.lock_after
    return (
        SignInFailure.last_failed_at.is_(None)
        | (SignInFailure.last_failed_at <= now - limits.keep_locked)
        | ((SignInFailure.last_failed_at <= now - policy.DAY) & ~is_locked)
    )


def sign_in_windows(settings: Settings, address: str) -> tuple[Window, ...]:
    """Return where failed sign-ins from a network address count: its own, its /24, everybody's (A-04)."""
    rates = rates_of(settings.quotas, Quota.SIGN_IN)
    return (
        *(
            Window(quota=Quota.SIGN_IN, subject=f"network:{network}", limit=rate.limit, seconds=rate.seconds)
            for network in networks_of(address)
            for rate in rates
        ),
        Window(
            quota=Quota.SIGN_IN,
            subject="everybody",
            limit=settings.sign_in_failures_everywhere,
            seconds=EVERYWHERE_SECONDS,
        ),
    )


def recovery_windows(settings: Settings, email: str, address: str) -> tuple[Window, ...]:
    """Return where a request for a mail counts: by the address it goes to, and by network (R-02)."""
    subject = f"address:{keyed_hash(settings, f'mail:{parse_address(email).canonical}').hex()}"
    return (
        *(
            Window(quota=Quota.RECOVERY, subject=subject, limit=rate.limit, seconds=rate.seconds)
            for rate in rates_of(settings.quotas, Quota.RECOVERY)
        ),
        Window(
            quota=Quota.RECOVERY,
            subject=f"network:{networks_of(address)[0]}",
            limit=settings.recovery_per_network_hour,
            seconds=3600,
        ),
    )


def may_mail(limiter: Limiter, settings: Settings, email: str, address: str) -> bool:
    """Count a request for a recovery or confirmation mail; False when none is to be sent (R-02, A6).

    The caller answers the same either way. Raises :class:`InvalidInputError` for no address at all.
    """
    try:
        limiter.hit(recovery_windows(settings, email, address))
    except TooManyRequestsError:
        return False
    return True


def networks_of(address: str) -> tuple[str, ...]:
    """Return the networks an address is counted in: /32 and /24, or /64; mapped IPv4 is IPv4 (A-04)."""
    folded = address_of(address)
    if folded is None:
        return ("unknown",)
    prefixes = (32, 24) if isinstance(folded, ipaddress.IPv4Address) else (64,)
    return tuple(str(ipaddress.ip_network((int(folded), prefix), strict=False)) for prefix in prefixes)


def _locked(session: Session, now: datetime, subject: bytes) -> Failures:
    """Lock the row of a subject, made when it is missing, and return what it counts."""
    row = session.execute(
        insert(SignInFailure)
        .values(subject_hash=subject, in_a_row=0, last_failed_at=now, recent=[])
        .on_conflict_do_update(index_elements=["subject_hash"], set_={"in_a_row": SignInFailure.in_a_row})
        .returning(SignInFailure.in_a_row, SignInFailure.last_failed_at, SignInFailure.recent)
    ).one()
    return Failures(row.in_a_row, row.last_failed_at, tuple(row.recent))


def _store(session: Session, subject: bytes, failures: Failures) -> None:
    """Write what a locked row counts; one that counts nothing is not kept."""
    is_row = SignInFailure.subject_hash == subject
    if failures.last_at is None:
        session.execute(delete(SignInFailure).where(is_row))
        return
    session.execute(
        update(SignInFailure)
        .where(is_row)
        .values(in_a_row=failures.in_a_row, last_failed_at=failures.last_at, recent=list(failures.recent))
        .execution_options(synchronize_session=False)
    )


def _seconds(wait: timedelta) -> int:
    """Return whole seconds, rounded up: who comes back after them waits no second time."""
    return -(-wait // timedelta(seconds=1))
