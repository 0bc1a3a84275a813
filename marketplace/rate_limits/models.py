"""The uses that count in a day's quota (rules E1, C4)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.db import Base


class QuotaUse(Base):
    """One act that counts for 24 hours; written by ``use_quota`` in the act's own transaction."""

    __tablename__ = "quota_use"
    __table_args__ = (
        Index("ix_quota_use_account", "account_id", "quota", "at"),
        Index("ix_quota_use_company", "company_id", "quota", "at", postgresql_where="company_id IS NOT NULL"),
        Index("ix_quota_use_at", "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    quota: Mapped[str] = mapped_column(String(16), comment="the name it is counted under")
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    company_id: Mapped[UUID | None] = mapped_column(comment="where the company's uses count together")
    at: Mapped[datetime]
