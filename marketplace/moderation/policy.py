"""Pure rules of sanctions: which holds at an instant, and which of several counts (rules E5)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from marketplace.periods import add_years

LONGEST_YEARS = 10
"""A suspension that ends, ends within so many years; what is to last longer is for good."""


class SanctionKind(StrEnum):
    """What a sanction does."""

    SUSPEND = "suspend"


@dataclass(frozen=True, kw_only=True)
class Term:
    """From when until when a sanction is meant to hold; without ``until`` it is for good."""

    sanction_id: UUID
    starts_at: datetime
    until: datetime | None
    lifted_at: datetime | None = None


def is_in_force(term: Term, now: datetime) -> bool:
    """E5: a sanction holds from its first instant until just before ``until``, unless it was lifted."""
    if term.lifted_at is not None and now >= term.lifted_at:
        return False
    return term.starts_at <= now and (term.until is None or now < term.until)


def strictest(terms: Iterable[Term], now: datetime) -> Term | None:
    """E5: of several sanctions in force the one that lasts longest counts; of two alike the earlier one."""
    holding = [term for term in terms if is_in_force(term, now)]
    endless = [term for term in holding if term.until is None]
    if endless:
        return min(endless, key=_age)
    ends = {term.until for term in holding if term.until is not None}
    return min((term for term in holding if term.until == max(ends)), key=_age) if ends else None


def _age(term: Term) -> tuple[datetime, str]:
    return term.starts_at, str(term.sanction_id)


def is_possible_end(until: datetime, now: datetime) -> bool:
    """E5: a suspension ends in the future, and within ten years."""
    return now < until <= add_years(now, LONGEST_YEARS)
