"""What a suspension does to an account; moderation decides and calls (rules E5).

The columns written here are what every request reads: they say which sanction holds and until when,
so that a suspension is obeyed by the next request of every session, in every process (S-04).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.accounts.models import Account, Role, TokenPurpose
from marketplace.accounts.tokens import void_tokens
from marketplace.errors import NotFoundError


def hold(session: Session, account_id: UUID) -> Role:
    """Lock an account for a change of its standing and return its role; else :class:`NotFoundError`.

    The lock leaves its key alone: who holds a candidate and writes a row that refers to the account
    does not wait for it, so that the two never wait for each other.
    """
    account = session.get(Account, account_id, with_for_update={"key_share": True}, populate_existing=True)
    if account is None:
        raise NotFoundError("account")
    return Role(account.role)


def suspend(
    session: Session, now: datetime, account_id: UUID, sanction_id: UUID, until: datetime | None
) -> None:
    """Let the account be suspended by ``sanction_id``; reset links that were asked for are void (R-01)."""
    account = session.get_one(Account, account_id)
    account.suspended_by, account.suspended_until, account.suspended_at = sanction_id, until, now
    void_tokens(session, account_id, TokenPurpose.RESET_PASSWORD)
    session.flush()


def hold_on(session: Session, account_id: UUID, sanction_id: UUID, until: datetime | None) -> None:
    """Let a suspension go on under another sanction than before."""
    account = session.get_one(Account, account_id)
    account.suspended_by, account.suspended_until = sanction_id, until
    session.flush()


def reinstate(session: Session, account_id: UUID) -> None:
    """Let the account be free again; its sessions go on."""
    account = session.get_one(Account, account_id)
    account.suspended_by = account.suspended_until = None
    session.flush()


def due(session: Session, now: datetime, limit: int) -> Sequence[UUID]:
    """Return accounts whose suspension has run out, the longest waiting first."""
    statement = (
        select(Account.id)
        .where(Account.suspended_by.is_not(None), Account.suspended_until <= now)
        .order_by(Account.suspended_until, Account.id)
        .limit(limit)
    )
    return session.scalars(statement).all()
