"""Deletion duties: reminders, links that settle, exceptions with their reason (rules D4, B6)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_deletion_duties"
down_revision = "20261125_sign_in_failures"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "cv_download",
        sa.Column(
            "exception", sa.String(length=24), nullable=True, comment="why it is kept, once excepted (D4)"
        ),
    )
    op.add_column(
        "cv_download",
        sa.Column("exception_reason", sa.Text(), nullable=True, comment="in the holder's words"),
    )
    op.create_table(
        "deletion_reminder",
        sa.Column("copy_id", sa.Uuid(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column(
            "days_before", sa.Integer(), nullable=False, comment="of the deletion day; negative afterwards"
        ),
        sa.Column(
            "sent_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when its mail was put into the outbox",
        ),
        sa.Column(
            "superseded_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when a later one was sent instead",
        ),
        sa.CheckConstraint(
            "(sent_at IS NULL) <> (superseded_at IS NULL)",
            name=op.f("ck_deletion_reminder_sent_or_superseded"),
        ),
        sa.ForeignKeyConstraint(
            ["copy_id"],
            ["cv_download.id"],
            name=op.f("fk_deletion_reminder_copy_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("copy_id", "due_on", name=op.f("pk_deletion_reminder")),
    )
    op.create_table(
        "settle_link",
        sa.Column("recruiter_id", sa.Uuid(), nullable=False, comment="whose duties it settles"),
        sa.Column("mailed_to", sa.Uuid(), nullable=False, comment="account it went to; may be gone"),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("recruiter_id", "mailed_to", name=op.f("pk_settle_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_settle_link_token_hash")),
    )


def downgrade() -> None:
    op.drop_table("settle_link")
    op.drop_table("deletion_reminder")
    op.drop_column("cv_download", "exception_reason")
    op.drop_column("cv_download", "exception")
