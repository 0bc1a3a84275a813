"""Use cases of sessions: opening, seeing and ending them (security.md S-01 to S-05).

How a sign-in gets here is in ``signing_in.py``. A session is a row; its token is random, travels
once and is stored as SHA-256 only. Whatever changes the password raises the account's epoch, which
voids every older session.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from marketplace import audit
from marketplace.accounts import queries
from marketplace.accounts.addresses import parse_address
from marketplace.accounts.hooks import AccountHooks
from marketplace.accounts.mail_requests import request_mail
from marketplace.accounts.models import Account, AccountSession, PasswordKind, Role, TokenPurpose, Transport
from marketplace.accounts.policy import next_step, suspension_in_force
from marketplace.accounts.rows import account_by_address
from marketplace.accounts.tokens import hash_token, new_token, void_tokens
from marketplace.catalogues import N_
from marketplace.errors import InvalidInputError, NotFoundError, NotSignedInError
from marketplace.settings import Settings
from marketplace.terms.queries import outstanding_documents

TOUCH_EVERY = timedelta(minutes=1)
"""How often a live session's last use is written down; the idle limit is that much longer at most."""


class WrongCredentialsError(NotSignedInError):
    """Unknown, wrong, unconfirmed, expired: all the same answer (security.md A-06)."""

    code = "wrong_credentials"
    message = N_("The e-mail address or the password is wrong, or the address is not confirmed yet.")


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What a submitted password is verified against."""

    account_id: UUID | None = None
    password_hash: str | None = None
    may_use_bearer: bool = False


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """A new session; ``token`` is given to its owner once and never seen again."""

    token: str
    account_id: UUID
    session_id: UUID
    role: Role
    transport: Transport
    email: str
    first_name: str
    last_name: str
    language: str
    may_use_bearer: bool
    expires_at: datetime
    next: str | None
    suspended_by: UUID | None


def credentials_of(session: Session, now: datetime, email: str) -> Credentials:
    """Return what a submitted password is verified against; of nobody, nothing fits (A-06, A-07).

    An unconfirmed address and an expired temporary password (A3) have nothing that fits either.
    """
    account = _account_of(session, email)
    if account is None:
        return Credentials()
    return Credentials(
        account_id=account.id,
        password_hash=account.password_hash if _may_try(account, now) else None,
        may_use_bearer=account.may_use_bearer,
    )


def open_session(
    session: Session,
    now: datetime,
    settings: Settings,
    verified: Credentials,
    new_hash: str | None,
    *,
    transport: Transport,
    client: str,
    address: str,
    hooks: AccountHooks,
) -> SignedIn | None:
    """Open a session for a password that was right; None when it is no longer the account's (A-06).

    A temporary password is spent by this (A3); ``new_hash`` replaces one of older parameters (A-01). A
    suspended member gets in, to the statement and no further (E5).
    """
    account = session.get(Account, verified.account_id)
    if account is None or not _claim(session, now, account, verified.password_hash, new_hash):
        return None
    hooks.tell_signed_in(session, now, account.id, Role(account.role))
    return _open(session, now, settings, account, transport, client, address)


def disable_password(session: Session, now: datetime, account_id: UUID | None) -> None:
    """Drop the password of an account that was tried too often, and tell its owner, once (A-04).

    A reset sets a new one; sessions that are open go on (A-05). For nobody it costs the same.
    """
    role = session.scalar(
        update(Account)
        .where(Account.id == (account_id or uuid4()), Account.password_hash.is_not(None))
        .values(password_hash=None)
        .returning(Account.role)
        .execution_options(synchronize_session=False)
    )
    if account_id is not None and role is not None:
        audit.record(
            session, now, "password.disabled", actor_id=None, actor_role="system",
            subject_kind="account", subject_id=account_id, rule="A-04",
        )  # fmt: skip
        request_mail(session, now, "password_disabled", account_id)


def touch_session(session: Session, now: datetime, session_id: UUID, account_id: UUID) -> None:
    """Note that a session is in use; the edge calls it when the last note is a minute old (S-02, B5)."""
    session.execute(
        update(AccountSession)
        .where(AccountSession.id == session_id, AccountSession.last_seen_at < now)
        .values(last_seen_at=now)
    )
    session.execute(
        update(Account)
        .where(
            Account.id == account_id,
            or_(Account.last_activity_at.is_(None), Account.last_activity_at < now),
        )
        .values(last_activity_at=now)
    )


def sign_out(session: Session, now: datetime, account_id: UUID, session_id: UUID) -> None:
    """End one's current session; ending it twice is no error (S-04)."""
    _end(session, now, account_id, session_id, "session.signed_out")


def end_session(session: Session, now: datetime, account_id: UUID, session_id: UUID) -> None:
    """End one of one's own sessions; :class:`NotFoundError` for any other (S-05, Z-02)."""
    if not _end(session, now, account_id, session_id, "session.ended"):
        raise NotFoundError


