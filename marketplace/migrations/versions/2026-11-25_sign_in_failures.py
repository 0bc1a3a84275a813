"""Failed sign-ins by keyed hash of the address; the account no longer counts its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261125_sign_in_failures"
down_revision = "20261125_sanctions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sign_in_failure",
        sa.Column(
            "subject_hash",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="HMAC of a canonical address or of a device's id",
        ),
        sa.Column("in_a_row", sa.Integer(), nullable=False, comment="consecutive failures"),
        sa.Column("last_failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recent",
            postgresql.ARRAY(sa.DateTime(timezone=True)),
            nullable=False,
            comment="those of the last 24 hours, oldest first",
        ),
        sa.PrimaryKeyConstraint("subject_hash", name=op.f("pk_sign_in_failure")),
    )
    op.create_index("ix_sign_in_failure_last_failed_at", "sign_in_failure", ["last_failed_at"], unique=False)
    op.drop_column("account", "password_failures")


def downgrade() -> None:
    op.add_column(
        "account",
        sa.Column(
            "password_failures", sa.Integer(), server_default="0", nullable=False, comment="consecutive"
        ),
    )
    op.alter_column("account", "password_failures", server_default=None)
    op.drop_index("ix_sign_in_failure_last_failed_at", table_name="sign_in_failure")
    op.drop_table("sign_in_failure")
