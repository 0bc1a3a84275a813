"""Tables of accounts, sessions, mailed single-use links and failed sign-ins."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    String,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.db import Base


class Role(StrEnum):
    """One role an account (rules A5)."""

    CANDIDATE = "candidate"
    RECRUITER = "recruiter"
    ADMIN = "admin"


class PasswordKind(StrEnum):
    """What the stored hash is a hash of."""

    NONE = "none"
    CHOSEN = "chosen"
    TEMPORARY = "temporary"


class Transport(StrEnum):
    """How a session's token travels."""

    COOKIE = "cookie"
    BEARER = "bearer"


class TokenPurpose(StrEnum):
    """What a mailed link is good for; a token never serves another purpose (security.md A-09)."""

    CONFIRM_EMAIL = "confirm_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105  (a purpose, not a secret)


class Account(Base):
    """A person who can sign in."""

    __tablename__ = "account"
    __table_args__ = (
        Index(
            "ix_account_suspended_until", "suspended_until",
            postgresql_where=text("suspended_by IS NOT NULL"),
        ),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    role: Mapped[Role] = mapped_column(String(16))
    email: Mapped[str] = mapped_column(String(254), comment="as given, domain in lower case")
    email_canonical: Mapped[str] = mapped_column(
        String(254), unique=True, comment="folded: one account a person (rules A5)"
    )
    email_confirmed_at: Mapped[datetime | None]
    first_name: Mapped[str] = mapped_column(String(100))
    last_name: Mapped[str] = mapped_column(String(100))
    birth_date: Mapped[date | None] = mapped_column(comment="empty for admins, whom no age rule concerns")
    language: Mapped[str] = mapped_column(String(2))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    password_kind: Mapped[PasswordKind] = mapped_column(String(16), default=PasswordKind.NONE)
    password_expires_at: Mapped[datetime | None] = mapped_column(comment="temporary ones only")
    epoch: Mapped[int] = mapped_column(default=1, comment="sessions of an older epoch are void")
    may_use_bearer: Mapped[bool] = mapped_column(default=False, comment="granted by an admin")
    registered_at: Mapped[datetime]
    last_activity_at: Mapped[datetime | None] = mapped_column(comment="last authenticated activity (B5)")
    closed_at: Mapped[datetime | None] = mapped_column(
        comment="nobody gets in from here on, by no link and no new password (B6)"
    )
    suspended_by: Mapped[UUID | None] = mapped_column(
        comment="the strictest sanction that holds, a row of moderation's; written by its services (E5)"
    )
    suspended_until: Mapped[datetime | None] = mapped_column(comment="empty under a sanction: for good")
    suspended_at: Mapped[datetime | None] = mapped_column(
        comment="when it was last suspended: what was asked for before is void (R-01)"
    )


class AccountSession(Base):
    """One signed-in browser or program. Only the SHA-256 of its token is stored."""

    __tablename__ = "account_session"
    __table_args__ = (Index("ix_account_session_account_id", "account_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    epoch: Mapped[int]
    transport: Mapped[Transport] = mapped_column(String(8))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(comment="absolute end")
    client: Mapped[str] = mapped_column(String(120), comment="browser and system, shortened")
    address: Mapped[str] = mapped_column(String(45), comment="truncated to /24 or /48")


class MailToken(Base):
    """A single-use link in a mail; only its SHA-256 is stored (security.md A-09, R-01)."""

    __tablename__ = "mail_token"
    __table_args__ = (Index("ix_mail_token_account_id_purpose", "account_id", "purpose"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    purpose: Mapped[TokenPurpose] = mapped_column(String(16))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInFailure(Base):
    """Failed sign-ins of one submitted address, with or without an account, or of one known device.

    The address is a keyed hash: the row tells nobody whom it is about (security.md A-04, A-06).
    """

    __tablename__ = "sign_in_failure"
    __table_args__ = (Index("ix_sign_in_failure_last_failed_at", "last_failed_at"),)

    subject_hash: Mapped[bytes] = mapped_column(
        LargeBinary(32), primary_key=True, comment="HMAC of a canonical address or of a device's id"
    )
    in_a_row: Mapped[int] = mapped_column(comment="consecutive failures")
    last_failed_at: Mapped[datetime]
    recent: Mapped[list[datetime]] = mapped_column(
        ARRAY(DateTime(timezone=True)), comment="those of the last 24 hours, oldest first"
    )
