"""Use cases of admins: their accounts, made by the command line alone, and access for programs (E8)."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from marketplace import audit
from marketplace.accounts.addresses import EmailAddress, parse_address
from marketplace.accounts.field_checks import NAME_MAX_LENGTH, language_faults
from marketplace.accounts.mail_requests import request_mail
from marketplace.accounts.models import AccountSession, PasswordKind, Role
from marketplace.accounts.registration import Registration, insert_account
from marketplace.accounts.rows import account_by_address, locked_account
from marketplace.errors import ConflictError, InvalidInputError


def create_admin(
    session: Session,
    now: datetime,
    email: str,
    *,
    first_name: str = "",
    last_name: str = "",
    language: str = "en",
) -> UUID:
    """Make an admin's account from the command line, the only place that can; return its id.

    The address gets a confirmation link, then a temporary password (A3); documents are accepted at
    the first sign-in. For an admin who is there already the password is renewed instead: they have
    no recovery by mail (security.md R-04). Raises :class:`InvalidInputError`,
    :class:`ConflictError` (another member has the address).
    """
    address = parse_address(email)
    faults = language_faults(language)
    if faults:
        raise InvalidInputError(faults)
    data = Registration(
        first_name=first_name or address.local[:NAME_MAX_LENGTH],
        last_name=last_name,
        birth_date=date.min,
        email=email,
        language=language,
    )
    account_id = insert_account(session, now, data, address, Role.ADMIN, None)
    if account_id is None:
        return _renew_password(session, now, address)
    audit.record(
        session, now, "admin.created", actor_id=None, actor_role="system",
        subject_kind="account", subject_id=account_id, rule="E8",
    )  # fmt: skip
    request_mail(session, now, "confirm_email", account_id)
    return account_id


def grant_bearer(session: Session, now: datetime, admin_id: UUID, account_id: UUID) -> None:
    """Let a member sign in as a program; :class:`NotFoundError` for nobody (interface.md)."""
    account = locked_account(session, account_id)
    account.may_use_bearer = True
    audit.record(
        session, now, "bearer.granted", actor_id=admin_id, actor_role=Role.ADMIN.value,
        subject_kind="account", subject_id=account_id, rule="E8",
    )  # fmt: skip


def _renew_password(session: Session, now: datetime, address: EmailAddress) -> UUID:
    known = account_by_address(session, address)
    if known is None or known.role != Role.ADMIN:
        raise ConflictError("address_taken", "This address already has an account.")
    account = locked_account(session, known.id)
    account.password_hash = None
    account.password_kind = PasswordKind.NONE
    account.password_expires_at = None
    account.epoch += 1
    session.flush()
    session.execute(delete(AccountSession).where(AccountSession.account_id == account.id))
    audit.record(
        session, now, "password.renewed", actor_id=None, actor_role="system",
        subject_kind="account", subject_id=account.id, rule="A3",
    )  # fmt: skip
    is_confirmed = account.email_confirmed_at is not None
    request_mail(session, now, "temporary_password" if is_confirmed else "confirm_email", account.id)
    return account.id
