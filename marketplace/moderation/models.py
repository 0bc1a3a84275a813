"""The table of sanctions; each row is a statement of reasons too (rules E5)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.accounts.models import Role
from marketplace.db import Base
from marketplace.moderation.policy import SanctionKind


class Sanction(Base):
    """One measure against one member: what, from when, until when, why, by whom, and how it ended."""

    __tablename__ = "sanction"
    __table_args__ = (
        Index("ix_sanction_account_id", "account_id", "starts_at"),
        Index("ix_sanction_open", "account_id", postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    role: Mapped[Role] = mapped_column(String(16), comment="of the member, at the time")
    kind: Mapped[SanctionKind] = mapped_column(String(16))
    starts_at: Mapped[datetime]
    until: Mapped[datetime | None] = mapped_column(comment="exclusive; empty: for good")
    clause: Mapped[str] = mapped_column(String(200), comment="of the Terms")
    facts: Mapped[str] = mapped_column(Text, comment="what the member did")
    reason: Mapped[str] = mapped_column(Text, comment="why this measure follows")
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    state_before: Mapped[str] = mapped_column(String(24), comment="what reinstatement gives back")
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    lift_reason: Mapped[str | None] = mapped_column(Text)
    ended_at: Mapped[datetime | None] = mapped_column(
        comment="when it was written down that this one holds no more"
    )
