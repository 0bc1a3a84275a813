"""What no JSON body may carry, whatever its schema says."""

from __future__ import annotations

import re
from typing import Any, cast

from litestar import Request
from litestar.enums import RequestEncodingType, ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from marketplace.catalogues import N_
from marketplace.errors import InvalidInputError
from marketplace.web.csrf import SAFE_METHODS

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

UNSTORABLE = N_("This contains a character that cannot be stored.")


class JsonTextMiddleware(ASGIMiddleware):
    """Refuses the NUL character, which PostgreSQL cannot store (security.md W-06)."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        http = cast("HTTPScope", scope)  # as ``scopes`` says
        if http["method"] not in SAFE_METHODS and http["path"].startswith("/api/"):
            request: Request[Any, Any, Any] = scope["litestar_app"].request_class(scope=http, receive=receive)
            if request.content_type[0] == RequestEncodingType.JSON and _NUL.search(await request.body()):
                raise InvalidInputError.of("body", "invalid", UNSTORABLE)
        await next_app(scope, receive, send)
