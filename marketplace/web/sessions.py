"""Counts a request in its limits and finds the member behind it: one thread hop for both.

The member is one indexed select, of which nothing is kept in the process.

Role, epoch, language and what is still to do are read at every request, so that a sign-out,
suspension or new role is obeyed by the next one (security.md S-04). Cookie and bearer tokens are
not interchangeable, a bearer token is for ``/api`` alone, and who is not signed in writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from uuid import UUID

from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from sqlalchemy.orm import Session

from marketplace.accounts.models import Transport
from marketplace.accounts.queries import session_by_token
from marketplace.accounts.sessions import TOUCH_EVERY, touch_session
from marketplace.ports import Ports
from marketplace.rate_limits import standings
from marketplace.settings import Settings
from marketplace.web.identity import Connection, Member, ended_session_cookie, session_cookie_name, token_hash
from marketplace.web.limits import RequestLimits, is_unlimited, quota_of, telling

WITHOUT_SESSION = "/csp-reports"
TOKEN_MAX_LENGTH = 128

Reinstate = Callable[[Session, datetime, Settings, UUID], object]
"""Gives a member back what a suspension that has run out had taken (rules E5): the first request
after its end finds everything as it was, even when the beat that does the same is late.

``moderation.services.reinstate_if_due``, handed in by the edge.
"""


class SessionMiddleware(ASGIMiddleware):
    """Counts the request, puts the :class:`Member` into ``scope["state"]``; an ended cookie is cleared."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, ports: Ports, reinstate: Reinstate) -> None:
        self._ports = ports
        self._reinstate = reinstate
        self._limits = RequestLimits(ports)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        state = scope["state"]
        state["member"] = None
        if is_unlimited(scope["path"]):
            await next_app(scope, receive, send)
            return
        token, transport = self._presented(scope)
        if token is not None or self._limits.is_on:
            quota = quota_of(scope)
            if quota is not None:
                send = telling(send, standings.listen())
            client = scope.get("client")
            find = partial(self._member, token, transport)
            await sync_to_thread(self._limits.admit, state, client[0] if client else "", quota, find)
            if token is not None and state["member"] is None and transport is Transport.COOKIE:
                state["session_ended"] = True
                send = self._clearing(send)
        await next_app(scope, receive, send)

    def _presented(self, scope: Scope) -> tuple[str | None, Transport]:
        if scope["path"] == WITHOUT_SESSION:
            return None, Transport.COOKIE
        connection: Connection = ASGIConnection(scope)
        scheme, _, value = connection.headers.get("authorization", "").partition(" ")
        if scope["path"].startswith("/api/") and scheme.lower() == "bearer":
            return value.strip()[:TOKEN_MAX_LENGTH], Transport.BEARER
        cookie = connection.cookies.get(session_cookie_name(self._ports.settings))
        return (cookie[:TOKEN_MAX_LENGTH] if cookie else None), Transport.COOKIE

    def _member(self, token: str | None, transport: Transport) -> Member | None:
        if token is None:
            return None
        ports = self._ports
        now = ports.clock.now()
        with ports.db.reading() as session:
            facts = session_by_token(session, now, ports.settings, token_hash(token))
        if facts is None or facts.transport is not transport:
            return None
        if facts.is_reinstatement_due:
            with ports.db.transaction() as session:
                self._reinstate(session, now, ports.settings, facts.account_id)
        if now - facts.last_seen_at >= TOUCH_EVERY:
            with ports.db.transaction() as session:
                touch_session(session, now, facts.session_id, facts.account_id)
        return Member(
            account_id=facts.account_id,
            role=facts.role,
            email=facts.email,
            first_name=facts.first_name,
            last_name=facts.last_name,
            language=facts.language,
            session_id=facts.session_id,
            transport=facts.transport,
            next=facts.next,
            may_use_bearer=facts.may_use_bearer,
            suspended_by=facts.suspended_by,
        )

    def _clearing(self, send: Send) -> Send:
        """Make the browser forget a dead token, unless the answer hands out a new one."""
        name = session_cookie_name(self._ports.settings)

        async def clearing(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", [])
                headers = MutableScopeHeaders.from_message(message)
                if not any(value.startswith(f"{name}=") for value in headers.getall("set-cookie", [])):
                    headers.add("set-cookie", ended_session_cookie(self._ports.settings).to_header(header=""))
            await send(message)

        return clearing
