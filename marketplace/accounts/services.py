"""Use cases of accounts: registering, confirming, passwords, own data, grants.

Signing in and sessions are in ``sessions.py``. Nothing here tells a stranger whether an address has
an account: same result, same time, and whatever differs goes by mail to the owner (A5, A6,
security.md A-06, A-07).
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid4

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace import audit, outbox
from marketplace.accounts import passwords, policy, throttling
from marketplace.accounts.addresses import EmailAddress, parse_address
from marketplace.accounts.models import (
    Account,
    AccountSession,
    MailToken,
    PasswordKind,
    Role,
    TokenPurpose,
)
from marketplace.catalogues import LANGUAGES, N_
from marketplace.errors import ConflictError, FieldError, InvalidInputError, NotFoundError, NotSignedInError
from marketplace.settings import Settings
from marketplace.terms import services as terms
from marketplace.terms.services import AcceptedVersion

MAIL_REQUESTED = "mail.requested"
NAME_MAX_LENGTH = 100


@dataclass(frozen=True)
class MemberFacts:
    """What a role's feature tells about its member (``GET /me``)."""

    state: str
    work_country: str | None = None
    candidate_id: UUID | None = None


@dataclass(frozen=True)
class AccountHooks:
    """What the roles' features do and know; wired in ``app.py`` so that accounts imports neither."""

    confirmed: Mapping[Role, Callable[[Session, datetime, UUID], None]] = field(default_factory=dict)
    facts: Mapping[Role, Callable[[Session, UUID], MemberFacts]] = field(default_factory=dict)
    renamed: Mapping[Role, Callable[[Session, datetime, UUID], None]] = field(default_factory=dict)
    signed_in: Mapping[Role, Callable[[Session, datetime, UUID], None]] = field(default_factory=dict)

    def tell_signed_in(self, session: Session, now: datetime, account_id: UUID, role: Role) -> None:
        """Tell the role's feature that its member opened a session (B5)."""
        hook = self.signed_in.get(role)
        if hook is not None:
            hook(session, now, account_id)


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


@dataclass(frozen=True)
class NewToken:
    """The token under which a session goes on; its end stays what it was."""

    token: str
    expires_at: datetime


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
    account_id = _insert_account(session, now, data, address, role, password_hash)
    if account_id is None:
        known = session.scalar(select(Account.id).where(Account.email_canonical == address.canonical))
        request_mail(session, now, "account_exists", known)
        return None
    terms.record_acceptances(session, now, account_id, role, data.language, data.acceptances)
    _audit(session, now, "account.registered", account_id, role, "A3")
    request_mail(session, now, "confirm_email", account_id)
    return account_id


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
    if language not in LANGUAGES:
        raise InvalidInputError.of("language", "unknown_language", "Choose one of the languages offered.")
    data = Registration(
        first_name=first_name or address.local[:NAME_MAX_LENGTH],
        last_name=last_name,
        birth_date=date.min,
        email=email,
        language=language,
    )
    account_id = _insert_account(session, now, data, address, Role.ADMIN, None)
    if account_id is None:
        return _renew_admin_password(session, now, address)
    audit.record(
        session, now, "admin.created", actor_id=None, actor_role="system",
        subject_kind="account", subject_id=account_id, rule="E8",
    )  # fmt: skip
    request_mail(session, now, "confirm_email", account_id)
    return account_id


def confirm_email(session: Session, now: datetime, token: str, hooks: AccountHooks) -> Confirmed:
    """Use up a confirmation link: the address is the person's (A3, security.md A-09).

    Raises :class:`InvalidInputError` (``invalid_token``) for a link that is unknown, used, expired
    or made for another purpose.
    """
    account_id = _use_token(session, now, token, TokenPurpose.CONFIRM_EMAIL)
    return confirm_account(session, now, account_id, hooks)


