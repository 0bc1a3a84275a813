"""The random tokens of sessions and mailed links; of each only its SHA-256 is stored.

A link's token serves one purpose, once, until its end (security.md A-09, S-01).
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from marketplace.accounts.models import MailToken, TokenPurpose
from marketplace.catalogues import N_
from marketplace.errors import InvalidInputError


def new_token() -> str:
    """Return 256 random bits, fit for a URL and a header."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """Return what is stored of a token (security.md S-01, A-09)."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


def issue_token(
    session: Session, now: datetime, account_id: UUID, purpose: TokenPurpose, life: timedelta
) -> str:
    """Make the token of a mailed link; earlier ones of the purpose are void (R-01)."""
    void_tokens(session, account_id, purpose)
    token = new_token()
    session.add(
        MailToken(
            account_id=account_id,
            purpose=purpose,
            token_hash=hash_token(token),
            created_at=now,
            expires_at=now + life,
        )
    )
    session.flush()
    return token


def void_tokens(session: Session, account_id: UUID, purpose: TokenPurpose) -> None:
    """Make every outstanding link of a purpose useless."""
    session.execute(delete(MailToken).where(MailToken.account_id == account_id, MailToken.purpose == purpose))


def token_owner(session: Session, now: datetime, token: str, purpose: TokenPurpose) -> UUID:
    """Return whose link this is and leave it usable.

    Raises :class:`InvalidInputError` (``invalid_token``) for a link that is unknown, used, expired
    or made for another purpose.
    """
    account_id = session.scalar(
        select(MailToken.account_id).where(
            MailToken.token_hash == hash_token(token),
            MailToken.purpose == purpose,
            MailToken.used_at.is_(None),
            MailToken.expires_at > now,
        )
    )
    if account_id is None:
        raise invalid_token()
    return account_id


def use_token(session: Session, now: datetime, token: str, purpose: TokenPurpose) -> UUID:
    """Use up a link and return whose it is, in one statement: of two posts at once one is refused.

    Raises as :func:`token_owner` does.
    """
    account_id: UUID | None = session.scalar(
        update(MailToken)
        .where(
            MailToken.token_hash == hash_token(token),
            MailToken.purpose == purpose,
            MailToken.used_at.is_(None),
            MailToken.expires_at > now,
        )
        .values(used_at=now)
        .returning(MailToken.account_id)
    )
    if account_id is None:
        raise invalid_token()
    return account_id


def invalid_token() -> InvalidInputError:
    """Return the refusal of a link, the same whatever is wrong with it."""
    message = N_("This link is not valid any more. Ask for a new one.")
    return InvalidInputError.of("token", "invalid_token", message)
