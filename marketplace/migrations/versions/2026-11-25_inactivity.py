"""Inactivity and retention: notices, legal holds, archive records, certificates; tombstones of recruiters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261125_inactivity"
down_revision = "20261125_quotas"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "account",
        sa.Column(
            "closed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="nobody gets in from here on, by no link and no new password (B6)",
        ),
    )
    op.create_table(
        "archive_record",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recruiter_id", sa.Uuid(), nullable=False, comment="as in the ledger; no name hangs on it"),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("company_name", sa.String(length=200), nullable=False),
        sa.Column(
            "address_hash",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="keyed hash of the e-mail address",
        ),
        sa.Column(
            "acceptances",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="document, version, hash, time",
        ),
        sa.Column("declarations", postgresql.ARRAY(sa.String(length=32)), nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "accessed",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="by kind: count, first, last",
        ),
        sa.Column(
            "notices",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="proof that they were sent",
        ),
        sa.Column("reason", sa.String(length=32), nullable=False, comment="why the account was closed"),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_activity_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "statement_sent_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="the statement of obligations",
        ),
        sa.Column("purged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "erase_at", sa.DateTime(timezone=True), nullable=False, comment="two years after the closure"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archive_record")),
        sa.UniqueConstraint("recruiter_id", name=op.f("uq_archive_record_recruiter_id")),
    )
    op.create_index("ix_archive_record_erase_at", "archive_record", ["erase_at"], unique=False)
    op.create_table(
        "retention_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("rule", sa.String(length=40), nullable=False, comment="id in the retention table"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "cutoff_at", sa.DateTime(timezone=True), nullable=False, comment="what was due by this instant"
        ),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("skipped", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="by reason"),
        sa.Column(
            "failed", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="by kind of failure"
        ),
        sa.Column(
            "subjects_sha256",
            sa.String(length=64),
            nullable=False,
            comment="over the keys done, in their order",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_run")),
    )
    op.create_index(
        "ix_retention_run_found", "retention_run", ["id"], unique=False, postgresql_where="found > 0"
    )
    op.create_table(
        "inactivity_notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recruiter_id", sa.Uuid(), nullable=False),
        sa.Column(
            "anchor",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="the cycle: last activity, or registration",
        ),
        sa.Column("step", sa.Integer(), nullable=False, comment="days before the end"),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "sent_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="set in the transaction of the sending",
        ),
        sa.Column(
            "superseded_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="a later notice was sent instead",
        ),
        sa.Column(
            "undeliverable_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="refused for good by the receiver",
        ),
        sa.ForeignKeyConstraint(
            ["recruiter_id"],
            ["recruiter.id"],
            name=op.f("fk_inactivity_notice_recruiter_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inactivity_notice")),
        sa.UniqueConstraint(
            "recruiter_id", "anchor", "step", name=op.f("uq_inactivity_notice_recruiter_id_anchor_step")
        ),
    )
    op.create_table(
        "legal_hold",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recruiter_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_by", sa.Uuid(), nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False, comment="the last day it stops a purge"),
        sa.Column("lifted_by", sa.Uuid(), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["lifted_by"], ["account.id"], name=op.f("fk_legal_hold_lifted_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["placed_by"], ["account.id"], name=op.f("fk_legal_hold_placed_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["recruiter_id"], ["recruiter.id"], name=op.f("fk_legal_hold_recruiter_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_hold")),
    )
    op.create_index("ix_legal_hold_recruiter_id", "legal_hold", ["recruiter_id"], unique=False)
    op.alter_column(
        "recruiter", "account_id", existing_type=sa.UUID(), nullable=True, comment="empty once purged (B6)"
    )
    for event, scope in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
        name = "is_append_only" if scope == "ROW" else "is_never_emptied"
        op.execute(
            f"CREATE TRIGGER retention_run_{name} BEFORE {event} ON retention_run "
            f"FOR EACH {scope} EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    # Refused by PostgreSQL while there are tombstones: whose account is gone has none to go back to.
    op.alter_column(
        "recruiter",
        "account_id",
        existing_type=sa.UUID(),
        nullable=False,
        comment=None,
        existing_comment="empty once purged (B6)",
    )
    op.drop_index("ix_legal_hold_recruiter_id", table_name="legal_hold")
    op.drop_table("legal_hold")
    op.drop_table("inactivity_notice")
    op.drop_index("ix_retention_run_found", table_name="retention_run", postgresql_where="found > 0")
    op.drop_table("retention_run")
    op.drop_index("ix_archive_record_erase_at", table_name="archive_record")
    op.drop_table("archive_record")
    op.drop_column("account", "closed_at")
