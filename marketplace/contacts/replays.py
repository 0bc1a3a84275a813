"""What a retry with the same ``Idempotency-Key`` gets: the effect of the first request (security.md F-07)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace.contacts.models import ReplayedRequest
from marketplace.errors import InvalidInputError
from marketplace.settings import Settings

KEY_CHARACTERS = 255


@dataclass(frozen=True)
class Request:
    """Who sends what, under which key; without a key nothing is remembered."""

    account_id: UUID
    key: str | None
    body: tuple[object, ...]

    @property
    def key_hash(self) -> bytes:
        return hashlib.sha256((self.key or "").encode()).digest()

    @property
    def body_hash(self) -> bytes:
        return hashlib.sha256(repr(tuple(map(str, self.body))).encode()).digest()


def replayed(session: Session, now: datetime, settings: Settings, request: Request) -> UUID | None:
    """Return what the first request with this key made, or None when this is the first.

    Parallel requests wait here for each other: one has the effect, the others get it. Raises
    :class:`InvalidInputError` when the key came with another body before, or is too long.
    """
    if request.key is None:
        return None
    if not 0 < len(request.key) <= KEY_CHARACTERS:
        raise InvalidInputError.of(
            "Idempotency-Key", "invalid", "An Idempotency-Key has 1 to 255 characters."
        )
    claimed = session.execute(
        insert(ReplayedRequest)
        .values(
            account_id=request.account_id,
            key_hash=request.key_hash,
            body_hash=request.body_hash,
            made_id=uuid4(),
            at=now,
        )
        .on_conflict_do_nothing()
        .returning(ReplayedRequest.made_id)
    ).one_or_none()
    if claimed is not None:
        return None
    row = session.get_one(ReplayedRequest, (request.account_id, request.key_hash), with_for_update=True)
    if row.at <= now - timedelta(hours=settings.idempotency_hours):
        row.body_hash, row.at = request.body_hash, now
        return None
    if row.body_hash != request.body_hash:
        raise InvalidInputError.of(
            "Idempotency-Key", "reused", "This Idempotency-Key was used for another request."
        )
    return row.made_id


def remember(session: Session, request: Request, made_id: UUID) -> None:
    """Write down what the first request made, in its own transaction: a refused one leaves no trace."""
    if request.key is not None:
        session.execute(
            update(ReplayedRequest)
            .where(
                ReplayedRequest.account_id == request.account_id,
                ReplayedRequest.key_hash == request.key_hash,
            )
            .values(made_id=made_id)
        )
