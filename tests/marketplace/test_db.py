"""The pool and the one commit."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from marketplace.db import Database


def test_a_failed_statement_does_not_tell_its_values(db: Database) -> None:
    """L-03: the exception that is logged names the statement, never what it was about."""
    statement = text("SELECT no_such_column FROM account WHERE email = :email")
    with pytest.raises(ProgrammingError) as failed, db.transaction() as session:
        session.execute(statement, {"email": "canary@example.org"})
    assert "canary" not in str(failed.value)
