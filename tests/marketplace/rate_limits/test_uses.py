"""Quotas of a day, counted by PostgreSQL (rules E1, C4; security.md C-07, X-04)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select

from marketplace.accounts.models import Account
from marketplace.db import Database
from marketplace.errors import TooManyRequestsError
from marketplace.rate_limits import standings, uses
from marketplace.rate_limits.models import QuotaUse
from marketplace.rate_limits.policy import Counted
from marketplace.rate_limits.quotas import Quota
from marketplace.recruiters.models import Recruiter
from marketplace.settings import Settings
from tests.builders import a_company, a_recruiter

DAY = timedelta(days=1)


class Counter:
    """A few recruiters of one company and how their contacts are counted."""

    def __init__(self, db: Database, settings: Settings, now: datetime, quota: str) -> None:
        self.db = db
        self.settings = replace(settings, quotas={**settings.quotas, "CONTACT": quota})
        self.now = now
        with db.transaction() as session:
            company = a_company(session)
            rows = [a_recruiter(session, company=company) for _ in range(5)]
            self.accounts: list[UUID] = [row.account_id for row in rows]
            self.company: UUID = company.id

    def whom(self, number: int = 0, age: timedelta = timedelta(days=30)) -> Counted:
        return Counted(
            account_id=self.accounts[number], company_id=self.company, registered_at=self.now - age
        )

    def passes(self, after: timedelta = timedelta(0), number: int = 0, **more: timedelta) -> bool:
        try:
            with self.db.transaction() as session:
                uses.use(session, self.now + after, self.settings, Quota.CONTACT, self.whom(number, **more))
        except TooManyRequestsError as error:
            self.refused = error
            return False
        return True

    def rows(self) -> int:
        with self.db.reading() as session:
            return session.scalar(select(func.count()).select_from(QuotaUse)) or 0


@pytest.fixture
def counter(db: Database, settings: Settings, now: datetime) -> Counter:
    return Counter(db, settings, now, "4/day")


def test_before_at_and_after_the_limit(counter: Counter) -> None:
    """E1: three and four of four pass, the fifth is refused and writes nothing; it says when to come."""
    assert [counter.passes(timedelta(hours=hour)) for hour in range(4)] == [True] * 4
    assert not counter.passes(timedelta(hours=10))
    refused = counter.refused
    assert (refused.quota, refused.limit, refused.seconds) == ("CONTACT", 4, 86_400)
    assert refused.retry_after == 14 * 3600
    assert counter.rows() == 4


def test_the_day_slides(counter: Counter) -> None:
    """E1: a use counts for 24 hours to the microsecond, each on its own; midnight means nothing."""
    for hour in range(4):
        assert counter.passes(timedelta(hours=hour))
    assert not counter.passes(DAY - timedelta(microseconds=1))
    assert counter.passes(DAY)
    assert not counter.passes(DAY + timedelta(minutes=59))
    assert counter.passes(DAY + timedelta(hours=1))
    assert not counter.passes(DAY + timedelta(hours=1))


def test_young_accounts_have_half(counter: Counter) -> None:
    """E1: under 14 days half, rounded up; at 14 days the whole."""
    counter.settings = replace(counter.settings, quotas={**counter.settings.quotas, "CONTACT": "5/day"})
    fortnight = timedelta(days=14)
    young = fortnight - timedelta(microseconds=1)
    assert sum(counter.passes(age=young) for _ in range(6)) == 3
    assert counter.refused.limit == 3
    assert sum(counter.passes(age=fortnight) for _ in range(6)) == 2


def test_a_company_has_three_times_as_much(counter: Counter) -> None:
    """E1: four recruiters of one company share three times what one of them has."""
    passed = [sum(counter.passes(number=number) for _ in range(5)) for number in range(4)]
    assert passed == [4, 4, 4, 0]
    assert counter.refused.limit == 12
    assert counter.rows() == 12
    assert counter.passes(DAY, number=3)


def test_quotas_are_apart(counter: Counter, now: datetime) -> None:
    """X-01: what one act uses up leaves the others as they are; texts of CVs are openings."""
    given = {"CONTACT": "1/day", "OPENING": "2/day", "SEARCH": "1/day"}
    settings = replace(counter.settings, quotas={**counter.settings.quotas, **given, "CV_TEXT": ""})
    acts = [Quota.CONTACT, Quota.OPENING, Quota.CV_TEXT, Quota.SEARCH]
    with counter.db.transaction() as session:
        for quota in acts:
            uses.use(session, now, settings, quota, counter.whom())
    for quota in acts:
        with counter.db.transaction() as session, pytest.raises(TooManyRequestsError):
            uses.use(session, now, settings, quota, counter.whom())


def test_what_is_rolled_back_was_never_counted(counter: Counter) -> None:
    """C-07: the use is part of the act's transaction."""
    for _ in range(10):
        with counter.db.rehearsal() as session:
            uses.use(session, counter.now, counter.settings, Quota.CONTACT, counter.whom())
    assert counter.rows() == 0


