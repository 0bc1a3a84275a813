"""Requests that change something must come from our own pages (security.md W-03).

Three checks: Fetch Metadata, Origin, and a token bound to the session (signed out: to a signed
cookie that names no one). A cookie that is stale or forged is replaced with the next page, so
nobody is locked out. JSON routes take JSON only.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any, cast

from litestar import Request
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType, ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from marketplace.accounts.models import Transport
from marketplace.errors import NotAllowedError, NotSignedInError
from marketplace.settings import Settings
from marketplace.signing import signing_key
from marketplace.web.identity import Connection, member_of

FIELD = "_csrf_token"
HEADER = "x-csrftoken"
NONCE_LENGTH = 16
TOKEN_MAX_LENGTH = 128
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FORM_TYPES = frozenset({RequestEncodingType.URL_ENCODED, RequestEncodingType.MULTI_PART})


def form_cookie_name(settings: Settings) -> str:
    """The cookie that binds the forms of signed-out visitors."""
    return "__Host-tm_form" if settings.is_secure else "tm_form"


def csrf_token(connection: Connection) -> str:
    """Return a token for the forms of this page; a different spelling each time (BREACH)."""
    key = _key(connection)
    nonce = secrets.token_hex(NONCE_LENGTH // 2)
    return nonce + _digest(key, nonce + _binding(connection))


def new_form_cookie(connection: Connection) -> Cookie | None:
    """Return the cookie to set when the forms of this page are bound to a new one."""
    value = connection.scope["state"].get("form_cookie")
    if value is None:
        return None
    settings: Settings = connection.app.state.ports.settings
    return Cookie(
        key=form_cookie_name(settings),
        value=value,
        path="/",
        secure=settings.is_secure,
        httponly=True,
        samesite="lax",
    )


def is_valid_token(connection: Connection, token: object) -> bool:
    """Whether ``token`` was made for this session or this form cookie."""
    if not isinstance(token, str) or not NONCE_LENGTH < len(token) <= TOKEN_MAX_LENGTH or not token.isascii():
        return False
    nonce, digest = token[:NONCE_LENGTH], token[NONCE_LENGTH:]
    binding = _binding(connection, make=False)
    expected = _digest(_key(connection), nonce + binding)
    return bool(binding) and hmac.compare_digest(digest, expected)


def _key(connection: Connection) -> bytes:
    return signing_key(connection.app.state.ports.settings, "form-token")


def _digest(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _binding(connection: Connection, *, make: bool = True) -> str:
    member = member_of(connection)
    if member is not None:
        return f"session:{member.session_id}"
    state = connection.scope["state"]
    value = state.get("form_cookie") or connection.cookies.get(
        form_cookie_name(connection.app.state.ports.settings), ""
    )
    name, _, signature = value.partition(".")
    if (
        name
        and value.isascii()
        and hmac.compare_digest(signature, _digest(_key(connection), f"cookie:{name}"))
    ):
        return f"form:{name}"
    if not make:
        return ""
    name = secrets.token_urlsafe(18)
    state["form_cookie"] = f"{name}.{_digest(_key(connection), f'cookie:{name}')}"
    return f"form:{name}"


class CsrfMiddleware(ASGIMiddleware):
    """Refuses unsafe requests that did not come from our own pages or a program."""

    scopes = (ScopeType.HTTP,)
    exclude_opt_key = "csrf_exempt"

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        http = cast("HTTPScope", scope)  # as ``scopes`` says
        if http["method"] not in SAFE_METHODS:
            await self._check(http, receive)
        await next_app(scope, receive, send)

    async def _check(self, scope: HTTPScope, receive: Receive) -> None:
        request: Request[Any, Any, Any] = scope["litestar_app"].request_class(scope=scope, receive=receive)
        settings: Settings = request.app.state.ports.settings
        site = request.headers.get("sec-fetch-site")
        origin = request.headers.get("origin")
        # A page without a referrer (those of mailed links, R-01) posts its own form with "Origin: null";
        # that it is ours is then what the browser says in Sec-Fetch-Site.
        is_ours = origin in own_origins(request, settings) or (origin == "null" and site == "same-origin")
        if site not in {None, "same-origin", "none"} or (origin is not None and not is_ours):
            raise NotAllowedError("cross_site_request", "This request came from another site.")
        is_api = scope["path"].startswith("/api/")
        content_type = request.content_type[0]
        if is_api:
            _require_json(request, content_type)
            member = member_of(request)
            has_cookie = member is not None and member.transport is Transport.COOKIE
            if not has_cookie and ((site is None and origin is None) or member is not None):
                return
        token: object = request.headers.get(HEADER)
        if token is None and content_type in FORM_TYPES:
            token = (await request.form()).get(FIELD)
        if not is_valid_token(request, token):
            if scope["state"].get("session_ended"):
                raise NotSignedInError
            raise NotAllowedError("form_expired", "This page had been open for too long. Please try again.")


def own_origins(connection: Connection, settings: Settings) -> frozenset[str]:
    """Return the origins that are us: the base address; in development the loopback one asked."""
    origins = {settings.base_url.rstrip("/")}
    if not settings.is_production:
        origins.add(f"{connection.scope['scheme']}://{connection.headers.get('host', '')}")
    return frozenset(origins)


def _require_json(request: Request[Any, Any, Any], content_type: str) -> None:
    length = request.headers.get("content-length", "")
    if length in {"", "0"} and "transfer-encoding" not in request.headers and not content_type:
        return
    handler = request.scope["route_handler"]
    wanted = RequestEncodingType.JSON.value
    if isinstance(handler, HTTPRouteHandler) and (field := handler.parsed_data_field) is not None:
        wanted = getattr(field.kwarg_definition, "media_type", wanted)
    if length == "0" and wanted == RequestEncodingType.JSON:
        return
    if content_type != wanted:
        raise NotAllowedError("json_required")
