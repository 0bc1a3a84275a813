"""Quotas of a day: the uses, and the function that counts one exactly (rules E1, C4)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_quotas"
down_revision = "20261125_deletion_duties"
branch_labels = None
depends_on = None

USE_QUOTA = """
CREATE FUNCTION use_quota(
    quota_ text, account_ uuid, company_ uuid, account_limit int, company_limit int, at_ timestamptz,
    durable boolean
) RETURNS TABLE (is_used_up boolean, of_company boolean, remaining int, wait int)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    since CONSTANT timestamptz := at_ - interval '24 hours';
    used int;
    oldest timestamptz;
    company_used int;
    company_oldest timestamptz;
BEGIN
    IF NOT durable THEN
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
    -- Every account has one company for ever, so that one lock orders both counts. Each statement of a
    -- volatile function sees what was committed while it waited here.
    PERFORM pg_advisory_xact_lock(hashtextextended(quota_ || ':' || coalesce(company_, account_), 0));
    SELECT count(*), min(u.at) INTO used, oldest FROM quota_use u
        WHERE u.account_id = account_ AND u.quota = quota_ AND u.at > since;
    IF used >= account_limit THEN
        SELECT u.at INTO oldest FROM quota_use u
            WHERE u.account_id = account_ AND u.quota = quota_ AND u.at > since
            ORDER BY u.at DESC OFFSET account_limit - 1 LIMIT 1;
        RETURN QUERY SELECT true, false, 0, ceil(extract(epoch FROM oldest - since))::int;
        RETURN;
    END IF;
    IF company_ IS NOT NULL THEN
        SELECT count(*), min(u.at) INTO company_used, company_oldest FROM quota_use u
            WHERE u.company_id = company_ AND u.quota = quota_ AND u.at > since;
        IF company_used >= company_limit THEN
            SELECT u.at INTO company_oldest FROM quota_use u
                WHERE u.company_id = company_ AND u.quota = quota_ AND u.at > since
                ORDER BY u.at DESC OFFSET company_limit - 1 LIMIT 1;
            RETURN QUERY SELECT true, true, 0, ceil(extract(epoch FROM company_oldest - since))::int;
            RETURN;
        END IF;
    END IF;
    INSERT INTO quota_use (quota, account_id, company_id, at) VALUES (quota_, account_, company_, at_);
    IF company_limit - company_used < account_limit - used THEN
        RETURN QUERY SELECT false, true, company_limit - company_used - 1,
            ceil(extract(epoch FROM coalesce(company_oldest, at_) - since))::int;
    ELSE
        RETURN QUERY SELECT false, false, account_limit - used - 1,
            ceil(extract(epoch FROM coalesce(oldest, at_) - since))::int;
    END IF;
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "quota_use",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("quota", sa.String(length=16), nullable=False, comment="the name it is counted under"),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=True, comment="where the company's uses count together"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_quota_use_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quota_use")),
    )
    op.create_index("ix_quota_use_account", "quota_use", ["account_id", "quota", "at"], unique=False)
    op.create_index(
        "ix_quota_use_company",
        "quota_use",
        ["company_id", "quota", "at"],
        unique=False,
        postgresql_where="company_id IS NOT NULL",
    )
    op.create_index("ix_quota_use_at", "quota_use", ["at"], unique=False)
    op.execute(USE_QUOTA)
    op.execute(
        "INSERT INTO quota_use (quota, account_id, at) SELECT 'CV_UPLOAD', c.account_id, u.at "
        "FROM cv_upload u JOIN candidate c ON c.id = u.candidate_id"
    )
    op.drop_index("ix_cv_upload_candidate_id", table_name="cv_upload")
    op.drop_table("cv_upload")


def downgrade() -> None:
    op.create_table(
        "cv_upload",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("candidate_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidate.id"], name=op.f("fk_cv_upload_candidate_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cv_upload")),
    )
    op.create_index("ix_cv_upload_candidate_id", "cv_upload", ["candidate_id", "at"], unique=False)
    op.execute(
        "INSERT INTO cv_upload (candidate_id, at) SELECT c.id, u.at FROM quota_use u "
        "JOIN candidate c ON c.account_id = u.account_id WHERE u.quota = 'CV_UPLOAD'"
    )
    op.execute("DROP FUNCTION use_quota(text, uuid, uuid, int, int, timestamptz, boolean)")
    op.drop_index("ix_quota_use_at", table_name="quota_use")
    op.drop_index("ix_quota_use_company", table_name="quota_use", postgresql_where="company_id IS NOT NULL")
    op.drop_index("ix_quota_use_account", table_name="quota_use")
    op.drop_table("quota_use")