def confirm_account(
    session: Session, now: datetime, account_id: UUID, hooks: AccountHooks, *, mail_password: bool = True
) -> Confirmed:
    """Confirm an account whose address is known to be right; sample data may skip the password mail."""
    account = _locked(session, account_id)
    role = Role(account.role)
    needs_password = account.password_kind == PasswordKind.NONE and mail_password
    if account.email_confirmed_at is None:
        account.email_confirmed_at = now
        session.flush()
        _audit(session, now, "account.email_confirmed", account_id, role, "A3")
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
    account = _by_address(session, parse_address(email))
    # A mail is asked for in any case, so that the time tells nothing; its composer knows who needs it.
    request_mail(session, now, "confirm_email", account.id if account is not None else uuid4())


def request_password_reset(session: Session, now: datetime, email: str) -> None:
    """Mail a reset link to the owner of the address; say nothing either way (A6, R-01, R-04).

    An earlier link is void from now on. An unconfirmed account gets its confirmation link again,
    an admin nothing: see :func:`create_admin`. Raises
    :class:`InvalidInputError` for what is no address at all.
    """
    account = _by_address(session, parse_address(email))
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
    account = session.get(Account, _token_owner(session, now, token, TokenPurpose.RESET_PASSWORD))
    if account is None:
        raise _invalid_token()
    new_hash = _checked_hash(settings, account, password, "password")
    _use_token(session, now, token, TokenPurpose.RESET_PASSWORD)
    account = _locked(session, account.id)
    _store_password(session, settings, account, new_hash)
    session.execute(delete(AccountSession).where(AccountSession.account_id == account.id))
    _audit(session, now, "password.reset", account.id, Role(account.role), "A6")
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
    account = _locked(session, account_id)
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
    _audit(session, now, "password.changed", account_id, Role(account.role), "A3")
    request_mail(session, now, "password_changed", account_id)
    return NewToken(token, expires_at)


def set_password(session: Session, settings: Settings, account_id: UUID, password: str) -> None:
    """Give an account a chosen password without asking for an old one (command line, sample data).

    No page or route calls this: a member changes a password by knowing it or by a mailed link.
    """
    account = _locked(session, account_id)
    account.password_hash = passwords.hash_password(password, settings.password_hash_memory_kib)
    account.password_kind = PasswordKind.CHOSEN
    account.password_expires_at = None
    throttling.forget(session, settings, account.email)


def update_own_data(
    session: Session,
    now: datetime,
    account_id: UUID,
    hooks: AccountHooks,
    *,
    first_name: str | None = None,
    last_name: str | None = None,
    language: str | None = None,
) -> None:
    """Correct one's own names and language; None leaves a field as it is (A7).

    Birth date and address are not among them: the first decides about guardianship (A1), the second
    needs a confirmation of both addresses (security.md R-05). Raises :class:`InvalidInputError`.
    """
    faults = [
        fault
        for name, value in (("first_name", first_name), ("last_name", last_name))
        if value is not None
        for fault in _name_faults(name, value)
    ]
    if language is not None and language not in LANGUAGES:
        faults.append(_unknown_language())
    if faults:
        raise InvalidInputError(faults)
    account = _locked(session, account_id)
    given = {"first_name": first_name, "last_name": last_name, "language": language}
    changed = []
    for name, value in given.items():
        text = tidy(value) if value is not None else None
        if text is not None and getattr(account, name) != text:
            setattr(account, name, text)
            changed.append(name)
    if changed:
        session.flush()
        _audit(session, now, "account.corrected", account_id, Role(account.role), "A7", fields=changed)
        hook = hooks.renamed.get(Role(account.role))
        if hook is not None and {"first_name", "last_name"} & set(changed):
            hook(session, now, account_id)


def grant_bearer(session: Session, now: datetime, admin_id: UUID, account_id: UUID) -> None:
    """Let a member sign in as a program; :class:`NotFoundError` for nobody (interface.md)."""
    account = _locked(session, account_id)
    account.may_use_bearer = True
    audit.record(
        session, now, "bearer.granted", actor_id=admin_id, actor_role=Role.ADMIN.value,
        subject_kind="account", subject_id=account_id, rule="E8",
    )  # fmt: skip


def request_mail(session: Session, now: datetime, mail: str, account_id: UUID | None, **ids: object) -> None:
    """Ask for a mail to a member after the commit: a name and ids only (see ``mail_delivery.py``)."""
    outbox.publish(session, now, MAIL_REQUESTED, account_id, details={"mail": mail, **ids})


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


