"""Rows of accounts, for use cases that change them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.accounts.addresses import EmailAddress
from marketplace.accounts.models import Account
from marketplace.errors import NotFoundError


def account_by_address(session: Session, address: EmailAddress) -> Account | None:
    """Return the account of an address, however it is written; None for nobody (A5)."""
    return session.scalar(select(Account).where(Account.email_canonical == address.canonical))


def locked_account(session: Session, account_id: UUID) -> Account:
    """Return an account, locked for a change; :class:`NotFoundError` for nobody."""
    account = session.get(Account, account_id, with_for_update=True, populate_existing=True)
    if account is None:
        raise NotFoundError
    return account
