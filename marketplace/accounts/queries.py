"""Read SQL of accounts: sessions and members. Writes belong to ``services``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.accounts.models import Account, AccountSession, PasswordKind, Role, Transport


@dataclass(frozen=True, kw_only=True)
class LiveSession:
    """A session joined to its account, as read at one request (security.md S-04)."""

    session_id: UUID
    transport: Transport
    last_seen_at: datetime
    expires_at: datetime
    is_current_epoch: bool
    account_id: UUID
    role: Role
    email: str
    first_name: str
    last_name: str
    language: str
    password_kind: PasswordKind
    may_use_bearer: bool


_SESSION_BY_TOKEN = select(
    AccountSession.id.label("session_id"),
    AccountSession.transport,
    AccountSession.last_seen_at,
    AccountSession.expires_at,
    (AccountSession.epoch == Account.epoch).label("is_current_epoch"),
    Account.id.label("account_id"),
    Account.role,
    Account.email,
    Account.first_name,
    Account.last_name,
    Account.language,
    Account.password_kind,
    Account.may_use_bearer,
).join(Account, Account.id == AccountSession.account_id)


def session_by_token(session: Session, token_hash: bytes) -> LiveSession | None:
    """Return the session with this token hash, live or not; one indexed select."""
    row = session.execute(
        _SESSION_BY_TOKEN.where(AccountSession.token_hash == token_hash)
    ).one_or_none()
    if row is None:
        return None
    values = dict(row._mapping)
    values.update(
        role=Role(values["role"]),
        transport=Transport(values["transport"]),
        password_kind=PasswordKind(values["password_kind"]),
    )
    return LiveSession(**values)