def new_token() -> str:
    """Return 256 random bits, fit for a URL and a header."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """Return what is stored of a token (security.md S-01, A-09)."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


def tidy(name: str) -> str:
    """Return a name as it is stored: composed, without spaces around or doubled ones."""
    return " ".join(unicodedata.normalize("NFC", name).split())


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
    faults = [*_name_faults("first_name", data.first_name), *_name_faults("last_name", data.last_name)]
    local = ""
    try:
        local = parse_address(data.email).given
    except InvalidInputError as refused:
        faults.extend(refused.errors)
    if data.password is not None:
        words = passwords.context_words(local, company_name, data.first_name, data.last_name)
        faults.extend(_password_faults(settings, data.password, words, "password"))
    if data.language not in LANGUAGES:
        faults.append(_unknown_language())
    else:
        faults.extend(terms.acceptance_faults(session, now.date(), role, data.language, data.acceptances))
    return faults


def _name_faults(field_name: str, value: str) -> list[FieldError]:
    text = tidy(value)
    if not text:
        return [FieldError(field_name, "required", "Please fill in this field.")]
    if len(text) > NAME_MAX_LENGTH:
        message = N_("Use at most %(maximum)s characters.")
        return [FieldError(field_name, "too_long", message, (("maximum", NAME_MAX_LENGTH),))]
    if any(unicodedata.category(mark) in {"Cc", "Cs", "Co", "Cn"} or mark in _DIRECTION for mark in text):
        return [FieldError(field_name, "unreadable", "Some of these characters cannot be used in a name.")]
    return []


_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that turn the direction of what follows: in a name they make a mail say something else."""


def _password_faults(
    settings: Settings, password: str, words: Iterable[str], field_name: str
) -> list[FieldError]:
    return passwords.password_faults(
        password,
        minimum=settings.password_min_length,
        maximum=settings.password_max_length,
        context_words=words,
        field=field_name,
    )


def _checked_hash(settings: Settings, account: Account, password: str, field_name: str) -> str:
    words = passwords.context_words(account.email, account.first_name, account.last_name)
    faults = _password_faults(settings, password, words, field_name)
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


def _insert_account(
    session: Session,
    now: datetime,
    data: Registration,
    address: EmailAddress,
    role: Role,
    password_hash: str | None,
) -> UUID | None:
    """Insert, or return None for a known address; the unique index decides between two at once."""
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


def _renew_admin_password(session: Session, now: datetime, address: EmailAddress) -> UUID:
    known = _by_address(session, address)
    if known is None or known.role != Role.ADMIN:
        raise ConflictError("address_taken", "This address already has an account.")
    account = _locked(session, known.id)
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


def _by_address(session: Session, address: EmailAddress) -> Account | None:
    return session.scalar(select(Account).where(Account.email_canonical == address.canonical))


def _locked(session: Session, account_id: UUID) -> Account:
    account = session.get(Account, account_id, with_for_update=True, populate_existing=True)
    if account is None:
        raise NotFoundError
    return account


def _token_owner(session: Session, now: datetime, token: str, purpose: TokenPurpose) -> UUID:
    account_id = session.scalar(
        select(MailToken.account_id).where(
            MailToken.token_hash == hash_token(token),
            MailToken.purpose == purpose,
            MailToken.used_at.is_(None),
            MailToken.expires_at > now,
        )
    )
    if account_id is None:
        raise _invalid_token()
    return account_id


def _use_token(session: Session, now: datetime, token: str, purpose: TokenPurpose) -> UUID:
    """Use up a token in one statement, so that of two posts at once one is refused."""
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
        raise _invalid_token()
    return account_id


def _invalid_token() -> InvalidInputError:
    message = N_("This link is not valid any more. Ask for a new one.")
    return InvalidInputError.of("token", "invalid_token", message)


def _unknown_language() -> FieldError:
    return FieldError("language", "unknown_language", "Choose one of the languages offered.")


def _audit(
    session: Session, now: datetime, act: str, account_id: UUID, role: Role, rule: str, **details: object
) -> None:
    audit.record(
        session, now, act, actor_id=account_id, actor_role=role.value,
        subject_kind="account", subject_id=account_id, rule=rule, **details,
    )  # fmt: skip
