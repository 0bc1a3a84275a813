"""Sanctions, and what an account keeps of the one that holds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_sanctions"
down_revision = "20261123_initial"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "account",
        sa.Column(
            "suspended_by",
            sa.Uuid(),
            nullable=True,
            comment="the strictest sanction that holds, a row of moderation's; written by its services (E5)",
        ),
    )
    op.add_column(
        "account",
        sa.Column(
            "suspended_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="empty under a sanction: for good",
        ),
    )
    op.add_column(
        "account",
        sa.Column(
            "suspended_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it was last suspended: what was asked for before is void (R-01)",
        ),
    )
    op.create_index(
        "ix_account_suspended_until",
        "account",
        ["suspended_until"],
        postgresql_where=sa.text("suspended_by IS NOT NULL"),
    )
    op.create_table(
        "sanction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False, comment="of the member, at the time"),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True, comment="exclusive; empty: for good"),
        sa.Column("clause", sa.String(length=200), nullable=False, comment="of the Terms"),
        sa.Column("facts", sa.Text(), nullable=False, comment="what the member did"),
        sa.Column("reason", sa.Text(), nullable=False, comment="why this measure follows"),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column(
            "state_before", sa.String(length=24), nullable=False, comment="what reinstatement gives back"
        ),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.Uuid(), nullable=True),
        sa.Column("lift_reason", sa.Text(), nullable=True),
        sa.Column(
            "ended_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it was written down that this one holds no more",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_sanction_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["account.id"], name=op.f("fk_sanction_decided_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["lifted_by"], ["account.id"], name=op.f("fk_sanction_lifted_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sanction")),
    )
    op.create_index("ix_sanction_account_id", "sanction", ["account_id", "starts_at"])
    op.create_index(
        "ix_sanction_open", "sanction", ["account_id"], postgresql_where=sa.text("ended_at IS NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_sanction_open", table_name="sanction", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_index("ix_sanction_account_id", table_name="sanction")
    op.drop_table("sanction")
    op.drop_index(
        "ix_account_suspended_until",
        table_name="account",
        postgresql_where=sa.text("suspended_by IS NOT NULL"),
    )
    op.drop_column("account", "suspended_at")
    op.drop_column("account", "suspended_until")
    op.drop_column("account", "suspended_by")
