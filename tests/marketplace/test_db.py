"""The pool and the one commit: what happens at its end, and when there is none."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError

from marketplace import outbox
from marketplace.db import Database, undo_on_rollback
from marketplace.errors import UnavailableError
from marketplace.outbox import OutboxMessage


def test_a_failed_statement_does_not_tell_its_values(db: Database) -> None:
    """L-03: the exception that is logged names the statement, never what it was about."""
    statement = text("SELECT no_such_column FROM account WHERE email = :email")
    with pytest.raises(ProgrammingError) as failed, db.transaction() as session:
        session.execute(statement, {"email": "canary@example.org"})
    assert "canary" not in str(failed.value)


def test_workers_are_woken_after_the_commit_and_only_then(database_url: str, now: datetime) -> None:
    """ADR 0011: the callback sees the committed rows; a rollback wakes nobody."""
    woken: list[tuple[frozenset[str], int]] = []

    def wake(topics: frozenset[str]) -> None:
        with db.reading() as session:
            woken.append((topics, session.scalars(select(func.count()).select_from(OutboxMessage)).one()))

    db = Database(database_url, after_commit=wake)
    with db.transaction() as session:
        outbox.publish(session, now, "mail.requested", uuid4())
        assert woken == []
    with db.transaction() as session:
        session.execute(text("select 1"))
    assert woken == [(frozenset({"mail.requested"}), 1)]
    db.dispose()


def test_what_was_done_outside_is_taken_back_with_the_rollback(db: Database) -> None:
    """Half-stored is not stored: in the reverse order, once, and not after a commit."""
    undone: list[str] = []
    with db.transaction() as session:
        undo_on_rollback(session, lambda: undone.append("kept"))

    def fails() -> None:
        with db.transaction() as session:
            undo_on_rollback(session, lambda: undone.append("first"))
            undo_on_rollback(session, lambda: undone.append("second"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert undone == ["second", "first"]


def test_a_database_that_is_away_is_unavailable() -> None:
    """F-05: nothing hangs; the edge answers 503."""
    db = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    with pytest.raises(UnavailableError) as away, db.transaction() as session:
        session.execute(text("select 1"))
    assert away.value.dependency == "database"
    db.dispose()
