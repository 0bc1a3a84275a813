"""Messages to be carried out after the commit: a topic and ids, never personal data.

A row is written in the transaction of the change, claimed with ``FOR UPDATE SKIP LOCKED`` by its
status, and consumed by re-reading what it points to, so that repeats and disorder are harmless.
Design: design.md, decision 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Identity,
    Index,
    String,
    delete,
    exists,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from marketplace.db import WAKE, Base

MAX_ATTEMPTS = 8
"""After so many failures a message is dead: kept with its error, and no longer tried."""


class OutboxMessage(Base):
    """One thing to carry out. Done rows are kept for a day, then pruned."""

    __tablename__ = "outbox_message"
    __table_args__ = (
        Index("ix_outbox_message_due", "topic", "available_at", postgresql_where=text("done_at IS NULL")),
        Index("ix_outbox_message_pending_subject", "subject", postgresql_where=text("done_at IS NULL")),
        Index("uq_outbox_message_unique_key", "unique_key", unique=True),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    topic: Mapped[str] = mapped_column(String(64), comment="noun.past_participle")
    subject: Mapped[str] = mapped_column(String(64), comment="id of what changed")
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="ids and flags only")
    unique_key: Mapped[str | None] = mapped_column(String(160), comment="one message ever with this key")
    lowers_visibility: Mapped[bool] = mapped_column(
        default=False, comment="excluded from search until done (rules G, pending changes)"
    )
    created_at: Mapped[datetime]
    available_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(String(200))
    done_at: Mapped[datetime | None]


def publish(
    session: Session,
    now: datetime,
    topic: str,
    subject: object,
    *,
    details: dict[str, Any] | None = None,
    unique_key: str | None = None,
    lowers_visibility: bool = False,
    available_at: datetime | None = None,
) -> None:
    """Write a message in the caller's transaction; a repeated ``unique_key`` is ignored.

    It is due at once, or at ``available_at``.
    """
    session.execute(
        insert(OutboxMessage)
        .values(
            topic=topic,
            subject=str(subject),
            details=details or {},
            unique_key=unique_key,
            lowers_visibility=lowers_visibility,
            created_at=now,
            available_at=available_at or now,
            attempts=0,
        )
        .on_conflict_do_nothing(index_elements=["unique_key"])
    )
    session.info.setdefault(WAKE, set()).add(topic)


def claim(session: Session, now: datetime, topics: Sequence[str], limit: int) -> Sequence[OutboxMessage]:
    """Lock and return the oldest due messages of ``topics`` that no other worker holds."""
    statement = (
        select(OutboxMessage)
        .where(*_due(now, topics))
        .order_by(OutboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return session.scalars(statement).all()


def is_due(session: Session, now: datetime, topics: Sequence[str]) -> bool:
    """Say whether :func:`claim` would find anything, held by another worker or not."""
    return bool(session.scalar(select(exists().where(*_due(now, topics)))))


def _due(now: datetime, topics: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    return (
        OutboxMessage.done_at.is_(None),
        OutboxMessage.topic.in_(topics),
        OutboxMessage.available_at <= now,
        OutboxMessage.attempts < MAX_ATTEMPTS,
    )


def claim_same(session: Session, messages: Sequence[OutboxMessage]) -> Sequence[OutboxMessage]:
    """Lock and return every other message of the same topics and subjects, due, put off or dead.

    Whoever re-reads the subject carries them all out at once.
    """
    statement = (
        select(OutboxMessage)
        .where(
            OutboxMessage.done_at.is_(None),
            OutboxMessage.topic.in_({message.topic for message in messages}),
            OutboxMessage.subject.in_({message.subject for message in messages}),
            OutboxMessage.id.not_in([message.id for message in messages]),
        )
        .order_by(OutboxMessage.id)
        .with_for_update(skip_locked=True)
    )
    return session.scalars(statement).all()


def mark_done(message: OutboxMessage, now: datetime) -> None:
    """Record that the message was carried out."""
    message.done_at = now
    message.last_error = None


def mark_failed(message: OutboxMessage, now: datetime, error: Exception, reason: str = "") -> None:
    """Record a failure and try again later: 1 s, doubling, an hour at most.

    ``reason`` is a machine's word for it, never a text that may hold what somebody wrote.
    """
    message.attempts += 1
    message.last_error = ": ".join(filter(None, (type(error).__name__, reason)))[:200]
    message.available_at = now + timedelta(seconds=min(3600, 2 ** (message.attempts - 1)))


def prunable(now: datetime) -> ColumnElement[bool]:
    """What may go: messages done for more than a day that guard no unique key (rules F2)."""
    return (OutboxMessage.done_at < now - timedelta(days=1)) & OutboxMessage.unique_key.is_(None)


def prune(session: Session, now: datetime) -> int:
    """Delete messages done for more than a day that guard no unique key; return how many."""
    rows = session.execute(delete(OutboxMessage).where(prunable(now)).returning(OutboxMessage.id))
    return len(rows.all())


def oldest_pending(session: Session, topic: str | None = None) -> datetime | None:
    """Return when the oldest message that still waits was written; none when nothing waits."""
    statement = select(func.min(OutboxMessage.created_at)).where(
        OutboxMessage.done_at.is_(None), OutboxMessage.attempts < MAX_ATTEMPTS
    )
    if topic is not None:
        statement = statement.where(OutboxMessage.topic == topic)
    return session.scalar(statement)


@dataclass(frozen=True)
class Backlog:
    """What waits of one topic: how much, since when, and how much was given up."""

    topic: str
    waiting: int
    oldest_due_at: datetime | None
    dead: int

    def lag_seconds(self, now: datetime) -> float:
        """Return for how long the oldest message has been due."""
        return max(0.0, (now - self.oldest_due_at).total_seconds()) if self.oldest_due_at else 0.0


def backlog(session: Session) -> list[Backlog]:
    """Return what waits and what is dead of every topic that has any."""
    lives = OutboxMessage.attempts < MAX_ATTEMPTS
    rows = session.execute(
        select(
            OutboxMessage.topic,
            func.count().filter(lives),
            func.min(OutboxMessage.available_at).filter(lives),
            func.count().filter(~lives),
        )
        .where(OutboxMessage.done_at.is_(None))
        .group_by(OutboxMessage.topic)
        .order_by(OutboxMessage.topic)
    )
    return [Backlog(*row) for row in rows]


def dead(session: Session, topic: str, limit: int) -> Sequence[OutboxMessage]:
    """Return the messages of ``topic`` that were given up, oldest first."""
    return session.scalars(
        select(OutboxMessage).where(*_is_dead(topic)).order_by(OutboxMessage.id).limit(limit)
    ).all()


def revive(session: Session, now: datetime, topic: str) -> int:
    """Have every message of ``topic`` that was given up tried again; return how many."""
    rows = session.execute(
        update(OutboxMessage)
        .where(*_is_dead(topic))
        .values(attempts=0, available_at=now)
        .returning(OutboxMessage.id)
    )
    revived = len(rows.all())
    if revived:
        session.info.setdefault(WAKE, set()).add(topic)
    return revived


def _is_dead(topic: str) -> tuple[ColumnElement[bool], ...]:
    return (
        OutboxMessage.topic == topic,
        OutboxMessage.done_at.is_(None),
        OutboxMessage.attempts >= MAX_ATTEMPTS,
    )
