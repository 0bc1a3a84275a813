"""Tables of recruiters, companies and their domains."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.db import Base
from marketplace.recruiters.lifecycle import CompanyState, RecruiterState

__all__ = [
    "COMPANY_MATCH", "MANDATE", "SCHOOL_DOMAIN", "ArchiveRecord", "Company", "CompanyDomain", "CompanyState",
    "EmailDomainRule", "InactivityNotice", "LegalHold", "Recruiter", "RecruiterState", "ReviewDecision",
]  # fmt: skip

SCHOOL_DOMAIN, MANDATE, COMPANY_MATCH = "school_domain", "mandate", "company_match"
"""Review reasons: a school's domain (B2), work on behalf (B1), a company joined by its number only."""


class Company(Base):
    """An employer; verified by an admin or by a domain already known for it (rules B3)."""

    __tablename__ = "company"
    __table_args__ = (
        Index("ix_company_state", "state"),
        Index("ix_company_registration_number", "country", "registration_number"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    legal_name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(8), comment="private or public")
    country: Mapped[str] = mapped_column(String(2))
    registration_number: Mapped[str | None] = mapped_column(String(20), comment="normalised")
    state: Mapped[CompanyState] = mapped_column(String(16))
    registered_at: Mapped[datetime]
    submitted_at: Mapped[datetime] = mapped_column(comment="last time it entered the review queue")
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    decision_reason: Mapped[str | None] = mapped_column(Text)


class CompanyDomain(Base):
    """An e-mail domain known for a company, added when an admin verifies it.

    The companies of a group share a domain: one in each country, each with its own number.
    """

    __tablename__ = "company_domain"

    domain: Mapped[str] = mapped_column(String(253), primary_key=True, comment="registrable, A-label")
    company_id: Mapped[UUID] = mapped_column(
        ForeignKey("company.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    known_since: Mapped[datetime]


class EmailDomainRule(Base):
    """An admin's word on a domain or one address: allowed, denied or to be reviewed (rules B2)."""

    __tablename__ = "email_domain_rule"
    __table_args__ = (UniqueConstraint("pattern"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    pattern: Mapped[str] = mapped_column(String(254), comment="a domain, or one canonical address")
    verdict: Mapped[str] = mapped_column(String(8), comment="allow or deny")
    reason: Mapped[str] = mapped_column(Text)
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    decided_at: Mapped[datetime]


class Recruiter(Base):
    """A recruiter's professional facts; the person is the account.

    After a purge the row stays as a tombstone without account, job title or domain: ledger, contacts
    and duties go on pointing at it (rules B6).
    """

    __tablename__ = "recruiter"
    __table_args__ = (Index("ix_recruiter_company_id", "company_id"), Index("ix_recruiter_state", "state"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID] = mapped_column(  # of everybody but tombstones, which joins leave out
        ForeignKey("account.id", ondelete="CASCADE"),
        unique=True,
        nullable=True,
        comment="empty once purged (B6)",
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"))
    job_title: Mapped[str] = mapped_column(String(120))
    work_country: Mapped[str] = mapped_column(String(2))
    state: Mapped[RecruiterState] = mapped_column(String(24))
    state_changed_at: Mapped[datetime]
    is_owner: Mapped[bool] = mapped_column(default=False, comment="the first recruiter owns the company")
    is_on_behalf: Mapped[bool] = mapped_column(default=False, comment="works under a mandate (B1)")
    mandate_file: Mapped[str | None] = mapped_column(String(80), comment="key in the file store")
    email_domain: Mapped[str] = mapped_column(String(253), comment="registrable domain of the address")
    review_reasons: Mapped[list[str]] = mapped_column(
        ARRAY(String(32)), default=list, comment="what an admin must still look at (B1, B2)"
    )
    reviewed_at: Mapped[datetime | None]
    requested_work_country: Mapped[str | None] = mapped_column(
        String(2), comment="a change waiting for review (B1)"
    )
    declarations: Mapped[list[str]] = mapped_column(ARRAY(String(32)))
    declared_at: Mapped[datetime]
    confirmed_at: Mapped[datetime] = mapped_column(comment="data last confirmed (A7)")


class ReviewDecision(Base):
    """What an admin decided on a company, or on one recruiter of it, with author, date and reason."""

    __tablename__ = "review_decision"
    __table_args__ = (Index("ix_review_decision_company_id", "company_id", "decided_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    recruiter_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("recruiter.id", ondelete="CASCADE"), comment="empty: on the company itself"
    )
    decision: Mapped[str] = mapped_column(String(8), comment="verify, refuse or approve")
    reason: Mapped[str] = mapped_column(Text)
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    decided_at: Mapped[datetime]


class InactivityNotice(Base):
    """One notice of inactivity: asked for, then sent, or superseded by a later one (rules B5)."""

    __tablename__ = "inactivity_notice"
    __table_args__ = (UniqueConstraint("recruiter_id", "anchor", "step"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    recruiter_id: Mapped[UUID] = mapped_column(ForeignKey("recruiter.id", ondelete="CASCADE"))
    anchor: Mapped[datetime] = mapped_column(comment="the cycle: last activity, or registration")
    step: Mapped[int] = mapped_column(comment="days before the end")
    due_at: Mapped[datetime]
    requested_at: Mapped[datetime]
    sent_at: Mapped[datetime | None] = mapped_column(comment="set in the transaction of the sending")
    superseded_at: Mapped[datetime | None] = mapped_column(comment="a later notice was sent instead")
    undeliverable_at: Mapped[datetime | None] = mapped_column(comment="refused for good by the receiver")


class LegalHold(Base):
    """An admin's word that a recruiter's data must not be purged for now (rules B5)."""

    __tablename__ = "legal_hold"
    __table_args__ = (Index("ix_legal_hold_recruiter_id", "recruiter_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    recruiter_id: Mapped[UUID] = mapped_column(ForeignKey("recruiter.id", ondelete="CASCADE"))
    reason: Mapped[str] = mapped_column(Text)
    placed_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    placed_at: Mapped[datetime]
    ends_on: Mapped[date] = mapped_column(comment="the last day it stops a purge")
    lifted_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    lifted_at: Mapped[datetime | None]


class ArchiveRecord(Base):
    """What is kept of a closed recruiter for two years, under no name (rules F3)."""

    __tablename__ = "archive_record"
    __table_args__ = (Index("ix_archive_record_erase_at", "erase_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    recruiter_id: Mapped[UUID] = mapped_column(unique=True, comment="as in the ledger; no name hangs on it")
    company_id: Mapped[UUID]
    company_name: Mapped[str] = mapped_column(String(200))
    address_hash: Mapped[bytes] = mapped_column(LargeBinary(32), comment="keyed hash of the e-mail address")
    acceptances: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, comment="document, version, hash, time")
    declarations: Mapped[list[str]] = mapped_column(ARRAY(String(32)))
    declared_at: Mapped[datetime]
    accessed: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="by kind: count, first, last")
    notices: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, comment="proof that they were sent")
    reason: Mapped[str] = mapped_column(String(32), comment="why the account was closed")
    registered_at: Mapped[datetime]
    last_activity_at: Mapped[datetime | None]
    closed_at: Mapped[datetime]
    statement_sent_at: Mapped[datetime | None] = mapped_column(comment="the statement of obligations")
    purged_at: Mapped[datetime | None]
    erase_at: Mapped[datetime] = mapped_column(comment="two years after the closure")
