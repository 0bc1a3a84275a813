"""The batch runner: pages, row locks, failures apart, dry runs, resuming."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace import batches
from marketplace.accounts.models import Account
from marketplace.batches import MOVED_ON, BatchReport, Job, Skip
from marketplace.db import Database
from marketplace.errors import UnavailableError
from marketplace.outbox import OutboxMessage, publish
from tests.builders import an_account


def rename(session: Session, account: Account) -> Skip | None:
    account.first_name = "Done"
    return None


def job(act: Any = rename) -> Job[Account]:
    due = select(Account).where(Account.first_name == "Due")
    return Job(name="rename", key=Account.id, due=due, act=act, locked=(Account,))


def waiting(db: Database, number: int) -> list[str]:
    with db.transaction() as session:
        return sorted(str(an_account(session, first_name="Due").id) for _ in range(number))


def names(db: Database) -> dict[str, int]:
    with db.reading() as session:
        return dict(
            session.execute(select(Account.first_name, func.count()).group_by(Account.first_name)).all()
        )


@pytest.mark.parametrize("page", [1, 2, 3, 7, 8])
def test_every_due_subject_is_worked_off_once_whatever_the_page(db: Database, page: int) -> None:
    """F2: found is what was due, done is what was changed, and the proof names them in order."""
    keys = waiting(db, 7)
    report = batches.run(db, job(), page=page)
    assert (report.found, report.done, report.skipped, report.failed) == (7, 7, {}, {})
    assert report.subjects_sha256 == hashlib.sha256("".join(f"{key}\n" for key in keys).encode()).hexdigest()
    assert names(db) == {"Done": 7}
    assert batches.run(db, job()).found == 0


def test_a_dry_run_reports_the_same_and_writes_nothing(db: Database, now: datetime) -> None:
    """F2: a dry run is equal to the real run but for the write; messages are taken back too."""
    waiting(db, 5)

    def act(session: Session, account: Account) -> Skip | None:
        publish(session, now, "mail.requested", account.id)
        return rename(session, account)

    dry = batches.run(db, job(act), is_dry_run=True)
    assert names(db) == {"Due": 5}
    real = batches.run(db, job(act))
    assert (dry.found, dry.done, dry.subjects_sha256) == (real.found, real.done, real.subjects_sha256)
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 5


def test_one_that_fails_is_rolled_back_alone(db: Database) -> None:
    """A failure counts under its kind; the subject stays due and the others are done."""
    keys = waiting(db, 4)

    def act(session: Session, account: Account) -> Skip | None:
        rename(session, account)
        session.flush()
        if str(account.id) == keys[1]:
            raise ZeroDivisionError
        return Skip("held") if str(account.id) == keys[2] else None

    report = batches.run(db, job(act), page=2)
    assert (report.found, report.done) == (4, 2)
    assert report.skipped == {"held": 1}
    assert report.failed == {"ZeroDivisionError": 1}
    assert names(db)["Due"] == 1


def test_what_another_holds_or_has_done_is_skipped(db: Database) -> None:
    """Two runs at once: a locked row is not waited for, and a row no longer due is left alone."""
    keys = waiting(db, 3)
    with db.transaction() as other:
        other.scalars(select(Account).where(Account.id == keys[0]).with_for_update()).one()
        report = batches.run(db, job())
    assert (report.found, report.done, report.skipped) == (3, 2, {MOVED_ON: 1})
    assert batches.run(db, job()).done == 1


def test_the_question_is_asked_again_under_the_lock(db: Database) -> None:
    """Whoever acts between the page of keys and the lock wins (B5: a sign-in before the purge)."""
    keys = waiting(db, 2)

    def act(session: Session, account: Account) -> Skip | None:
        with db.transaction() as other:
            for key in keys:
                row = other.scalars(
                    select(Account).where(Account.id == key, Account.first_name == "Due")
                    .with_for_update(skip_locked=True)
                ).one_or_none()  # fmt: skip
                if row is not None:
                    row.first_name = "Signed in"
        return rename(session, account)

    report = batches.run(db, job(act))
    assert (report.found, report.done, report.skipped) == (2, 1, {MOVED_ON: 1})
    assert names(db) == {"Done": 1, "Signed in": 1}


def test_a_run_that_ends_half_way_is_gone_on_with(db: Database) -> None:
    """What was finished stays finished, the rest stays due, nothing is done twice."""
    waiting(db, 6)
    seen: list[str] = []

    def act(session: Session, account: Account) -> Skip | None:
        if len(seen) == 3:
            raise UnavailableError("database")
        seen.append(str(account.id))
        return rename(session, account)

    with pytest.raises(UnavailableError):
        batches.run(db, job(act), page=2)
    assert names(db) == {"Done": 3, "Due": 3}
    assert batches.run(db, job(), page=2).done == 3


def test_progress_is_told_after_each(db: Database) -> None:
    """A long run can say where it is."""
    waiting(db, 3)
    told: list[int] = []

    def tell(report: BatchReport) -> None:
        told.append(report.found)

    batches.run(db, job(), progress=tell)
    assert told == [1, 2, 3]