def test_no_quota_counts_nothing(counter: Counter) -> None:
    """E1: ``none`` lifts the quota and writes no row."""
    counter.settings = replace(counter.settings, quotas={**counter.settings.quotas, "CONTACT": "none"})
    assert all(counter.passes() for _ in range(5))
    assert counter.rows() == 0


@pytest.mark.parametrize("same", [True, False])
def test_parallel_acts_are_counted_exactly(
    db: Database, database_url: str, counter: Counter, *, same: bool
) -> None:
    """C-07: of 60 acts at once exactly the limit passes: an account's 4, a company's 12."""
    counter.db = Database(database_url, pool_size=8)
    with ThreadPoolExecutor(8) as pool:
        passed = list(pool.map(lambda number: counter.passes(number=0 if same else number % 5), range(60)))
    counter.db.dispose()
    counter.db = db
    assert sum(passed) == counter.rows() == (4 if same else 12)


def test_a_single_statement_counts_outside_a_transaction(counter: Counter) -> None:
    """E1: a search counts in one statement of its own, which does not wait for the disk."""
    with counter.db.reading() as session:
        before = session.scalar(select(func.current_setting("synchronous_commit")))
        for _ in range(4):
            uses.use(session, counter.now, counter.settings, Quota.CONTACT, counter.whom(), durable=False)
        with pytest.raises(TooManyRequestsError):
            uses.use(session, counter.now, counter.settings, Quota.CONTACT, counter.whom(), durable=False)
        assert session.scalar(select(func.current_setting("synchronous_commit"))) == before
    assert counter.rows() == 4


def test_how_it_stands_is_told(counter: Counter) -> None:
    """E1: each use notes what is left and when one more is free, of what is tighter."""
    heard = standings.listen()
    counter.passes()
    counter.passes(timedelta(hours=1))
    assert [(s.window.quota, s.remaining, s.reset_after) for s in heard] == [
        ("CONTACT", 3, 86_400), ("CONTACT", 2, 23 * 3600),
    ]  # fmt: skip
    for number in (1, 2):
        for _ in range(4):
            counter.passes(timedelta(hours=2), number)
    assert (heard[-1].window.subject, heard[-1].remaining) == ("account", 0)
    counter.passes(timedelta(hours=2), 3)
    assert (heard[-1].window.subject, heard[-1].window.limit, heard[-1].remaining) == ("company", 12, 1)


def test_old_uses_may_go(counter: Counter) -> None:
    """E1: what counts in no window any more may go, and not a microsecond earlier."""
    counter.passes()
    counter.passes(timedelta(hours=1))
    with counter.db.reading() as session:
        for at, number in ((counter.now + DAY - timedelta(microseconds=1), 0), (counter.now + DAY, 1)):
            counted = select(func.count()).select_from(QuotaUse).where(uses.prunable(at))
            assert session.scalar(counted) == number


def test_uses_go_with_the_account(counter: Counter) -> None:
    """E1: nothing of an account that is erased stays here."""
    counter.passes(number=4)
    with counter.db.transaction() as session:
        session.execute(delete(Recruiter).where(Recruiter.account_id == counter.accounts[4]))
        session.execute(delete(Account).where(Account.id == counter.accounts[4]))
    assert counter.rows() == 0
