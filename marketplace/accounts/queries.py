"""Reading accounts and sessions. Columns, not entities: the session is read at each request."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Select, bindparam, select
from sqlalchemy.orm import Session

from marketplace.accounts import policy
from marketplace.accounts.models import Account, AccountSession, PasswordKind, Role, Transport
from marketplace.errors import NotFoundError
from marketplace.settings import Settings
from marketplace.terms.queries import has_outstanding_documents


@dataclass(frozen=True, kw_only=True)
class SessionFacts:
    """A live session with what the edge needs to know of its member, read per request (S-04)."""

    session_id: UUID
    account_id: UUID
    role: Role
    transport: Transport
    email: str
    first_name: str
    last_name: str
    language: str
    may_use_bearer: bool
    next: str | None
    suspended_by: UUID | None
    """The sanction in force at this instant (E5)."""
    is_reinstatement_due: bool
    """A suspension has run out, and nobody has written the reinstatement down yet."""
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class ContactDetails:
    """Who a member is to others who are entitled to know."""

    account_id: UUID
    role: Role
    email: str
    first_name: str
    last_name: str
    language: str
    is_confirmed: bool
    registered_at: datetime


@dataclass(frozen=True, kw_only=True)
class OwnData:
    """What a member sees of their own account."""

    account_id: UUID
    role: Role
    email: str
    first_name: str
    last_name: str
    birth_date: date | None
    language: str
    registered_at: datetime
    has_password: bool


@dataclass(frozen=True, kw_only=True)
class LiveSession:
    """A line of the list of one's own sessions (S-05)."""

    id: UUID
    transport: Transport
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    client: str
    address: str
    is_current: bool


def session_limits(settings: Settings, role: Role) -> policy.SessionLimits:
    """Return the idle and absolute limits of a role's sessions (S-02)."""
    if role is Role.ADMIN:
        return policy.SessionLimits(
            timedelta(minutes=settings.admin_session_idle_minutes),
            timedelta(hours=settings.admin_session_absolute_hours),
        )
    return policy.SessionLimits(
        timedelta(minutes=settings.session_idle_minutes), timedelta(hours=settings.session_absolute_hours)
    )


@cache
def _session_statement() -> Select[*tuple[Any, ...]]:
    today = bindparam("today", type_=Date)
    return (
        select(
            AccountSession.id.label("session_id"),
            AccountSession.transport,
            AccountSession.created_at,
            AccountSession.last_seen_at,
            AccountSession.expires_at,
            Account.id.label("account_id"),
            Account.role,
            Account.email,
            Account.first_name,
            Account.last_name,
            Account.language,
            Account.may_use_bearer,
            Account.password_kind,
            Account.suspended_by,
            Account.suspended_until,
            has_outstanding_documents(today).label("documents_outstanding"),
        )
        .join(Account, Account.id == AccountSession.account_id)
        .where(
            AccountSession.token_hash == bindparam("token_hash"),
            AccountSession.epoch == Account.epoch,
            Account.email_confirmed_at.is_not(None),
            Account.closed_at.is_(None),
        )
    )


def session_by_token(
    session: Session, now: datetime, settings: Settings, token_hash: bytes
) -> SessionFacts | None:
    """Return the live session of a token's SHA-256, or None (S-01, S-02, S-04).

    One statement; role, suspension, state of the password and outstanding documents are those of
    this instant.
    A bearer session ends when the grant is taken back.
    """
    row = session.execute(_session_statement(), {"token_hash": token_hash, "today": now.date()}).one_or_none()
    if row is None:
        return None
    role, transport = Role(row.role), Transport(row.transport)
    times = policy.SessionTimes(row.last_seen_at, row.expires_at)
    if not policy.is_session_live(times, session_limits(settings, role), now):
        return None
    if transport is Transport.BEARER and not row.may_use_bearer:
        return None
    suspended_by = policy.suspension_in_force(row.suspended_by, row.suspended_until, now)
    return SessionFacts(
        session_id=row.session_id,
        account_id=row.account_id,
        role=role,
        transport=transport,
        email=row.email,
        first_name=row.first_name,
        last_name=row.last_name,
        language=row.language,
        may_use_bearer=row.may_use_bearer,
        next=policy.next_step(
            password_is_temporary=row.password_kind == PasswordKind.TEMPORARY,
            documents_outstanding=row.documents_outstanding,
        ),
        suspended_by=suspended_by,
        is_reinstatement_due=row.suspended_by is not None and suspended_by is None,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
    )


def live_sessions(
    session: Session, now: datetime, settings: Settings, account_id: UUID, current: UUID | None = None
) -> tuple[LiveSession, ...]:
    """Return a member's live sessions, the most recently used first (S-05)."""
    rows = session.execute(
        select(AccountSession, Account.role)
        .join(Account, Account.id == AccountSession.account_id)
        .where(AccountSession.account_id == account_id, AccountSession.epoch == Account.epoch)
        .order_by(AccountSession.last_seen_at.desc(), AccountSession.id)
    )
    return tuple(
        LiveSession(
            id=row.id,
            transport=Transport(row.transport),
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            expires_at=row.expires_at,
            client=row.client,
            address=row.address,
            is_current=row.id == current,
        )
        for row, role in rows
        if policy.is_session_live(
            policy.SessionTimes(row.last_seen_at, row.expires_at), session_limits(settings, Role(role)), now
        )
    )


def contact_details(session: Session, account_id: UUID) -> ContactDetails:
    """Return names, address and language of a member; :class:`NotFoundError` for nobody."""
    found = contact_details_of(session, (account_id,))
    if account_id not in found:
        raise NotFoundError
    return found[account_id]


def contact_details_of(session: Session, account_ids: Collection[UUID]) -> Mapping[UUID, ContactDetails]:
    """Return the same for several members, by id; unknown ids are missing."""
    rows = session.execute(
        select(
            Account.id,
            Account.role,
            Account.email,
            Account.first_name,
            Account.last_name,
            Account.language,
            Account.email_confirmed_at,
            Account.registered_at,
        ).where(Account.id.in_(account_ids))
    )
    return {
        row.id: ContactDetails(
            account_id=row.id,
            role=Role(row.role),
            email=row.email,
            first_name=row.first_name,
            last_name=row.last_name,
            language=row.language,
            is_confirmed=row.email_confirmed_at is not None,
            registered_at=row.registered_at,
        )
        for row in rows
    }


def own_data(session: Session, account_id: UUID) -> OwnData:
    """Return what a member may read and correct (A7); :class:`NotFoundError` for nobody."""
    account = session.get(Account, account_id)
    if account is None:
        raise NotFoundError
    return OwnData(
        account_id=account.id,
        role=Role(account.role),
        email=account.email,
        first_name=account.first_name,
        last_name=account.last_name,
        birth_date=account.birth_date,
        language=account.language,
        registered_at=account.registered_at,
        has_password=account.password_kind == PasswordKind.CHOSEN,
    )


def is_suspended(session: Session, now: datetime, account_id: UUID) -> bool:
    """Whether an account is suspended at ``now`` (E5); nobody's is not."""
    row = session.execute(
        select(Account.suspended_by, Account.suspended_until).where(Account.id == account_id)
    ).one_or_none()
    return row is not None and policy.suspension_in_force(*row, now) is not None


def birth_date(session: Session, account_id: UUID) -> date:
    """Return a candidate's or recruiter's birth date; :class:`NotFoundError` for nobody."""
    found = session.scalar(select(Account.birth_date).where(Account.id == account_id))
    if found is None:
        raise NotFoundError
    return found
