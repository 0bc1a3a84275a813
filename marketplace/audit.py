"""The ledger of acts: who did what to whom, under which rule. Append-only.

A database trigger refuses UPDATE and DELETE. Entries hold ids and codes, never personal data in
clear. The chain over the rows (rules E8) is built by a later issue; the rows are ready for it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from marketplace.db import Base


class AuditEntry(Base):
    """One act, committed with its effect (security.md INV-3)."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_subject", "subject_kind", "subject_id", "id"),
        Index("ix_audit_entry_actor", "actor_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None] = mapped_column(comment="account; empty for the system")
    actor_role: Mapped[str] = mapped_column(String(16))
    act: Mapped[str] = mapped_column(String(64), comment="noun.past_participle")
    subject_kind: Mapped[str] = mapped_column(String(32))
    subject_id: Mapped[str] = mapped_column(String(64))
    rule: Mapped[str] = mapped_column(String(16), comment="id in rules.md")
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)


def record(
    session: Session,
    now: datetime,
    act: str,
    *,
    actor_id: UUID | None,
    actor_role: str,
    subject_kind: str,
    subject_id: object,
    rule: str,
    **details: Any,
) -> None:
    """Write an entry in the caller's transaction."""
    session.add(
        AuditEntry(
            at=now,
            actor_id=actor_id,
            actor_role=actor_role,
            act=act,
            subject_kind=subject_kind,
            subject_id=str(subject_id),
            rule=rule,
            details=details,
        )
    )
