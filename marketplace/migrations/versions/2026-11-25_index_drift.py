"""Counts of the drift between index and database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_index_drift"
down_revision = "20261125_inactivity"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "index_drift",
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("missing", sa.BigInteger(), nullable=False, comment="not in the index"),
        sa.Column(
            "orphan", sa.BigInteger(), nullable=False, comment="in the index, of nobody who may be found"
        ),
        sa.Column("stale", sa.BigInteger(), nullable=False, comment="older than its row"),
        sa.Column(
            "ahead", sa.BigInteger(), nullable=False, comment="newer than its row: the database was restored"
        ),
        sa.Column(
            "found_at", sa.DateTime(timezone=True), nullable=False, comment="when drift was last found"
        ),
        sa.PrimaryKeyConstraint("country", name=op.f("pk_index_drift")),
    )


def downgrade() -> None:
    op.drop_table("index_drift")
