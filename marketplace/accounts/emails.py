"""The mails of accounts, composed when they are sent, from an outbox row that holds ids only.

Tokens and temporary passwords are made here and stored as hashes in the transaction that marks the
message done: no secret waits in a queue. A composer returns None when the mail is no longer wanted.
People who have not confirmed their address are not greeted by name: anybody could have typed it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from marketplace.accounts import passwords, throttling
from marketplace.accounts.models import Account, AccountSession, PasswordKind, Role, TokenPurpose
from marketplace.accounts.tokens import issue_token
from marketplace.catalogues import N_
from marketplace.mail import Mail, letter
from marketplace.settings import Settings

Composer = Callable[[Session, datetime, Settings, dict[str, Any]], Mail | None]

TEMPORARY_PASSWORD_BYTES = 16
"""128 bits (security.md A-08)."""


def confirm_email(
    session: Session, now: datetime, settings: Settings, details: dict[str, Any]
) -> Mail | None:
    """The link that confirms an address (A3)."""
    account = _account(session, details)
    if account is None or account.email_confirmed_at is not None:
        return None
    return _mail(
        account,
        N_("Confirm your e-mail address"),
        N_("Hello,"),
        N_("Welcome to Talent Marketplace. Please confirm that this address is yours:"),
        "%(link)s",
        N_("The link works once, within %(hours)s hours. It opens a page with a button to press."),
        N_("If you did not register, ignore this mail: the account stays closed."),
        link=_confirmation_link(session, now, settings, account),
        hours=settings.confirmation_hours,
    )


def account_exists(
    session: Session, now: datetime, settings: Settings, details: dict[str, Any]
) -> Mail | None:
    """Tells the owner that somebody registered with their address again (A5)."""
    account = _account(session, details)
    if account is None:
        return None
    subject = N_("You already have an account")
    intro = N_("Somebody, perhaps you, has just tried to register at Talent Marketplace with this address.")
    if account.email_confirmed_at is None:
        return _mail(
            account,
            subject,
            N_("Hello,"),
            intro,
            N_("There is an account already, but its address is not confirmed yet. To confirm it:"),
            "%(link)s",
            N_("The link works once, within %(hours)s hours. It opens a page with a button to press."),
            N_("If you are not sure who chose its password, set a new one afterwards: %(forgotten)s"),
            N_("If it was not you, ignore this mail: the account stays closed."),
            link=_confirmation_link(session, now, settings, account),
            hours=settings.confirmation_hours,
            forgotten=f"{settings.base_url}/forgotten-password",
        )
    return _mail(
        account,
        subject,
        N_("Hello %(name)s,"),
        intro,
        N_("You have an account already, so no second one was made. To sign in: %(sign_in)s"),
        N_("If you no longer know your password: %(forgotten)s"),
        N_("If it was not you, there is nothing to do: nobody got in, and nothing was changed."),
        sign_in=f"{settings.base_url}/sign-in",
        forgotten=f"{settings.base_url}/forgotten-password",
    )


def temporary_password(
    session: Session, now: datetime, settings: Settings, details: dict[str, Any]
) -> Mail | None:
    """A password for one sign-in, for those who chose none (A3, security.md A-08)."""
    account = _account(session, details, lock=True)
    if account is None or account.password_kind != PasswordKind.NONE:
        return None
    secret = secrets.token_urlsafe(TEMPORARY_PASSWORD_BYTES)
    account.password_hash = passwords.hash_password(secret, settings.password_hash_memory_kib)
    account.password_kind = PasswordKind.TEMPORARY
    account.password_expires_at = now + timedelta(hours=settings.temporary_password_hours)
    throttling.forget(session, settings, account.email)  # what failed were tries at another password
    session.flush()
    return _mail(
        account,
        N_("Your temporary password"),
        N_("Hello %(name)s,"),
        N_("Your address is confirmed. This password lets you in once:"),
        "%(secret)s",
        N_("Sign in with it within %(hours)s hours; you will then choose your own: %(sign_in)s"),
        N_("If it has expired, set a password here: %(forgotten)s"),
        secret=secret,
        hours=settings.temporary_password_hours,
        sign_in=f"{settings.base_url}/sign-in",
        forgotten=f"{settings.base_url}/forgotten-password",
    )


def password_reset(
    session: Session, now: datetime, settings: Settings, details: dict[str, Any]
) -> Mail | None:
    """The link that sets a new password; void once something else came first (A6, R-01)."""
    account = _account(session, details)
    if account is None or account.closed_at is not None:
        return None
    if account.epoch != details["epoch"] or _signed_in_since(session, details):
        return None
    if account.suspended_at is not None and account.suspended_at >= _requested_at(details):
        return None
    life = timedelta(minutes=settings.reset_minutes)
    token = issue_token(session, now, account.id, TokenPurpose.RESET_PASSWORD, life)
    return _mail(
        account,
        N_("Set a new password"),
        N_("Hello %(name)s,"),
        N_("Somebody, perhaps you, asked to set a new password for your account. To set it:"),
        "%(link)s",
        N_("The link works once, within %(minutes)s minutes, and ends every session that is open."),
        N_("If it was not you, ignore this mail: your password stays as it is."),
        link=f"{settings.base_url}/reset-password/{token}",
        minutes=settings.reset_minutes,
    )


def password_changed(
    session: Session,
    now: datetime,  # noqa: ARG001  (every composer has this signature)
    settings: Settings,
    details: dict[str, Any],
) -> Mail | None:
    """Tells that the password was changed; holds no secret (R-04, S-05)."""
    account = _account(session, details)
    if account is None:
        return None
    return _mail(
        account,
        N_("Your password was changed"),
        N_("Hello %(name)s,"),
        N_("The password of your account has just been changed, and your other sessions were ended."),
        N_("If it was not you, set a new one at once: %(forgotten)s"),
        forgotten=f"{settings.base_url}/forgotten-password",
    )


def password_disabled(
    session: Session,
    now: datetime,  # noqa: ARG001  (every composer has this signature)
    settings: Settings,
    details: dict[str, Any],
) -> Mail | None:
    """Tells that too many failed sign-ins disabled the password (security.md A-04); an admin has no reset."""
    account = _account(session, details)
    if account is None or account.password_hash is not None or account.email_confirmed_at is None:
        return None
    if account.role == Role.ADMIN:
        way_out = N_("Ask whoever runs the service to renew your password from the command line.")
    else:
        way_out = N_("To sign in again, set a new password: %(forgotten)s")
    return _mail(
        account,
        N_("Your password was disabled"),
        N_("Hello %(name)s,"),
        N_("Somebody tried %(count)s times in a row to sign in to your account and failed each time."),
        N_("To keep them out, your password works no more. Sessions that are open stay open."),
        way_out,
        count=settings.sign_in_disable_after,
        forgotten=f"{settings.base_url}/forgotten-password",
    )


def session_ended(
    session: Session,
    now: datetime,  # noqa: ARG001  (every composer has this signature)
    settings: Settings,
    details: dict[str, Any],
) -> Mail | None:
    """Tells a recruiter that a new sign-in ended their oldest session (S-05)."""
    account = _account(session, details)
    if account is None:
        return None
    return _mail(
        account,
        N_("One of your sessions was ended"),
        N_("Hello %(name)s,"),
        N_("You signed in once more. A recruiter can have %(limit)s sessions; the oldest one was ended."),
        N_("Your account is personal. If it was not you, set a new password: %(forgotten)s"),
        limit=settings.recruiter_sessions,
        forgotten=f"{settings.base_url}/forgotten-password",
    )


EMAILS: dict[str, Composer] = {
    "confirm_email": confirm_email,
    "account_exists": account_exists,
    "temporary_password": temporary_password,
    "password_reset": password_reset,
    "password_changed": password_changed,
    "password_disabled": password_disabled,
    "session_ended": session_ended,
}


def _account(session: Session, details: dict[str, Any], *, lock: bool = False) -> Account | None:
    try:
        account_id = UUID(details["account_id"])
    except ValueError:
        return None
    return session.get(Account, account_id, with_for_update=True if lock else None, populate_existing=True)


def _confirmation_link(session: Session, now: datetime, settings: Settings, account: Account) -> str:
    life = timedelta(hours=settings.confirmation_hours)
    token = issue_token(session, now, account.id, TokenPurpose.CONFIRM_EMAIL, life)
    return f"{settings.base_url}/confirm-email/{token}"


def _requested_at(details: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(details["requested_at"])


def _signed_in_since(session: Session, details: dict[str, Any]) -> bool:
    return bool(
        session.scalar(
            select(
                exists().where(
                    AccountSession.account_id == UUID(details["account_id"]),
                    AccountSession.created_at > _requested_at(details),
                )
            )
        )
    )


def _mail(account: Account, subject: str, *paragraphs: str, **values: object) -> Mail:
    known = {"name": account.first_name, **values}
    return letter(account.email, account.language, subject, paragraphs, known)
