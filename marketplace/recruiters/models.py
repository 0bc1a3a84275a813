"""Tables of recruiters, companies and their domains."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.db import Base
from marketplace.recruiters.lifecycle import CompanyState, RecruiterState

__all__ = [
    "Company", "CompanyDomain", "CompanyState", "EmailDomainRule", "Recruiter", "RecruiterState",
    "ReviewDecision",
]  # fmt: skip


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
    """A recruiter's professional facts; the person is the account."""

    __tablename__ = "recruiter"
    __table_args__ = (Index("ix_recruiter_company_id", "company_id"), Index("ix_recruiter_state", "state"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), unique=True)
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
