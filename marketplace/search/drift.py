"""How often the index did not hold what the database says: counted for ``/metrics`` (security.md F-03)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import BigInteger, String, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from marketplace.db import Base

KINDS = ("missing", "orphan", "stale", "ahead")


class IndexDrift(Base):
    """The drift that was ever found in the index of a country, by kind."""

    __tablename__ = "index_drift"

    country: Mapped[str] = mapped_column(String(2), primary_key=True)
    missing: Mapped[int] = mapped_column(BigInteger, comment="not in the index")
    orphan: Mapped[int] = mapped_column(BigInteger, comment="in the index, of nobody who may be found")
    stale: Mapped[int] = mapped_column(BigInteger, comment="older than its row")
    ahead: Mapped[int] = mapped_column(BigInteger, comment="newer than its row: the database was restored")
    found_at: Mapped[datetime] = mapped_column(comment="when drift was last found")


def count(session: Session, now: datetime, country: str, found: Mapping[str, int]) -> None:
    """Add what a check found."""
    statement = insert(IndexDrift).values(country=country, found_at=now, **{k: found[k] for k in KINDS})
    more = {kind: getattr(IndexDrift, kind) + found[kind] for kind in KINDS}
    session.execute(
        statement.on_conflict_do_update(index_elements=["country"], set_={**more, "found_at": now})
    )


def counted(session: Session) -> dict[str, dict[str, int]]:
    """Return the counts by country and kind; a country without drift is absent."""
    rows = session.scalars(select(IndexDrift).order_by(IndexDrift.country))
    return {row.country: {kind: getattr(row, kind) for kind in KINDS} for row in rows}
