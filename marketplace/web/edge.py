"""The outermost layer, around routing: request id, client address, Host check, HEAD, access log.

Litestar's own middleware does not run for an unknown path or method (facts/web-stack.md 1.5);
what must hold for every request stands here.
"""

from __future__ import annotations

import re
import time
import uuid
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlsplit

import structlog
from litestar import Request, Response
from litestar.enums import ScopeType
from litestar.exceptions import ClientException
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from marketplace.errors import MarketplaceError
from marketplace.rate_limits.policy import client_of, networks
from marketplace.settings import Settings
from marketplace.web.identity import member_of, truncated_address
from marketplace.web.problems import PageRenderer, UnknownHostError, answer

log = structlog.get_logger("marketplace.access")

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
_QUIET = ("/livez", "/readyz", "/metrics", "/static/")
_NUL = re.compile(rb"%00", re.IGNORECASE)


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """Return the Host values that are us (security.md R-03): with and without the port."""
    parts = urlsplit(settings.base_url)
    return frozenset({parts.netloc.lower()} | (_LOOPBACK if not settings.is_production else frozenset()))


class EdgeMiddleware(ASGIMiddleware):
    """Names the request, refuses foreign hosts, answers HEAD, writes one log line."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, settings: Settings, page: PageRenderer) -> None:
        self._hosts = allowed_hosts(settings)
        self._is_production = settings.is_production
        self._page = page
        self._proxies = networks(settings.trusted_proxies)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        http = cast("HTTPScope", scope)  # as ``scopes`` says
        started = time.perf_counter()
        state = http["state"]
        state.update(request_id=str(uuid.uuid4()), member=None)
        method = str(http["method"])
        status = 0
        if self._proxies and (client := http.get("client")):
            http["client"] = (self._client(http, client[0]), 0)

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            elif message["type"] == "http.response.body" and method == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        if method == "HEAD":
            state["is_head"] = True  # for routes whose GET has an effect (contacts/guards.py)
            # A copy: the server may look at its own scope to decide about the body.
            http = cast("HTTPScope", {**http, "method": "GET"})
        try:
            if refusal := self._refusal(http):
                await self._answer(http, receive, watch, refusal)
            else:
                await self._guarded(http, receive, watch, next_app)
        finally:
            self._log(http, method, status, time.perf_counter() - started)

    async def _guarded(self, scope: HTTPScope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        try:
            await next_app(scope, receive, send)
        except MarketplaceError as error:  # raised before routing, by the session lookup
            await self._answer(scope, receive, send, error)

    async def _answer(self, scope: HTTPScope, receive: Receive, send: Send, error: Exception) -> None:
        request: Request[Any, Any, Any] = Request(scope, receive=receive, send=send)
        response: Response[Any] = answer(request, error, self._page)
        await response.to_asgi_response(app=None, request=request)(scope, receive, send)

    def _client(self, scope: HTTPScope, peer: str) -> str:
        """Return who asks, as our own proxies say it; everything else that says so is ignored (X-04)."""
        forwarded = [
            value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"
        ]
        return client_of(peer, forwarded, self._proxies)

    def _refusal(self, scope: HTTPScope) -> Exception | None:
        hosts = [value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or not self._is_own(hosts[0]):
            return UnknownHostError()
        if (
            _NUL.search(scope.get("raw_path") or b"")
            or _NUL.search(scope["query_string"])
            or "\x00" in scope["path"]
        ):
            return ClientException("NUL")
        return None

    def _is_own(self, host: str) -> bool:
        if host in self._hosts:
            return True
        name, _, port = host.rpartition(":")
        return not self._is_production and port.isdigit() and name in self._hosts

    def _log(self, scope: HTTPScope, method: str, status: int, seconds: float) -> None:
        route = str(scope.get("path_template", ""))
        if status < HTTPStatus.INTERNAL_SERVER_ERROR and scope["path"].startswith(_QUIET):
            return
        request: Request[Any, Any, Any] = Request(scope)
        member = member_of(request)
        log.info(
            "request.answered",
            request_id=scope["state"]["request_id"],
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            account_id=str(member.account_id) if member else None,
            role=member.role.value if member else None,
            problem=scope["state"].get("problem"),
            address=truncated_address(request),
        )
