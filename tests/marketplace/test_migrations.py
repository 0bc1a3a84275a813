"""The migrated schema."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace import audit, migrations
from marketplace.db import Database
from tests.builders import NOW


def test_models_and_migrations_agree(database_url: str) -> None:
    """A model changed without a migration is found."""
    assert migrations.check(database_url) == []


def test_a_difference_is_told(database_url: str, db: Database) -> None:
    """The check above sees a missing column."""
    with db.transaction() as session:
        session.execute(text("ALTER TABLE opening DROP COLUMN title"))
    assert any("title" in line for line in migrations.check(database_url))


def test_migrations_are_reversible(database_url: str, db: Database) -> None:
    """Down to nothing and up again gives the same schema."""
    migrations.downgrade(database_url, "base")
    with db.reading() as session:
        left = session.scalars(
            text("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")
        ).all()
    assert left == ["alembic_version"]
    migrations.upgrade(database_url)
    migrations.upgrade(database_url)
    assert migrations.check(database_url) == []


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_entry SET rule = 'A1'", "DELETE FROM audit_entry", "TRUNCATE audit_entry"]
)
def test_the_ledger_is_append_only(session: Session, statement: str) -> None:
    """D7, INV-3: nobody rewrites what was recorded."""
    audit.record(
        session, NOW, "company.verified", actor_id=None, actor_role="admin", subject_kind="company",
        subject_id=1, rule="B3",
    )  # fmt: skip
    session.flush()
    with pytest.raises(IntegrityError, match="append-only"), session.begin_nested():
        session.execute(text(statement))


def test_disclosures_are_append_only(session: Session) -> None:
    """D7: the disclosure ledger carries the same trigger."""
    names = session.scalars(
        text(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = 'disclosure'::regclass "
            "AND NOT tgisinternal ORDER BY 1"
        )
    ).all()
    assert names == ["disclosure_is_append_only", "disclosure_is_never_emptied"]
