"""Every named quota in one table, as data (rules E1, C4; security.md A-04, R-02).

A quota has rates in the notation of `limits` (``30/minute;600/day``). A rate over less than a day is
counted by the limiter (``port.py``), one over a day by PostgreSQL in the act's own transaction
(``uses.py``). ``MARKETPLACE_QUOTA_<NAME>`` replaces the rates of one; ``none`` lifts it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

DAY = 86_400
"""Seconds; the longest window there is, so that a use older than this counts nowhere."""

NONE = "none"


class Quota(StrEnum):
    """The names, as settings and answers spell them."""

    SEARCH = "SEARCH"
    OPENING = "OPENING"
    CV_TEXT = "CV_TEXT"
    EMAIL_REVEAL = "EMAIL_REVEAL"
    CV_DOWNLOAD = "CV_DOWNLOAD"
    CONTACT = "CONTACT"
    CV_UPLOAD = "CV_UPLOAD"
    SUGGEST = "SUGGEST"
    SIGN_IN = "SIGN_IN"
    SIGN_UP = "SIGN_UP"
    RECOVERY = "RECOVERY"
    ADDRESS = "ADDRESS"


class Unit(StrEnum):
    """Whose acts a quota counts."""

    RECRUITER = "recruiter"
    """An account, less while it is young, and its company by a multiple (rules E1)."""
    ACCOUNT = "account"
    """An account alone."""
    NETWORK = "network"
    """A network address (``policy.network_of``)."""
    ADDRESS = "address"
    """A folded e-mail address, as a keyed hash."""


@dataclass(frozen=True)
class Rate:
    """At most ``limit`` acts in any ``seconds`` in a row."""

    limit: int
    seconds: int


@dataclass(frozen=True, kw_only=True)
class Row:
    """What the table says of one quota."""

    unit: Unit
    default: str
    doc: str
    like: Quota | None = None
    """A quota it is counted together with, and whose rates it has unless it is given its own."""


QUOTAS: Mapping[Quota, Row] = {
    Quota.SEARCH: Row(
        unit=Unit.RECRUITER, default="30/minute;600/day", doc="Searches of an account (E1).",
    ),
    Quota.OPENING: Row(
        unit=Unit.RECRUITER, default="20/minute;200/day",
        doc="Opened profiles of an account, texts of CVs included (E1).",
    ),
    Quota.CV_TEXT: Row(
        unit=Unit.RECRUITER, default="", like=Quota.OPENING,
        doc="Texts of CVs, counted together with OPENING; empty has its rates (E1).",
    ),
    Quota.EMAIL_REVEAL: Row(
        unit=Unit.RECRUITER, default="5/minute;50/day", doc="Revealed e-mail addresses of an account (E1).",
    ),
    Quota.CV_DOWNLOAD: Row(
        unit=Unit.RECRUITER, default="5/minute;50/day", doc="Downloaded CVs of an account (E1).",
    ),
    Quota.CONTACT: Row(
        unit=Unit.RECRUITER, default="30/day", doc="First contacts of an account (E1).",
    ),
    Quota.CV_UPLOAD: Row(
        unit=Unit.ACCOUNT, default="10/day", doc="Uploads of one candidate, refused ones included (C4).",
    ),
    Quota.SUGGEST: Row(
        unit=Unit.RECRUITER, default="120/minute", doc="Suggestions while an account types (E1).",
    ),
    Quota.SIGN_IN: Row(
        unit=Unit.NETWORK, default="20/5 minute", doc="Failed sign-ins from one address (security.md A-04).",
    ),
    Quota.SIGN_UP: Row(
        unit=Unit.NETWORK, default="5/hour", doc="Registrations sent from one address (E1).",
    ),
    Quota.RECOVERY: Row(
        unit=Unit.ADDRESS, default="3/hour;5/day",
        doc="Password resets asked for one e-mail address (security.md R-02).",
    ),
    Quota.ADDRESS: Row(
        unit=Unit.NETWORK, default="300/5 minute",
        doc="Requests of one address: IPv4, or the /64 of an IPv6 one (E1).",
    ),
}  # fmt: skip


@lru_cache(maxsize=256)
def parse(notation: str) -> tuple[Rate, ...]:
    """Read ``30/minute;600/day``; ``none`` is no rate at all.

    Raises :class:`ValueError` with a sentence for what is no such notation, allows nothing, or looks
    back further than a day.
    """
    from limits import parse_many  # late: the command line starts without it

    if notation.strip().lower() == NONE:
        return ()
    try:
        read = parse_many(notation.strip())
    except ValueError:
        raise ValueError(f"{notation!r} is not like 30/minute;600/day") from None
    rates = tuple(Rate(item.amount, item.get_expiry()) for item in read)
    if any(rate.limit < 1 for rate in rates):
        raise ValueError(f"{notation!r} allows nothing; the least is 1")
    if any(not 0 < rate.seconds <= DAY for rate in rates):
        raise ValueError(f"{notation!r} looks back further than a day")
    return rates


def notation_of(given: Mapping[str, str], quota: Quota) -> str:
    """Return the notation in force: what ``Settings.quotas`` gives, else the default."""
    row = QUOTAS[quota]
    own = given.get(quota.value, row.default)
    return notation_of(given, row.like) if own == "" and row.like is not None else own


def rates_of(given: Mapping[str, str], quota: Quota) -> tuple[Rate, ...]:
    """Return every rate of a quota in force."""
    return parse(notation_of(given, quota))


def short_rates(given: Mapping[str, str], quota: Quota) -> tuple[Rate, ...]:
    """Return the rates the limiter counts: those over less than a day."""
    return tuple(rate for rate in rates_of(given, quota) if rate.seconds < DAY)


def day_limit(given: Mapping[str, str], quota: Quota) -> int | None:
    """Return how many acts 24 hours allow, which PostgreSQL counts; none when there is no such rate."""
    return min((rate.limit for rate in rates_of(given, quota) if rate.seconds == DAY), default=None)


def bucket(quota: Quota) -> Quota:
    """Return the name a quota is counted under: CV texts and profiles are one (rules E1)."""
    return QUOTAS[quota].like or quota


NO_LIMITS: Mapping[str, str] = {quota.value: NONE for quota in Quota}
"""Settings that lift every quota: benchmarks, and tests that are about something else."""
