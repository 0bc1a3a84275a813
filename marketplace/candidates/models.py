"""Tables of candidates: profile, right to work, CV, exclusions and blocks."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.candidates.lifecycle import CandidateState, CVState
from marketplace.candidates.policy import WorkRight
from marketplace.db import Base

__all__ = [
    "CV",
    "Block",
    "CVState",
    "Candidate",
    "CandidateState",
    "Exclusion",
    "RightToWork",
    "WorkRight",
]


class Candidate(Base):
    """The profile of rules C1. ``version`` grows with every change the index must learn."""

    __tablename__ = "candidate"
    __table_args__ = (Index("ix_candidate_state_country", "state", "country"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), unique=True)
    key: Mapped[int] = mapped_column(
        BigInteger, Identity(), unique=True, comment="unique integer: tie-break of every sort (rules G)"
    )
    version: Mapped[int] = mapped_column(BigInteger, default=1, comment="external version of the document")
    state: Mapped[CandidateState] = mapped_column(String(24))
    state_changed_at: Mapped[datetime]
    is_protected: Mapped[bool] = mapped_column(default=False, comment="adult under legal protection (A1)")
    country: Mapped[str | None] = mapped_column(String(2), comment="residence, folded")
    region: Mapped[str | None] = mapped_column(String(8), comment="code of regions.csv")
    job_fields: Mapped[list[str]] = mapped_column(ARRAY(String(40)), default=list)
    start_day: Mapped[date | None] = mapped_column(comment="exact day, or first of the month")
    start_is_month: Mapped[bool] = mapped_column(default=False)
    start_flex_weeks: Mapped[int] = mapped_column(default=0, comment="0 to 26, either side")
    headline: Mapped[str] = mapped_column(String(200), default="")
    headline_scrubbed: Mapped[str] = mapped_column(
        String(200), default="", comment="what is indexed or listed"
    )
    skills: Mapped[list[str]] = mapped_column(ARRAY(String(60)), default=list, comment="slugs, the facet")
    other_skills: Mapped[list[str]] = mapped_column(
        ARRAY(String(60)), default=list, comment="words outside the vocabulary: text, no facet"
    )
    languages: Mapped[list[str]] = mapped_column(ARRAY(String(2)), default=list)
    education_level: Mapped[int | None] = mapped_column(comment="EQF 3 to 8")
    current_employer: Mapped[str | None] = mapped_column(String(200), comment="never shown (C1)")
    profile_confirmed_at: Mapped[datetime] = mapped_column(comment="`fresh_on` is its day")
    last_sign_of_life_at: Mapped[datetime]
    opted_in_at: Mapped[datetime | None]
    pause_due_on: Mapped[date | None] = mapped_column(comment="set by the still-looking question (C7)")
    guardian_consent_until: Mapped[date | None] = mapped_column(
        comment="end of a live guardian consent; none: no consent"
    )


class RightToWork(Base):
    """Right to work of one candidate in one country of the Territory."""

    __tablename__ = "right_to_work"

    candidate_id: Mapped[UUID] = mapped_column(
        ForeignKey("candidate.id", ondelete="CASCADE"), primary_key=True
    )
    country: Mapped[str] = mapped_column(String(2), primary_key=True)
    right: Mapped[WorkRight] = mapped_column(String(20))
    expires_on: Mapped[date | None] = mapped_column(comment="inclusive; only with `yes`")


class CV(Base):
    """An uploaded CV. The current one stays until a new one is good (rules C4)."""

    __tablename__ = "cv"
    __table_args__ = (
        Index("ix_cv_candidate_id", "candidate_id", "uploaded_at"),
        Index(
            "uq_cv_current", "candidate_id", unique=True, postgresql_where="is_current",
        ),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    candidate_id: Mapped[UUID] = mapped_column(ForeignKey("candidate.id", ondelete="CASCADE"))
    state: Mapped[CVState] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(40), comment="code of the refusal")
    is_current: Mapped[bool] = mapped_column(default=False)
    label: Mapped[str] = mapped_column(String(120), comment="the client's file name, as a label only")
    uploaded_at: Mapped[datetime]
    processed_at: Mapped[datetime | None]
    original_key: Mapped[str | None] = mapped_column(String(80), comment="dropped once rewritten")
    file_key: Mapped[str | None] = mapped_column(String(80), comment="rewritten copy, active content removed")
    sha256: Mapped[str] = mapped_column(String(64), comment="of the uploaded bytes, hex")
    bytes: Mapped[int]
    pages: Mapped[int | None]
    text: Mapped[str] = mapped_column(Text, default="", comment="as extracted; never indexed")
    text_scrubbed: Mapped[str] = mapped_column(Text, default="", comment="what is indexed, listed and shown")
    language: Mapped[str | None] = mapped_column(String(2), comment="a guess, for display only")
    reader: Mapped[str | None] = mapped_column(String(16), comment="pypdf or pypdfium2")


class Exclusion(Base):
    """A company a candidate does not want to be seen by (rules C5)."""

    __tablename__ = "exclusion"
    __table_args__ = (
        UniqueConstraint("candidate_id", "company_id"),
        Index("ix_exclusion_company_id", "company_id"),
        Index("ix_exclusion_domain", "domain"),
        Index("ix_exclusion_registration_number", "registration_number"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    candidate_id: Mapped[UUID] = mapped_column(ForeignKey("candidate.id", ondelete="CASCADE"))
    company_id: Mapped[UUID | None] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    domain: Mapped[str | None] = mapped_column(String(253), comment="with its sub-domains")
    registration_number: Mapped[str | None] = mapped_column(String(20))
    label: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]


class Block(Base):
    """A recruiter, or a whole company, that a candidate blocked (rules C8)."""

    __tablename__ = "block"
    __table_args__ = (
        Index("ix_block_recruiter_id", "recruiter_id"),
        Index("ix_block_company_id", "company_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    candidate_id: Mapped[UUID] = mapped_column(ForeignKey("candidate.id", ondelete="CASCADE"))
    recruiter_id: Mapped[UUID | None] = mapped_column(ForeignKey("recruiter.id", ondelete="CASCADE"))
    company_id: Mapped[UUID | None] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    created_at: Mapped[datetime]
