"""The first schema: accounts, terms, recruiters, candidates, contacts, outbox, audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261123_initial"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = ("audit_entry", "disclosure")
"""The ledgers: a row once written stays as it is (rules D7; security.md INV-3)."""

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False, comment="as given, domain in lower case"),
        sa.Column(
            "email_canonical",
            sa.String(length=254),
            nullable=False,
            comment="folded: one account a person (rules A5)",
        ),
        sa.Column("email_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_name", sa.String(length=100), nullable=False),
        sa.Column("last_name", sa.String(length=100), nullable=False),
        sa.Column(
            "birth_date", sa.Date(), nullable=True, comment="empty for admins, whom no age rule concerns"
        ),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("password_kind", sa.String(length=16), nullable=False),
        sa.Column(
            "password_expires_at", sa.DateTime(timezone=True), nullable=True, comment="temporary ones only"
        ),
        sa.Column("password_failures", sa.Integer(), nullable=False, comment="consecutive"),
        sa.Column("epoch", sa.Integer(), nullable=False, comment="sessions of an older epoch are void"),
        sa.Column("may_use_bearer", sa.Boolean(), nullable=False, comment="granted by an admin"),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "last_activity_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="last authenticated activity (B5)",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("email_canonical", name=op.f("uq_account_email_canonical")),
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True, comment="account; empty for the system"),
        sa.Column("actor_role", sa.String(length=16), nullable=False),
        sa.Column("act", sa.String(length=64), nullable=False, comment="noun.past_participle"),
        sa.Column("subject_kind", sa.String(length=32), nullable=False),
        sa.Column("subject_id", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.String(length=16), nullable=False, comment="id in rules.md"),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_index("ix_audit_entry_actor", "audit_entry", ["actor_id", "id"], unique=False)
    op.create_index(
        "ix_audit_entry_subject", "audit_entry", ["subject_kind", "subject_id", "id"], unique=False
    )
    op.create_table(
        "document_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("document", sa.String(length=32), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False, comment="Markdown"),
        sa.Column("text_hash", sa.String(length=64), nullable=False, comment="SHA-256 of the text, hex"),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column(
            "needs_acceptance",
            sa.Boolean(),
            nullable=False,
            comment="members meet a page asking to accept it",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_version")),
        sa.UniqueConstraint(
            "document", "language", "version", name=op.f("uq_document_version_document_language_version")
        ),
    )
    op.create_table(
        "outbox_message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("topic", sa.String(length=64), nullable=False, comment="noun.past_participle"),
        sa.Column("subject", sa.String(length=64), nullable=False, comment="id of what changed"),
        sa.Column(
            "details", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="ids and flags only"
        ),
        sa.Column(
            "unique_key", sa.String(length=160), nullable=True, comment="one message ever with this key"
        ),
        sa.Column(
            "lowers_visibility",
            sa.Boolean(),
            nullable=False,
            comment="excluded from search until done (rules G, pending changes)",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("available_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=200), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_message")),
    )
    op.create_index(
        "ix_outbox_message_due",
        "outbox_message",
        ["topic", "available_at"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_index(
        "ix_outbox_message_pending_subject",
        "outbox_message",
        ["subject"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_index("uq_outbox_message_unique_key", "outbox_message", ["unique_key"], unique=True)
    op.create_table(
        "acceptance",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("document", sa.String(length=32), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("text_hash", sa.String(length=64), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_acceptance_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acceptance")),
    )
    op.create_index(
        "ix_acceptance_account_id_document", "acceptance", ["account_id", "document"], unique=False
    )
    op.create_table(
        "account_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("transport", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, comment="absolute end"),
        sa.Column("client", sa.String(length=120), nullable=False, comment="browser and system, shortened"),
        sa.Column("address", sa.String(length=45), nullable=False, comment="truncated to /24 or /48"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_account_session_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_account_session_token_hash")),
    )
    op.create_index("ix_account_session_account_id", "account_session", ["account_id"], unique=False)
    op.create_table(
        "candidate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "key",
            sa.BigInteger(),
            sa.Identity(always=False),
            nullable=False,
            comment="unique integer: tie-break of every sort (rules G)",
        ),
        sa.Column("version", sa.BigInteger(), nullable=False, comment="external version of the document"),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("state_changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_protected", sa.Boolean(), nullable=False, comment="adult under legal protection (A1)"),
        sa.Column("country", sa.String(length=2), nullable=True, comment="residence, folded"),
        sa.Column("region", sa.String(length=8), nullable=True, comment="code of regions.csv"),
        sa.Column("job_fields", postgresql.ARRAY(sa.String(length=40)), nullable=False),
        sa.Column("start_day", sa.Date(), nullable=True, comment="exact day, or first of the month"),
        sa.Column("start_is_month", sa.Boolean(), nullable=False),
        sa.Column("start_flex_weeks", sa.Integer(), nullable=False, comment="0 to 26, either side"),
        sa.Column("headline", sa.String(length=200), nullable=False),
        sa.Column(
            "headline_scrubbed", sa.String(length=200), nullable=False, comment="what is indexed or listed"
        ),
        sa.Column(
            "skills", postgresql.ARRAY(sa.String(length=60)), nullable=False, comment="slugs, the facet"
        ),
        sa.Column(
            "other_skills",
            postgresql.ARRAY(sa.String(length=60)),
            nullable=False,
            comment="words outside the vocabulary: text, no facet",
        ),
        sa.Column("languages", postgresql.ARRAY(sa.String(length=2)), nullable=False),
        sa.Column("education_level", sa.Integer(), nullable=True, comment="EQF 3 to 8"),
        sa.Column("current_employer", sa.String(length=200), nullable=True, comment="never shown (C1)"),
        sa.Column(
            "profile_confirmed_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="`fresh_on` is its day",
        ),
        sa.Column("last_sign_of_life_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opted_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pause_due_on", sa.Date(), nullable=True, comment="set by the still-looking question (C7)"),
        sa.Column(
            "guardian_consent_until",
            sa.Date(),
            nullable=True,
            comment="end of a live guardian consent; none: no consent",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_candidate_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidate")),
        sa.UniqueConstraint("account_id", name=op.f("uq_candidate_account_id")),
        sa.UniqueConstraint("key", name=op.f("uq_candidate_key")),
    )
    op.create_index("ix_candidate_state_country", "candidate", ["state", "country"], unique=False)
    op.create_table(
        "company",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("legal_name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False, comment="private or public"),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("registration_number", sa.String(length=20), nullable=True, comment="normalised"),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "submitted_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="last time it entered the review queue",
        ),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["account.id"], name=op.f("fk_company_decided_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company")),
    )
    op.create_index(
        "ix_company_registration_number", "company", ["country", "registration_number"], unique=False
    )
    op.create_index("ix_company_state", "company", ["state"], unique=False)
    op.create_table(
        "consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("text_hash", sa.String(length=64), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False, comment="portal, api"),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_consent_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index("ix_consent_account_id", "consent", ["account_id"], unique=False)
    op.create_table(
        "email_domain_rule",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "pattern", sa.String(length=254), nullable=False, comment="a domain, or one canonical address"
        ),
        sa.Column("verdict", sa.String(length=8), nullable=False, comment="allow or deny"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["account.id"], name=op.f("fk_email_domain_rule_decided_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_domain_rule")),
        sa.UniqueConstraint("pattern", name=op.f("uq_email_domain_rule_pattern")),
    )
    op.create_table(
        "mail_token",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_mail_token_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_mail_token_token_hash")),
    )
    op.create_index("ix_mail_token_account_id_purpose", "mail_token", ["account_id", "purpose"], unique=False)
    op.create_table(
        "replayed_request",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(length=32), nullable=False, comment="SHA-256 of the key"),
        sa.Column(
            "body_hash", sa.LargeBinary(length=32), nullable=False, comment="SHA-256 of the route and body"
        ),
        sa.Column("made_id", sa.Uuid(), nullable=False, comment="what the first request made"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_replayed_request_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "key_hash", name=op.f("pk_replayed_request")),
    )
    op.create_table(
        "company_domain",
        sa.Column("domain", sa.String(length=253), nullable=False, comment="registrable, A-label"),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("known_since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_company_domain_company_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("domain", "company_id", name=op.f("pk_company_domain")),
    )
    op.create_index(op.f("ix_company_domain_company_id"), "company_domain", ["company_id"], unique=False)
    op.create_table(
        "cv",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("candidate_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=True, comment="code of the refusal"),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column(
            "label", sa.String(length=120), nullable=False, comment="the client's file name, as a label only"
        ),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("original_key", sa.String(length=80), nullable=True, comment="dropped once rewritten"),
        sa.Column(
            "file_key", sa.String(length=80), nullable=True, comment="rewritten copy, active content removed"
        ),
        sa.Column("sha256", sa.String(length=64), nullable=False, comment="of the uploaded bytes, hex"),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False, comment="as extracted; never indexed"),
        sa.Column("text_scrubbed", sa.Text(), nullable=False, comment="what is indexed, listed and shown"),
        sa.Column("language", sa.String(length=2), nullable=True, comment="a guess, for display only"),
        sa.Column("reader", sa.String(length=16), nullable=True, comment="pypdf or pypdfium2"),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidate.id"], name=op.f("fk_cv_candidate_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cv")),
    )
    op.create_index("ix_cv_candidate_id", "cv", ["candidate_id", "uploaded_at"], unique=False)
    op.create_index("uq_cv_current", "cv", ["candidate_id"], unique=True, postgresql_where="is_current")
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
    op.create_table(
        "exclusion",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("candidate_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=True),
        sa.Column("domain", sa.String(length=253), nullable=True, comment="with its sub-domains"),
        sa.Column("registration_number", sa.String(length=20), nullable=True),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidate.id"], name=op.f("fk_exclusion_candidate_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_exclusion_company_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exclusion")),
        sa.UniqueConstraint("candidate_id", "company_id", name=op.f("uq_exclusion_candidate_id_company_id")),
    )
    op.create_index("ix_exclusion_company_id", "exclusion", ["company_id"], unique=False)
    op.create_index("ix_exclusion_domain", "exclusion", ["domain"], unique=False)
    op.create_index("ix_exclusion_registration_number", "exclusion", ["registration_number"], unique=False)
    op.create_table(
        "recruiter",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("job_title", sa.String(length=120), nullable=False),
        sa.Column("work_country", sa.String(length=2), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("state_changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_owner", sa.Boolean(), nullable=False, comment="the first recruiter owns the company"),
        sa.Column("is_on_behalf", sa.Boolean(), nullable=False, comment="works under a mandate (B1)"),
        sa.Column("mandate_file", sa.String(length=80), nullable=True, comment="key in the file store"),
        sa.Column(
            "email_domain", sa.String(length=253), nullable=False, comment="registrable domain of the address"
        ),
        sa.Column(
            "review_reasons",
            postgresql.ARRAY(sa.String(length=32)),
            nullable=False,
            comment="what an admin must still look at (B1, B2)",
        ),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "requested_work_country",
            sa.String(length=2),
            nullable=True,
            comment="a change waiting for review (B1)",
        ),
        sa.Column("declarations", postgresql.ARRAY(sa.String(length=32)), nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "confirmed_at", sa.DateTime(timezone=True), nullable=False, comment="data last confirmed (A7)"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_recruiter_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_recruiter_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recruiter")),
        sa.UniqueConstraint("account_id", name=op.f("uq_recruiter_account_id")),
    )
    op.create_index("ix_recruiter_company_id", "recruiter", ["company_id"], unique=False)
    op.create_index("ix_recruiter_state", "recruiter", ["state"], unique=False)
    op.create_table(
        "right_to_work",
        sa.Column("candidate_id", sa.Uuid(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("right", sa.String(length=20), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True, comment="inclusive; only with `yes`"),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidate.id"], name=op.f("fk_right_to_work_candidate_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("candidate_id", "country", name=op.f("pk_right_to_work")),
    )
    op.create_table(
        "block",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("candidate_id", sa.Uuid(), nullable=False),
        sa.Column("recruiter_id", sa.Uuid(), nullable=True),
        sa.Column("company_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidate.id"], name=op.f("fk_block_candidate_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_block_company_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["recruiter_id"], ["recruiter.id"], name=op.f("fk_block_recruiter_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_block")),
    )
    op.create_index("ix_block_company_id", "block", ["company_id"], unique=False)
    op.create_index("ix_block_recruiter_id", "block", ["recruiter_id"], unique=False)
    op.create_table(
        "opening",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recruiter_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("company_name", sa.String(length=200), nullable=False, comment="the hiring company"),
        sa.Column("job_country", sa.String(length=2), nullable=False),
        sa.Column("start_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_opening_company_id")),
        sa.ForeignKeyConstraint(["recruiter_id"], ["recruiter.id"], name=op.f("fk_opening_recruiter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opening")),
    )
    op.create_index("ix_opening_recruiter_id", "opening", ["recruiter_id"], unique=False)
    op.create_table(
        "review_decision",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("recruiter_id", sa.Uuid(), nullable=True, comment="empty: on the company itself"),
        sa.Column("decision", sa.String(length=8), nullable=False, comment="verify, refuse or approve"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_review_decision_company_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["account.id"], name=op.f("fk_review_decision_decided_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["recruiter_id"],
            ["recruiter.id"],
            name=op.f("fk_review_decision_recruiter_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_decision")),
    )
    op.create_index(
        "ix_review_decision_company_id", "review_decision", ["company_id", "decided_at"], unique=False
    )
    op.create_table(
        "contact",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recruiter_id", sa.Uuid(), nullable=False),
        sa.Column("candidate_id", sa.Uuid(), nullable=False),
        sa.Column("opening_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidate.id"], name=op.f("fk_contact_candidate_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["opening_id"], ["opening.id"], name=op.f("fk_contact_opening_id")),
        sa.ForeignKeyConstraint(["recruiter_id"], ["recruiter.id"], name=op.f("fk_contact_recruiter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
    )
    op.create_index("ix_contact_candidate_id", "contact", ["candidate_id"], unique=False)
    op.create_index("ix_contact_recruiter_id", "contact", ["recruiter_id"], unique=False)
    op.create_index(
        "uq_contact_recruiter_candidate_opening",
        "contact",
        ["recruiter_id", "candidate_id", "opening_id"],
        unique=True,
    )
    op.create_table(
        "cv_download",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recruiter_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("candidate_id", sa.Uuid(), nullable=False),
        sa.Column("opening_id", sa.Uuid(), nullable=False),
        sa.Column("cv_id", sa.Uuid(), nullable=False),
        sa.Column("downloaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_by_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("session_id", sa.Uuid(), nullable=False, comment="the session the file is handed to"),
        sa.Column(
            "handed_out_at", sa.DateTime(timezone=True), nullable=True, comment="single use, within 60 s"
        ),
        sa.Column(
            "holder_told_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the recruiter was told that the candidate withdrew (D5)",
        ),
        sa.ForeignKeyConstraint(["opening_id"], ["opening.id"], name=op.f("fk_cv_download_opening_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cv_download")),
    )
    op.create_index("ix_cv_download_candidate_id", "cv_download", ["candidate_id"], unique=False)
    op.create_index(
        "ix_cv_download_due", "cv_download", ["delete_by_on"], unique=False, postgresql_where="state = 'open'"
    )
    op.create_index(
        "ix_cv_download_recruiter_id", "cv_download", ["recruiter_id", "downloaded_at"], unique=False
    )
    op.create_table(
        "disclosure",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="what left (rules D7)"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recruiter_id", sa.Uuid(), nullable=False, comment="kept after the recruiter is gone"),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("company_name", sa.String(length=200), nullable=False),
        sa.Column("recruiter_role", sa.String(length=120), nullable=False, comment="job title"),
        sa.Column("candidate_id", sa.Uuid(), nullable=False, comment="kept after the candidate is erased"),
        sa.Column("opening_id", sa.Uuid(), nullable=True),
        sa.Column(
            "purpose",
            sa.String(length=250),
            nullable=False,
            comment="the opening's title, or the search's purpose",
        ),
        sa.Column("job_country", sa.String(length=2), nullable=False),
        sa.Column("cv_id", sa.Uuid(), nullable=True),
        sa.Column("cv_sha256", sa.String(length=64), nullable=True),
        sa.Column("copy_id", sa.Uuid(), nullable=True, comment="the marked copy, when one was taken"),
        sa.Column("delete_by_on", sa.Date(), nullable=True, comment="as of the download (D4)"),
        sa.ForeignKeyConstraint(["opening_id"], ["opening.id"], name=op.f("fk_disclosure_opening_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure")),
    )
    op.create_index("ix_disclosure_candidate_id", "disclosure", ["candidate_id", "id"], unique=False)
    op.create_index("ix_disclosure_recruiter_id", "disclosure", ["recruiter_id", "id"], unique=False)
    op.create_table(
        "message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("author", sa.String(length=16), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("body_scrubbed", sa.Text(), nullable=False, comment="what lists show (C4)"),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contact.id"], name=op.f("fk_message_contact_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
    )
    op.create_index("ix_message_contact_id", "message", ["contact_id", "sent_at"], unique=False)
    op.execute(REFUSE_CHANGE)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_is_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_is_never_emptied BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    op.drop_index("ix_message_contact_id", table_name="message")
    op.drop_table("message")
    op.drop_index("ix_disclosure_recruiter_id", table_name="disclosure")
    op.drop_index("ix_disclosure_candidate_id", table_name="disclosure")
    op.drop_table("disclosure")
    op.drop_index("ix_cv_download_recruiter_id", table_name="cv_download")
    op.drop_index("ix_cv_download_due", table_name="cv_download", postgresql_where="state = 'open'")
    op.drop_index("ix_cv_download_candidate_id", table_name="cv_download")
    op.drop_table("cv_download")
    op.drop_index("uq_contact_recruiter_candidate_opening", table_name="contact")
    op.drop_index("ix_contact_recruiter_id", table_name="contact")
    op.drop_index("ix_contact_candidate_id", table_name="contact")
    op.drop_table("contact")
    op.drop_index("ix_review_decision_company_id", table_name="review_decision")
    op.drop_table("review_decision")
    op.drop_index("ix_opening_recruiter_id", table_name="opening")
    op.drop_table("opening")
    op.drop_index("ix_block_recruiter_id", table_name="block")
    op.drop_index("ix_block_company_id", table_name="block")
    op.drop_table("block")
    op.drop_table("right_to_work")
    op.drop_index("ix_recruiter_state", table_name="recruiter")
    op.drop_index("ix_recruiter_company_id", table_name="recruiter")
    op.drop_table("recruiter")
    op.drop_index("ix_exclusion_registration_number", table_name="exclusion")
    op.drop_index("ix_exclusion_domain", table_name="exclusion")
    op.drop_index("ix_exclusion_company_id", table_name="exclusion")
    op.drop_table("exclusion")
    op.drop_index("ix_cv_upload_candidate_id", table_name="cv_upload")
    op.drop_table("cv_upload")
    op.drop_index("uq_cv_current", table_name="cv", postgresql_where="is_current")
    op.drop_index("ix_cv_candidate_id", table_name="cv")
    op.drop_table("cv")
    op.drop_index(op.f("ix_company_domain_company_id"), table_name="company_domain")
    op.drop_table("company_domain")
    op.drop_table("replayed_request")
    op.drop_index("ix_mail_token_account_id_purpose", table_name="mail_token")
    op.drop_table("mail_token")
    op.drop_table("email_domain_rule")
    op.drop_index("ix_consent_account_id", table_name="consent")
    op.drop_table("consent")
    op.drop_index("ix_company_state", table_name="company")
    op.drop_index("ix_company_registration_number", table_name="company")
    op.drop_table("company")
    op.drop_index("ix_candidate_state_country", table_name="candidate")
    op.drop_table("candidate")
    op.drop_index("ix_account_session_account_id", table_name="account_session")
    op.drop_table("account_session")
    op.drop_index("ix_acceptance_account_id_document", table_name="acceptance")
    op.drop_table("acceptance")
    op.drop_index("uq_outbox_message_unique_key", table_name="outbox_message")
    op.drop_index(
        "ix_outbox_message_pending_subject",
        table_name="outbox_message",
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.drop_index(
        "ix_outbox_message_due", table_name="outbox_message", postgresql_where=sa.text("done_at IS NULL")
    )
    op.drop_table("outbox_message")
    op.drop_table("document_version")
    op.drop_index("ix_audit_entry_subject", table_name="audit_entry")
    op.drop_index("ix_audit_entry_actor", table_name="audit_entry")
    op.drop_table("audit_entry")
    op.drop_table("account")
    op.execute("DROP FUNCTION refuse_change()")
