"""Tables of openings, the disclosure ledger, contacts, messages and downloaded copies."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    String,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.contacts.policy import Act
from marketplace.db import Base


class OpeningState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class ContactState(StrEnum):
    SENT = "sent"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class MessageAuthor(StrEnum):
    RECRUITER = "recruiter"
    CANDIDATE = "candidate"


class DutyState(StrEnum):
    """State of the duty to delete one downloaded copy (rules D4)."""

    OPEN = "open"
    ATTESTED = "attested"
    EXCEPTED = "excepted"


class DutyException(StrEnum):
    """Why a copy may be kept beyond its day (rules D4)."""

    HIRED = "hired"
    LEGAL_OBLIGATION = "legal_obligation"


class Opening(Base):
    """The apprenticeship offered: title, hiring company, country, start (rules D3)."""

    __tablename__ = "opening"
    __table_args__ = (Index("ix_opening_recruiter_id", "recruiter_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    recruiter_id: Mapped[UUID] = mapped_column(ForeignKey("recruiter.id"))
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"))
    title: Mapped[str] = mapped_column(String(200))
    company_name: Mapped[str] = mapped_column(String(200), comment="the hiring company")
    job_country: Mapped[str] = mapped_column(String(2))
    start_on: Mapped[date]
    state: Mapped[OpeningState] = mapped_column(String(8), default=OpeningState.OPEN)
    created_at: Mapped[datetime]


class Disclosure(Base):
    """The ledger: one row for each thing that left, written before it leaves. Append-only.

    Names are kept as they were, so that the row still reads right after a company changes its own.
    """

    __tablename__ = "disclosure"
    __table_args__ = (
        Index("ix_disclosure_candidate_id", "candidate_id", "id"),
        Index("ix_disclosure_recruiter_id", "recruiter_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[Act] = mapped_column(String(16), comment="what left (rules D7)")
    at: Mapped[datetime]
    recruiter_id: Mapped[UUID] = mapped_column(comment="kept after the recruiter is gone")
    company_id: Mapped[UUID]
    company_name: Mapped[str] = mapped_column(String(200))
    recruiter_role: Mapped[str] = mapped_column(String(120), comment="job title")
    candidate_id: Mapped[UUID] = mapped_column(comment="kept after the candidate is erased")
    opening_id: Mapped[UUID | None] = mapped_column(ForeignKey("opening.id"))
    purpose: Mapped[str] = mapped_column(String(250), comment="the opening's title, or the search's purpose")
    job_country: Mapped[str] = mapped_column(String(2))
    cv_id: Mapped[UUID | None]
    cv_sha256: Mapped[str | None] = mapped_column(String(64))
    copy_id: Mapped[UUID | None] = mapped_column(comment="the marked copy, when one was taken")
    delete_by_on: Mapped[date | None] = mapped_column(comment="as of the download (D4)")


class CVDownload(Base):
    """One marked copy and the duty to delete it (rules D4). Its id is the copy id in the PDF."""

    __tablename__ = "cv_download"
    __table_args__ = (
        Index("ix_cv_download_recruiter_id", "recruiter_id", "downloaded_at"),
        Index("ix_cv_download_candidate_id", "candidate_id"),
        Index("ix_cv_download_due", "delete_by_on", postgresql_where="state = 'open'"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    recruiter_id: Mapped[UUID]
    company_id: Mapped[UUID]
    candidate_id: Mapped[UUID]
    opening_id: Mapped[UUID] = mapped_column(ForeignKey("opening.id"))
    cv_id: Mapped[UUID]
    downloaded_at: Mapped[datetime]
    delete_by_on: Mapped[date]
    state: Mapped[DutyState] = mapped_column(String(16), default=DutyState.OPEN)
    settled_at: Mapped[datetime | None]
    session_id: Mapped[UUID] = mapped_column(comment="the session the file is handed to")
    handed_out_at: Mapped[datetime | None] = mapped_column(comment="single use, within 60 s")
    holder_told_at: Mapped[datetime | None] = mapped_column(
        comment="when the recruiter was told that the candidate withdrew (D5)"
    )
    exception: Mapped[DutyException | None] = mapped_column(
        String(24), comment="why it is kept, once excepted (D4)"
    )
    exception_reason: Mapped[str | None] = mapped_column(Text, comment="in the holder's words")


class DeletionReminder(Base):
    """One reminder of one copy: sent, or superseded by a later one. Its key is what makes it one (D4)."""

    __tablename__ = "deletion_reminder"
    __table_args__ = (
        CheckConstraint("(sent_at IS NULL) <> (superseded_at IS NULL)", name="sent_or_superseded"),
    )

    copy_id: Mapped[UUID] = mapped_column(ForeignKey("cv_download.id", ondelete="CASCADE"), primary_key=True)
    due_on: Mapped[date] = mapped_column(primary_key=True)
    days_before: Mapped[int] = mapped_column(comment="of the deletion day; negative afterwards")
    sent_at: Mapped[datetime | None] = mapped_column(comment="when its mail was put into the outbox")
    superseded_at: Mapped[datetime | None] = mapped_column(comment="when a later one was sent instead")


class SettleLink(Base):
    """A link to settle the duties of a recruiter who cannot sign in, until none is open (rules B6, D4).

    Only its SHA-256 is stored. Each person it is mailed to has one: a new mail replaces their own and
    nobody else's, so that the link of the closing mail outlives those that later go to the company.
    """

    __tablename__ = "settle_link"

    recruiter_id: Mapped[UUID] = mapped_column(primary_key=True, comment="whose duties it settles")
    mailed_to: Mapped[UUID] = mapped_column(primary_key=True, comment="account it went to; may be gone")
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime]


class Contact(Base):
    """A recruiter's contact about one opening; messages go through the platform both ways."""

    __tablename__ = "contact"
    __table_args__ = (
        Index("ix_contact_candidate_id", "candidate_id"),
        Index("ix_contact_recruiter_id", "recruiter_id"),
        Index(
            "uq_contact_recruiter_candidate_opening",
            "recruiter_id",
            "candidate_id",
            "opening_id",
            unique=True,
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    recruiter_id: Mapped[UUID] = mapped_column(ForeignKey("recruiter.id"))
    candidate_id: Mapped[UUID] = mapped_column(ForeignKey("candidate.id", ondelete="CASCADE"))
    opening_id: Mapped[UUID] = mapped_column(ForeignKey("opening.id"))
    state: Mapped[ContactState] = mapped_column(String(16), default=ContactState.SENT)
    created_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]


class Message(Base):
    """One message of a contact."""

    __tablename__ = "message"
    __table_args__ = (Index("ix_message_contact_id", "contact_id", "sent_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    contact_id: Mapped[UUID] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    author: Mapped[MessageAuthor] = mapped_column(String(16))
    body: Mapped[str] = mapped_column(Text)
    body_scrubbed: Mapped[str] = mapped_column(Text, comment="what lists show (C4)")
    sent_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class ReplayedRequest(Base):
    """What a request with an ``Idempotency-Key`` made, so that a retry has one effect (security.md F-07)."""

    __tablename__ = "replayed_request"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    key_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True, comment="SHA-256 of the key")
    body_hash: Mapped[bytes] = mapped_column(LargeBinary(32), comment="SHA-256 of the route and body")
    made_id: Mapped[UUID] = mapped_column(comment="what the first request made")
    at: Mapped[datetime]