def end_all(session: Session, now: datetime, account_id: UUID, *, keep: UUID | None = None) -> int:
    """End all of a member's sessions but ``keep``; return how many ended (S-04)."""
    role = session.scalar(select(Account.role).where(Account.id == account_id))
    if role is None:
        raise NotFoundError
    statement = delete(AccountSession).where(AccountSession.account_id == account_id)
    if keep is not None:
        statement = statement.where(AccountSession.id != keep)
    ended = len(session.scalars(statement.returning(AccountSession.id)).all())
    _audit(session, now, "session.all_ended", account_id, Role(role), ended=ended)
    return ended


def _account_of(session: Session, email: str) -> Account | None:
    try:
        address = parse_address(email)
    except InvalidInputError:
        return None
    return account_by_address(session, address)


def _may_try(account: Account, now: datetime) -> bool:
    if account.email_confirmed_at is None or account.closed_at is not None:
        return False
    expires_at = account.password_expires_at
    return expires_at is None or now < expires_at


def _claim(
    session: Session, now: datetime, account: Account, stored: str | None, new_hash: str | None
) -> bool:
    """Lock the account and spend a temporary password; False when another request was first.

    The comparison with the hash that was verified also refuses a password changed meanwhile.
    """
    is_temporary = account.password_kind == PasswordKind.TEMPORARY
    claimed = session.scalar(
        update(Account)
        .where(Account.id == account.id, Account.password_hash == stored)
        .values(
            password_hash=None if is_temporary else (new_hash or stored),
            last_activity_at=now,
        )
        .returning(Account.id)
        .execution_options(synchronize_session=False)
    )
    session.refresh(account)
    return claimed is not None


def _open(
    session: Session,
    now: datetime,
    settings: Settings,
    account: Account,
    transport: Transport,
    client: str,
    address: str,
) -> SignedIn:
    role = Role(account.role)
    void_tokens(session, account.id, TokenPurpose.RESET_PASSWORD)
    _drop_dead_sessions(session, now, settings, account.id)
    if role is Role.RECRUITER:
        _make_room(session, now, settings, account.id)
    token = new_token()
    row = AccountSession(
        token_hash=hash_token(token),
        account_id=account.id,
        epoch=account.epoch,
        transport=transport,
        created_at=now,
        last_seen_at=now,
        expires_at=now + queries.session_limits(settings, role).absolute,
        client=client[:120],
        address=address[:45],
    )
    session.add(row)
    session.flush()
    _audit(session, now, "session.signed_in", account.id, role, transport=transport.value)
    return SignedIn(
        token=token,
        account_id=account.id,
        session_id=row.id,
        role=role,
        transport=transport,
        email=account.email,
        first_name=account.first_name,
        last_name=account.last_name,
        language=account.language,
        may_use_bearer=account.may_use_bearer,
        expires_at=row.expires_at,
        next=next_step(
            password_is_temporary=account.password_kind == PasswordKind.TEMPORARY,
            documents_outstanding=bool(outstanding_documents(session, account.id, now.date())),
        ),
        suspended_by=suspension_in_force(account.suspended_by, account.suspended_until, now),
    )


def _drop_dead_sessions(session: Session, now: datetime, settings: Settings, account_id: UUID) -> None:
    live = {row.id for row in queries.live_sessions(session, now, settings, account_id)}
    session.execute(
        delete(AccountSession).where(AccountSession.account_id == account_id, AccountSession.id.not_in(live))
    )


def _make_room(session: Session, now: datetime, settings: Settings, account_id: UUID) -> None:
    """End a recruiter's oldest sessions so that one more is within the limit, and say so (S-05)."""
    live = session.scalars(
        select(AccountSession.id)
        .where(AccountSession.account_id == account_id)
        .order_by(AccountSession.created_at.desc(), AccountSession.id)
    ).all()
    surplus = live[settings.recruiter_sessions - 1 :]
    if not surplus:
        return
    session.execute(delete(AccountSession).where(AccountSession.id.in_(surplus)))
    _audit(session, now, "session.limit_reached", account_id, Role.RECRUITER, ended=len(surplus))
    request_mail(session, now, "session_ended", account_id)


def _end(session: Session, now: datetime, account_id: UUID, session_id: UUID, act: str) -> bool:
    ended = session.scalar(
        delete(AccountSession)
        .where(AccountSession.id == session_id, AccountSession.account_id == account_id)
        .returning(AccountSession.id)
    )
    if ended is None:
        return False
    role = session.scalar(select(Account.role).where(Account.id == account_id))
    _audit(session, now, act, account_id, Role(role or ""), session_id=str(session_id))
    return True


def _audit(
    session: Session, now: datetime, act: str, account_id: UUID, role: Role, **details: object
) -> None:
    audit.record(
        session, now, act, actor_id=account_id, actor_role=role.value,
        subject_kind="account", subject_id=account_id, rule="S-04", **details,
    )  # fmt: skip
