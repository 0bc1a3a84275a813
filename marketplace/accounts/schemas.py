"""What goes in and out of the JSON routes of accounts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

Address = Annotated[str, Meta(max_length=320)]
Secret = Annotated[str, Meta(max_length=4096)]
"""Far above any password we accept, so that a long one is refused for its length by the policy."""
Token = Annotated[str, Meta(max_length=200)]


class TokenIn(msgspec.Struct, forbid_unknown_fields=True):
    """The token of a mailed link."""

    token: Token


class AddressIn(msgspec.Struct, forbid_unknown_fields=True):
    """An e-mail address."""

    email: Address


class ResetIn(msgspec.Struct, forbid_unknown_fields=True):
    """A new password, by the token of a mailed link."""

    token: Token
    password: Secret


class SignInIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Credentials; ``totp`` is accepted and has no meaning before second factors exist."""

    email: Address
    password: Secret
    totp: Annotated[str, Meta(max_length=16)] | None = None
    transport: Literal["cookie", "bearer"] = "cookie"


class SignedInOut(msgspec.Struct, kw_only=True):
    """A new session: ``token`` for programs, ``csrf_token`` for browsers, whose token is a cookie."""

    token: str | UnsetType = UNSET
    csrf_token: str | UnsetType = UNSET
    expires_at: datetime
    role: str
    next: str | None


class SessionOut(msgspec.Struct, kw_only=True):
    """One of one's own live sessions; the address is shortened."""

    id: UUID
    transport: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    client: str
    address: str
    is_current: bool


class SessionsOut(msgspec.Struct, kw_only=True):
    """All of them; there is never a second page."""

    items: list[SessionOut]
    next_cursor: str | None = None


class MeOut(msgspec.Struct, kw_only=True):
    """One's own account."""

    id: UUID
    role: str
    email: str
    first_name: str
    last_name: str
    birth_date: date | None
    language: str
    state: str
    work_country: str | UnsetType | None = UNSET
    candidate_id: UUID | UnsetType | None = UNSET


class MeIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a member corrects; a field left out stays as it is."""

    first_name: Annotated[str, Meta(max_length=400)] | UnsetType = UNSET
    last_name: Annotated[str, Meta(max_length=400)] | UnsetType = UNSET
    language: Literal["en", "fr"] | UnsetType = UNSET


class PasswordIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A new password; ``current_password`` is asked for unless the old one was temporary."""

    current_password: Secret | None = None
    new_password: Secret


class PasswordOut(msgspec.Struct, kw_only=True):
    """The session goes on under a new token: in the cookie, or here for programs."""

    token: str | UnsetType = UNSET
    csrf_token: str | UnsetType = UNSET


class NothingOut(msgspec.Struct):
    """An answer that tells nothing."""
