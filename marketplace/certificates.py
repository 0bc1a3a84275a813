"""The certificates of purges: what ran, under which rule, up to when, and how many it was about (F2).

A row proves a run without naming anybody: the keys done are there as one SHA-256. Append-only, like
the ledgers; a dry run leaves none, for nothing was purged.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Identity, Index, String, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from marketplace.db import Base

if TYPE_CHECKING:
    from marketplace.batches import BatchReport


class RetentionRun(Base):
    """One real run of one rule of the retention table."""

    __tablename__ = "retention_run"
    __table_args__ = (Index("ix_retention_run_found", "id", postgresql_where="found > 0"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    rule: Mapped[str] = mapped_column(String(40), comment="id in the retention table")
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    cutoff_at: Mapped[datetime] = mapped_column(comment="what was due by this instant")
    found: Mapped[int]
    done: Mapped[int]
    skipped: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="by reason")
    failed: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="by kind of failure")
    subjects_sha256: Mapped[str] = mapped_column(String(64), comment="over the keys done, in their order")


def record_run(
    session: Session, rule: str, started_at: datetime, finished_at: datetime, report: BatchReport
) -> None:
    """Write the certificate of a finished run, whose cut-off is the time it started at (F2)."""
    session.add(
        RetentionRun(
            rule=rule,
            started_at=started_at,
            finished_at=finished_at,
            cutoff_at=started_at,
            found=report.found,
            done=report.done,
            skipped=dict(report.skipped),
            failed=dict(report.failed),
            subjects_sha256=report.subjects_sha256,
        )
    )


def newest_runs(session: Session, limit: int) -> Sequence[RetentionRun]:
    """Return the newest runs that found something; those that found nothing are kept, and say little."""
    statement = select(RetentionRun).where(RetentionRun.found > 0).order_by(RetentionRun.id.desc())
    return session.scalars(statement.limit(limit)).all()
