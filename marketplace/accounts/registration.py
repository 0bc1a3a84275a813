"""Use cases of registration: making an account and confirming its address.

Nothing here tells a stranger whether an address has an account: same result, same time, and whatever
differs goes by mail to the owner (A5, security.md A-06, A-07).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace import audit
from marketplace.accounts import passwords, policy
from marketplace.accounts.addresses import EmailAddress, parse_address
from marketplace.accounts.field_checks import language_faults, name_faults, tidy
from marketplace.accounts.hooks import AccountHooks
from marketplace.accounts.mail_requests import request_mail
from marketplace.accounts.models import Account, PasswordKind, Role, TokenPurpose
from marketplace.accounts.rows import account_by_address, locked_account
from marketplace.accounts.tokens import use_token
from marketplace.catalogues import N_
from marketplace.errors import FieldError, InvalidInputError
from marketplace.settings import Settings
from marketplace.terms import services as terms
from marketplace.terms.services import AcceptedVersion


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What a person gives to register (A3)."""

    first_name: str
    last_name: str
    birth_date: date
    email: str
    password: str | None = None
    language: str = "en"
    acceptances: Sequence[AcceptedVersion] = ()


@dataclass(frozen=True)
class Confirmed:
    """An address was confirmed; without a chosen password a temporary one is on its way (A3)."""

    account_id: UUID
    role: Role
    password_is_mailed: bool


def register_account(
    session: Session,
    now: datetime,
    settings: Settings,
    data: Registration,
    role: Role,
    *,
    company_name: str = "",
    other_faults: Iterable[FieldError] = (),
) -> UUID | None:
    """Register an account and mail the confirmation link; return its id (A1, A2, A3, A5).

    None when the address folds to a known one: no account is made, its owner gets a mail, and the
    caller answers as for a new one. ``other_faults`` are those of the role's own fields, told
    together with these. Raises :class:`InvalidInputError` (``too_young`` alone, before all else);
    nothing is stored then.
    """
    _refuse_too_young(settings, data.birth_date, now.date(), role)
    faults = [*_registration_faults(session, now, settings, data, role, company_name), *other_faults]
    if faults:
        raise InvalidInputError(faults)
    address = parse_address(data.email)
    password_hash = (
        passwords.hash_password(data.password, settings.password_hash_memory_kib) if data.password else None
    )
    account_id = insert_account(session, now, data, address, role, password_hash)
    if account_id is None:
        known = session.scalar(select(Account.id).where(Account.email_canonical == address.canonical))
        request_mail(session, now, "account_exists", known)
        return None
    terms.record_acceptances(session, now, account_id, role, data.language, data.acceptances)
    audit.record(
        session, now, "account.registered", actor_id=account_id, actor_role=role.value,
        subject_kind="account", subject_id=account_id, rule="A3",
    )  # fmt: skip
    request_mail(session, now, "confirm_email", account_id)
    return account_id


def insert_account(
    session: Session,
    now: datetime,
    data: Registration,
    address: EmailAddress,
    role: Role,
    password_hash: str | None,
) -> UUID | None:
    """Insert an account and return its id, None for a known address; the unique index decides (A5)."""
    return session.scalar(
        insert(Account)
        .values(
            role=role,
            email=address.given,
            email_canonical=address.canonical,
            first_name=tidy(data.first_name),
            last_name=tidy(data.last_name),
            birth_date=None if role is Role.ADMIN else data.birth_date,
            language=data.language,
            password_hash=password_hash,
            password_kind=PasswordKind.CHOSEN if password_hash else PasswordKind.NONE,
            registered_at=now,
        )
        .on_conflict_do_nothing(index_elements=["email_canonical"])
        .returning(Account.id)
    )


def confirm_email(session: Session, now: datetime, token: str, hooks: AccountHooks) -> Confirmed:
    """Use up a confirmation link: the address is the person's (A3, security.md A-09).

    Raises :class:`InvalidInputError` (``invalid_token``) for a link that is unknown, used, expired
    or made for another purpose.
    """
    account_id = use_token(session, now, token, TokenPurpose.CONFIRM_EMAIL)
    return confirm_account(session, now, account_id, hooks)


def confirm_account(
    session: Session, now: datetime, account_id: UUID, hooks: AccountHooks, *, mail_password: bool = True
) -> Confirmed:
    """Confirm an account whose address is known to be right; sample data may skip the password mail."""
    account = locked_account(session, account_id)
    role = Role(account.role)
    needs_password = account.password_kind == PasswordKind.NONE and mail_password
    if account.email_confirmed_at is None:
        account.email_confirmed_at = now
        session.flush()
        audit.record(
            session, now, "account.email_confirmed", actor_id=account_id, actor_role=role.value,
            subject_kind="account", subject_id=account_id, rule="A3",
        )  # fmt: skip
        if needs_password:
            request_mail(session, now, "temporary_password", account_id)
        hook = hooks.confirmed.get(role)
        if hook is not None:
            hook(session, now, account_id)
    return Confirmed(account_id, role, needs_password)


def resend_confirmation(session: Session, now: datetime, email: str) -> None:
    """Mail a new confirmation link to an account that still needs one; say nothing either way.

    Raises :class:`InvalidInputError` for what is no address at all.
    """
    account = account_by_address(session, parse_address(email))
    # A mail is asked for in any case, so that the time tells nothing; its composer knows who needs it.
    request_mail(session, now, "confirm_email", account.id if account is not None else uuid4())


def _refuse_too_young(settings: Settings, birth_date: date, today: date, role: Role) -> None:
    minimum = settings.recruiter_minimum_age if role is Role.RECRUITER else settings.minimum_age
    if not policy.is_plausible_birth_date(birth_date, today):
        raise InvalidInputError.of("birth_date", "implausible_date", "Enter your date of birth.")
    if not policy.is_old_enough(birth_date, today, minimum):
        message = N_("You must be at least %(minimum)s years old to register.")
        fault = FieldError("birth_date", "too_young", message, (("minimum", minimum),))
        raise InvalidInputError([fault], code="too_young")


def _registration_faults(
    session: Session, now: datetime, settings: Settings, data: Registration, role: Role, company_name: str
) -> list[FieldError]:
    faults = [*name_faults("first_name", data.first_name), *name_faults("last_name", data.last_name)]
    local = ""
    try:
        local = parse_address(data.email).given
    except InvalidInputError as refused:
        faults.extend(refused.errors)
    if data.password is not None:
        words = passwords.context_words(local, company_name, data.first_name, data.last_name)
        faults.extend(
            passwords.password_faults(
                data.password,
                minimum=settings.password_min_length,
                maximum=settings.password_max_length,
                context_words=words,
            )
        )
    faults.extend(
        language_faults(data.language)
        or terms.acceptance_faults(session, now.date(), role, data.language, data.acceptances)
    )
    return faults
