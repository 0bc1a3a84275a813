"""Quotas of a day: counted by PostgreSQL in the act's own transaction, exactly (rules E1, C4; C-07, X-04).

One statement counts the last 24 hours and writes the use, under a lock that parallel acts of the same
company (or account, where there is none) wait for; what is rolled back was never counted. No store
that is away lets anything pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

import psycopg
from sqlalchemy import ColumnElement
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from marketplace.errors import TooManyRequestsError
from marketplace.rate_limits import policy, standings
from marketplace.rate_limits.models import QuotaUse
from marketplace.rate_limits.policy import Counted, Factors
from marketplace.rate_limits.port import Standing, Window
from marketplace.rate_limits.quotas import DAY, Quota, bucket, day_limit


class QuotaSettings(Protocol):
    """The settings a quota is read from; :class:`marketplace.settings.Settings` has them."""

    @property
    def quotas(self) -> Mapping[str, str]: ...
    @property
    def company_quota_factor(self) -> int: ...
    @property
    def young_account_days(self) -> int: ...
    @property
    def young_account_divisor(self) -> int: ...


_USE = "SELECT is_used_up, of_company, remaining, wait FROM use_quota(%s, %s, %s, %s, %s, %s, %s)"
"""In the driver's words, with identifiers and instants as text: a third of the CPU (bench/limits.py)."""


def factors_of(settings: QuotaSettings) -> Factors:
    """Return what rules E1 multiply and divide by."""
    return Factors(
        company=settings.company_quota_factor,
        young_days=settings.young_account_days,
        young_divisor=settings.young_account_divisor,
    )


def use(
    session: Session,
    now: datetime,
    settings: QuotaSettings,
    quota: Quota,
    whom: Counted,
    *,
    durable: bool = True,
) -> None:
    """Count one act in its quota of a day (rules E1, C4); nothing is written when it is used up.

    Outside a transaction this is one statement of its own; with ``durable`` off it is not awaited on
    the disk (a search, of which a crash may forget the last few). Raises :class:`TooManyRequestsError`
    with the whole seconds until the use that stands in the way is a day old.
    """
    limit = day_limit(settings.quotas, quota)
    if limit is None:
        return
    limits = policy.day_limits(limit, quota, whom, now, factors_of(settings))
    name = bucket(quota).value
    together = whom.company_id.hex if whom.company_id is not None and limits.company is not None else None
    given = (
        name, whom.account_id.hex, together, limits.account, limits.company, now.isoformat(), durable,
    )  # fmt: skip
    is_used_up, of_company, remaining, wait = _ask(session, given)
    allowed = limits.company if of_company and limits.company is not None else limits.account
    if is_used_up:
        raise TooManyRequestsError(name, allowed, wait, DAY)
    subject = "company" if of_company else "account"
    window = Window(quota=name, subject=subject, limit=allowed, seconds=DAY)
    standings.note(Standing(window=window, remaining=remaining, reset_after=max(0, wait)))


def _ask(session: Session, given: tuple[object, ...]) -> tuple[bool, bool, int, int]:
    """Run the statement on the session's own connection; what fails is told as SQLAlchemy would."""
    driver: Any = session.connection().connection.driver_connection
    try:
        found: tuple[bool, bool, int, int] = driver.execute(_USE, given).fetchone()
    except psycopg.Error as error:
        raise DBAPIError.instance(_USE, (), error, psycopg.Error, hide_parameters=True) from error
    return found


def prunable(now: datetime) -> ColumnElement[bool]:
    """What may go: uses that count nowhere any more (rules F2)."""
    return QuotaUse.at <= now - timedelta(seconds=DAY)
