"""Use cases of passwords: reset by a mailed link, changed by who knows it, set by an operator.

Which passwords are good enough, and their hashes, are in ``passwords.py``. Asking for a reset tells
a stranger nothing: same result, same time, and whatever differs goes by mail to the owner (A6,
security.md A-06, A-07).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from marketplace import audit
from marketplace.accounts import passwords, throttling
from marketplace.accounts.addresses import parse_address
from marketplace.accounts.mail_requests import request_mail
from marketplace.accounts.models import Account, AccountSession, PasswordKind, Role, TokenPurpose
from marketplace.accounts.rows import account_by_address, locked_account
from marketplace.accounts.tokens import (
    hash_token,
    invalid_token,
    new_token,
    token_owner,
    use_token,
    void_tokens,
)
from marketplace.catalogues import N_
from marketplace.errors import InvalidInputError, NotSignedInError
from marketplace.settings import Settings


@dataclass(frozen=True)
class NewToken:
    """The token under which a session goes on; its end stays what it was."""

    token: str
    expires_at: datetime


def request_password_reset(session: Session, now: datetime, email: str) -> None:
    """Mail a reset link to the owner of the address; say nothing either way (A6, R-01, R-04).

    An earlier link is void from now on. An unconfirmed account gets its confirmation link again,
    an admin nothing: see :func:`~marketplace.accounts.admins.create_admin`. Raises
    :class:`InvalidInputError` for what is no address at all.
    """
    account = account_by_address(session, parse_address(email))
    if account is not None and account.email_confirmed_at is None:
        request_mail(session, now, "confirm_email", account.id)
        return
    # Who has no account, or is an admin, costs the same work, for nobody: the time tells nothing.
    is_known = account is not None and account.role != Role.ADMIN
    account_id = account.id if account is not None and is_known else uuid4()
    void_tokens(session, account_id, TokenPurpose.RESET_PASSWORD)
    audit.record(
        session, now, "password.reset_requested", actor_id=account_id if is_known else None,
        actor_role=account.role if account is not None and is_known else "nobody",
        subject_kind="account", subject_id=account_id, rule="A6",
    )  # fmt: skip
    request_mail(
        session, now, "password_reset", account_id,
        requested_at=now.isoformat(), epoch=account.epoch if account is not None else 0,
    )  # fmt: skip


def reset_password(session: Session, now: datetime, settings: Settings, token: str, password: str) -> None:
    """Set a new password by a mailed link, and end every session (A6, R-01, R-04).

    A refused password leaves the link usable. Nobody is signed in by this. Raises
    :class:`InvalidInputError` on ``token`` (``invalid_token``) or ``password``.
    """
    account = session.get(Account, token_owner(session, now, token, TokenPurpose.RESET_PASSWORD))
    if account is None:
        raise invalid_token()
    new_hash = _checked_hash(settings, account, password, "password")
    use_token(session, now, token, TokenPurpose.RESET_PASSWORD)
    account = locked_account(session, account.id)
    _store_password(session, settings, account, new_hash)
    session.execute(delete(AccountSession).where(AccountSession.account_id == account.id))
    audit.record(
        session, now, "password.reset", actor_id=account.id, actor_role=account.role,
        subject_kind="account", subject_id=account.id, rule="A6",
    )  # fmt: skip
    request_mail(session, now, "password_changed", account.id)


def change_password(
    session: Session,
    now: datetime,
    settings: Settings,
    account_id: UUID,
    session_id: UUID,
    current_password: str | None,
    new_password: str,
) -> NewToken:
    """Change the password; return the new token of this session, the others end (S-03, S-04, A3).

    The current password is asked for unless it is a temporary one, which its use already spent.
    Raises :class:`InvalidInputError` on ``current_password`` or ``new_password``.
    """
    account = locked_account(session, account_id)
    memory = settings.password_hash_memory_kib
    if account.password_kind == PasswordKind.CHOSEN:
        check = passwords.verify_password(account.password_hash, current_password or "", memory)
        if not check.is_right:
            message = N_("This is not your current password.")
            raise InvalidInputError.of("current_password", "wrong_password", message)
    new_hash = _checked_hash(settings, account, new_password, "new_password")
    if current_password is not None and current_password == new_password:
        message = N_("Choose a password that you did not use here before.")
        raise InvalidInputError.of("new_password", "password_unchanged", message)
    _store_password(session, settings, account, new_hash)
    session.execute(
        delete(AccountSession).where(AccountSession.account_id == account_id, AccountSession.id != session_id)
    )
    token = new_token()
    expires_at = session.scalar(
        update(AccountSession)
        .where(AccountSession.id == session_id, AccountSession.account_id == account_id)
        .values(token_hash=hash_token(token), epoch=account.epoch, last_seen_at=now)
        .returning(AccountSession.expires_at)
    )
    if expires_at is None:
        raise NotSignedInError
    audit.record(
        session, now, "password.changed", actor_id=account_id, actor_role=account.role,
        subject_kind="account", subject_id=account_id, rule="A3",
    )  # fmt: skip
    request_mail(session, now, "password_changed", account_id)
    return NewToken(token, expires_at)


def set_password(session: Session, settings: Settings, account_id: UUID, password: str) -> None:
    """Give an account a chosen password without asking for an old one (command line, sample data).

    No page or route calls this: a member changes a password by knowing it or by a mailed link.
    """
    account = locked_account(session, account_id)
    account.password_hash = passwords.hash_password(password, settings.password_hash_memory_kib)
    account.password_kind = PasswordKind.CHOSEN
    account.password_expires_at = None
    throttling.forget(session, settings, account.email)


def _checked_hash(settings: Settings, account: Account, password: str, field_name: str) -> str:
    words = passwords.context_words(account.email, account.first_name, account.last_name)
    faults = passwords.password_faults(
        password,
        minimum=settings.password_min_length,
        maximum=settings.password_max_length,
        context_words=words,
        field=field_name,
    )
    if faults:
        raise InvalidInputError(faults)
    return passwords.hash_password(password, settings.password_hash_memory_kib)


def _store_password(session: Session, settings: Settings, account: Account, new_hash: str) -> None:
    """Store a chosen password; a new epoch voids what was signed in with the old one.

    Failures of before were tries at the old one: no lock outlives a reset (security.md A-05).
    """
    account.password_hash = new_hash
    account.password_kind = PasswordKind.CHOSEN
    account.password_expires_at = None
    account.epoch += 1
    throttling.forget(session, settings, account.email)
    void_tokens(session, account.id, TokenPurpose.RESET_PASSWORD)
    session.flush()
