"""The outbox: written with the change, claimed by one, tried again later, never lost (F-01, F-02)."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import outbox
from marketplace.db import Database
from marketplace.outbox import MAX_ATTEMPTS, OutboxMessage

TOPIC = "candidate.changed"


def write(db: Database, now: datetime, count: int = 1, unique_key: str | None = None) -> None:
    with db.transaction() as session:
        for _ in range(count):
            outbox.publish(session, now, TOPIC, uuid4(), unique_key=unique_key)


def ids(session: Session, now: datetime, limit: int = 10) -> set[int]:
    return {message.id for message in outbox.claim(session, now, [TOPIC], limit)}


def test_two_workers_never_hold_the_same_message(db: Database, now: datetime) -> None:
    """F-01: claimed with SKIP LOCKED: the second takes the others, and nothing waits."""
    write(db, now, 4)
    with db.transaction() as first, db.transaction() as second:
        mine = ids(first, now, 2)
        theirs = ids(second, now, 4)
    assert len(mine) == len(theirs) == 2
    assert mine.isdisjoint(theirs)


def test_what_rolls_back_was_never_written(db: Database, now: datetime) -> None:
    """INV-3: change and message commit together, or neither does."""

    def fails() -> None:
        with db.transaction() as session:
            outbox.publish(session, now, TOPIC, uuid4())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    with db.transaction() as session:
        assert ids(session, now) == set()


def test_a_message_with_a_key_is_written_once_for_ever(db: Database, now: datetime) -> None:
    """F-06: a reminder that is asked for twice is sent once, also after it was done and pruned."""
    write(db, now, 2, unique_key="reminder:7")
    with db.transaction() as session:
        (message,) = outbox.claim(session, now, [TOPIC], 10)
        outbox.mark_done(message, now)
    with db.transaction() as session:
        outbox.prune(session, now + timedelta(days=400))
    write(db, now, 1, unique_key="reminder:7")
    with db.transaction() as session:
        assert ids(session, now) == set()


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 1), (1, 2), (6, 64)])
def test_a_failure_is_tried_again_later_and_later(
    db: Database, now: datetime, attempts: int, seconds: int
) -> None:
    """F-06: 1 s, doubling; not before, and at the moment itself."""
    write(db, now)
    with db.transaction() as session:
        (message,) = outbox.claim(session, now, [TOPIC], 1)
        message.attempts = attempts
        outbox.mark_failed(message, now, OSError("away"))
    with db.transaction() as session:
        assert ids(session, now + timedelta(seconds=seconds, microseconds=-1)) == set()
        assert len(ids(session, now + timedelta(seconds=seconds))) == 1


def test_poison_is_kept_but_no_longer_tried(db: Database, now: datetime) -> None:
    """F-06: after its last attempt a message blocks nobody and keeps its error."""
    write(db, now)
    with db.transaction() as session:
        (message,) = outbox.claim(session, now, [TOPIC], 1)
        message.attempts = MAX_ATTEMPTS - 1
        outbox.mark_failed(message, now, ValueError("poison"))
    with db.transaction() as session:
        assert ids(session, now + timedelta(days=30)) == set()
        assert session.scalars(select(OutboxMessage.last_error)).one() == "ValueError"
        assert outbox.oldest_pending(session) is None


def test_done_messages_go_after_a_day(db: Database, now: datetime) -> None:
    """Pruned after 24 hours, not at them."""
    write(db, now)
    with db.transaction() as session:
        (message,) = outbox.claim(session, now, [TOPIC], 1)
        outbox.mark_done(message, now)
    with db.transaction() as session:
        assert outbox.prune(session, now + timedelta(days=1)) == 0
        assert outbox.prune(session, now + timedelta(days=1, seconds=1)) == 1


def test_the_oldest_that_waits_is_the_lag(db: Database, now: datetime) -> None:
    """/readyz: lag is the age of the oldest message that still waits."""
    with db.transaction() as session:
        assert outbox.oldest_pending(session) is None
    write(db, now)
    write(db, now - timedelta(minutes=3))
    with db.transaction() as session:
        assert outbox.oldest_pending(session) == now - timedelta(minutes=3)
