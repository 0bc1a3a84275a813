"""What no JSON body may be, whatever its schema says."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn, cast

from litestar import Request
from litestar.enums import RequestEncodingType, ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from marketplace.catalogues import N_
from marketplace.errors import InvalidInputError
from marketplace.web.csrf import SAFE_METHODS
from marketplace.web.problems import UnreadableBodyError

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

UNSTORABLE = N_("This contains a character that cannot be stored.")
NOT_JSON = N_("The body is not valid JSON in UTF-8.")
TWICE = N_("The body names a field twice.")


class JsonTextMiddleware(ASGIMiddleware):
    """Refuses what is not strictly JSON, and the NUL character, which PostgreSQL cannot store (W-06).

    A body that two readers may understand differently (a name twice, a byte order mark, other
    encodings, NaN) is read by nobody.
    """

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        http = cast("HTTPScope", scope)  # as ``scopes`` says
        if http["method"] not in SAFE_METHODS and http["path"].startswith("/api/"):
            request: Request[Any, Any, Any] = scope["litestar_app"].request_class(scope=http, receive=receive)
            if request.content_type[0] == RequestEncodingType.JSON:
                refuse_unreadable(await request.body())
        await next_app(scope, receive, send)


def refuse_unreadable(body: bytes) -> None:
    """Raise :class:`UnreadableBodyError` or :class:`InvalidInputError` for a body nobody should read."""
    if not body:
        return  # the route knows whether it needs one
    try:
        json.loads(body.decode(), object_pairs_hook=_object, parse_constant=_not_json)
    except (ValueError, RecursionError) as error:
        raise UnreadableBodyError(NOT_JSON) from error
    if _NUL.search(body):
        raise InvalidInputError.of("body", "invalid", UNSTORABLE)


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UnreadableBodyError(TWICE)
    return found


def _not_json(constant: str) -> NoReturn:
    raise ValueError(constant)
