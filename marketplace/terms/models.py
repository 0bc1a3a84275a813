"""Tables of documents, acceptances and consents."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.db import Base


class DocumentKind(StrEnum):
    """The documents of rules A2, and the opt-in text of C2."""

    TERMS_OF_USE = "terms_of_use"
    PRIVACY_POLICY = "privacy_policy"
    SPECIAL_TERMS = "special_terms"
    ETHICAL_CODE = "ethical_code"
    CONSENT_SEARCH = "consent_search"


class DocumentVersion(Base):
    """One version of a document in one language, in force from ``effective_on``."""

    __tablename__ = "document_version"
    __table_args__ = (UniqueConstraint("document", "language", "version"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    document: Mapped[DocumentKind] = mapped_column(String(32))
    language: Mapped[str] = mapped_column(String(2))
    version: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text, comment="Markdown")
    text_hash: Mapped[str] = mapped_column(String(64), comment="SHA-256 of the text, hex")
    effective_on: Mapped[date]
    needs_acceptance: Mapped[bool] = mapped_column(comment="members meet a page asking to accept it")


class Acceptance(Base):
    """Member, document, version, language, hash, time (rules A2)."""

    __tablename__ = "acceptance"
    __table_args__ = (Index("ix_acceptance_account_id_document", "account_id", "document"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    document: Mapped[DocumentKind] = mapped_column(String(32))
    version: Mapped[str] = mapped_column(String(16))
    language: Mapped[str] = mapped_column(String(2))
    text_hash: Mapped[str] = mapped_column(String(64))
    accepted_at: Mapped[datetime]


class Consent(Base):
    """A candidate's opt-in to be found, with the text it was given to (rules C2)."""

    __tablename__ = "consent"
    __table_args__ = (Index("ix_consent_account_id", "account_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    version: Mapped[str] = mapped_column(String(16))
    language: Mapped[str] = mapped_column(String(2))
    text_hash: Mapped[str] = mapped_column(String(64))
    given_at: Mapped[datetime]
    channel: Mapped[str] = mapped_column(String(16), comment="portal, api")
    withdrawn_at: Mapped[datetime | None]
