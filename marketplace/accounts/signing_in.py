"""A sign-in from the outside, the same for pages, JSON and tests: allowed, verified, opened.

Counting comes first and commits on its own; the password is verified without a connection to the
database and under no lock, because that takes a core for a while; then the session is opened, or
the failure stays (security.md A-04 to A-07). No rule stands here: ``policy.py`` has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Request
from litestar.datastructures import Cookie

from marketplace.accounts import devices, passwords, sessions, throttling
from marketplace.accounts.hooks import AccountHooks
from marketplace.accounts.models import Transport
from marketplace.accounts.sessions import Credentials, SignedIn
from marketplace.accounts.throttling import CountedAttempt
from marketplace.errors import NotAllowedError
from marketplace.ports import Ports
from marketplace.web.identity import client_label, session_cookie, truncated_address


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who tries: ``network`` is the whole address, for counting alone; ``address`` is what is kept."""

    client: str
    address: str
    network: str
    device: str | None = None


def caller_of(request: Request[Any, Any, Any], ports: Ports) -> Caller:
    """Return who sends a request."""
    return Caller(
        client=client_label(request),
        address=truncated_address(request),
        network=network_of(request),
        device=request.cookies.get(devices.cookie_name(ports.settings)),
    )


def network_of(request: Request[Any, Any, Any]) -> str:
    """Return the network address that a request is counted under (A-04, R-02)."""
    return request.client.host if request.client else ""


def sign_in(
    ports: Ports, caller: Caller, hooks: AccountHooks, *, email: str, password: str, transport: Transport
) -> SignedIn:
    """Open a session (A-04 to A-07).

    Raises :class:`WrongCredentialsError` for whatever is wrong, after the same work;
    :class:`TooManyRequestsError` when the address or the network has to wait, right password or not;
    :class:`NotAllowedError` (``bearer_not_granted``) once the password was right. A known device
    answers for its own failures alone, so that nobody can lock its owner out.
    """
    now, settings = ports.clock.now(), ports.settings
    address = throttling.address_hash(settings, email)
    device = devices.read(settings, now, caller.device, address)
    windows = throttling.sign_in_windows(settings, caller.network) if device is None else ()
    if windows:
        ports.limiter.test(windows)
    with ports.db.transaction() as session:
        own = device.failures_hash(settings) if device is not None else None
        attempt = throttling.count_attempt(session, now, settings, address, own)
        known = sessions.credentials_of(session, now, email)
    check = passwords.verify_password(known.password_hash, password, settings.password_hash_memory_kib)
    opened = (
        _open(ports, caller, hooks, attempt, known, check.new_hash, transport) if check.is_right else None
    )
    if opened is None:
        if attempt.disables_password:
            with ports.db.transaction() as session:
                sessions.disable_password(session, now, known.account_id)
        if windows:
            ports.limiter.hit(windows)
        raise sessions.WrongCredentialsError
    return opened


def cookies_of(request: Request[Any, Any, Any], ports: Ports, opened: SignedIn) -> list[Cookie]:
    """Return the cookies of a browser that has signed in: its session, and that it is known (A-05)."""
    now, settings = ports.clock.now(), ports.settings
    address = throttling.address_hash(settings, opened.email)
    known = devices.read(settings, now, request.cookies.get(devices.cookie_name(settings)), address)
    return [
        session_cookie(settings, opened.token, now, opened.expires_at),
        devices.known_device_cookie(settings, now, address, known),
    ]


def _open(
    ports: Ports,
    caller: Caller,
    hooks: AccountHooks,
    attempt: CountedAttempt,
    known: Credentials,
    new_hash: str | None,
    transport: Transport,
) -> SignedIn | None:
    is_granted = transport is not Transport.BEARER or known.may_use_bearer
    opened = None
    with ports.db.transaction() as session:
        if is_granted:
            opened = sessions.open_session(
                session,
                attempt.counted_at,
                ports.settings,
                known,
                new_hash,
                transport=transport,
                client=caller.client,
                address=caller.address,
                hooks=hooks,
            )
        if opened is not None or not is_granted:
            throttling.take_back(session, attempt)
    if not is_granted:
        raise NotAllowedError("bearer_not_granted", "An admin has to grant this account access for programs.")
    return opened
