"""Who is asking: the member behind a request, its cookie and its address.

The session row decides (``accounts/queries.py``); here are only the value the edge hands to
handlers and the names of what travels. No rule, no SQL.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

from marketplace.accounts.models import Role, Transport
from marketplace.errors import NotSignedInError
from marketplace.settings import Settings

Connection = ASGIConnection[Any, Any, Any, Any]


@dataclass(frozen=True, kw_only=True)
class Member:
    """The account behind a live session, read at this request (security.md S-04)."""

    account_id: UUID
    role: Role
    email: str
    first_name: str
    last_name: str
    language: str
    session_id: UUID
    transport: Transport
    next: str | None
    """What must be done first: ``change_password``, ``accept_terms`` or nothing."""
    may_use_bearer: bool
    suspended_by: UUID | None
    """The sanction in force, whose statement is all there is to see (rules E5)."""

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def home(self) -> str:
        """The first page of the member's portal."""
        return f"/{self.role.value}"


def member_of(connection: Connection) -> Member | None:
    """Return the member of a request, or None when nobody is signed in."""
    member: Member | None = connection.scope["state"].get("member")
    return member


def provide_member(request: Connection) -> Member:
    """Return the member; raise :class:`NotSignedInError` when there is none."""
    member = member_of(request)
    if member is None:
        raise NotSignedInError
    return member


def token_hash(token: str) -> bytes:
    """Return what is stored of a session token (security.md S-01)."""
    return hashlib.sha256(token.encode()).digest()


def session_cookie_name(settings: Settings) -> str:
    """``__Host-tm_session``; over plain loopback HTTP browsers refuse that prefix."""
    return "__Host-tm_session" if settings.is_secure else "tm_session"


def session_cookie(settings: Settings, token: str, now: datetime, expires_at: datetime) -> Cookie:
    """Return the cookie that carries a new session's token (security.md S-01)."""
    return Cookie(
        key=session_cookie_name(settings),
        value=token,
        max_age=max(0, int((expires_at - now).total_seconds())),
        path="/",
        secure=settings.is_secure,
        httponly=True,
        samesite="lax",
    )


def ended_session_cookie(settings: Settings) -> Cookie:
    """Return the cookie that makes the browser forget its session."""
    return Cookie(
        key=session_cookie_name(settings),
        value="",
        max_age=0,
        path="/",
        secure=settings.is_secure,
        httponly=True,
        samesite="lax",
    )


def truncated_address(connection: Connection) -> str:
    """Return the caller's address cut to /24 or /48 (security.md L-03); empty when unknown."""
    client = connection.client
    try:
        address = ipaddress.ip_address(client.host if client else "")
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None) or address
    prefix = 24 if isinstance(mapped, ipaddress.IPv4Address) else 48
    return str(ipaddress.ip_network((mapped, prefix), strict=False).network_address)


_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iOS"), ("iPad", "iPadOS"), ("Windows", "Windows"),
    ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def client_label(connection: Connection) -> str:
    """Return browser and system of the caller, for the list of sessions."""
    agent = connection.headers.get("user-agent", "")
    browser = next((name for mark, name in _BROWSERS if mark in agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in agent), None)
    if browser and system:
        return f"{browser}, {system}"
    product = re.match(r"[\w.-]{1,40}", agent, re.ASCII)
    return browser or (product.group() if product else "")
