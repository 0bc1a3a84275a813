"""The API's description: OpenAPI 3.1 at ``/api/openapi.json``, Swagger UI at ``/api/docs``.

The page obeys the same content policy as every other: local files, an external initializer.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, Router
from litestar import get as litestar_get
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme

import marketplace
from marketplace.web.api import get
from marketplace.web.csrf import csrf_token, new_form_cookie
from marketplace.web.pages import render

AnyRequest = Request[Any, Any, Any]

DESCRIPTION = (
    "Recruiters of verified companies find the apprentices who asked to be found. Errors are problem "
    "details (RFC 9457). Sign in with `POST /sessions`; programs send the token as a bearer, browsers "
    "a cookie together with the token of `GET /csrf-token` in the header `X-CSRFToken`."
)


@cache
def openapi_json() -> bytes:
    """Return the document, made once from the routes alone: no port, no database."""
    from marketplace.app import api_routes  # the wiring imports this module

    described = Litestar(
        route_handlers=[Router("/api/v1", route_handlers=api_routes())],
        # Named for the signatures only: nothing is ever served from here.
        dependencies={
            name: Provide(lambda: None, sync_to_thread=False)
            for name in ("ports", "member", "language", "hooks")
        },
        openapi_config=OpenAPIConfig(
            title="Talent Marketplace",
            version=marketplace.__version__,
            description=DESCRIPTION,
            components=Components(
                security_schemes={
                    "bearer": SecurityScheme(type="http", scheme="bearer"),
                    "session": SecurityScheme(
                        type="apiKey", security_scheme_in="cookie", name="__Host-tm_session"
                    ),
                }
            ),
            security=[{"bearer": []}, {"session": []}],
            use_handler_docstrings=True,
        ),
        logging_config=None,
    )
    return msgspec.json.encode(_completed(described.openapi_schema.to_schema()))


RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds after which to try again.",
        "schema": {"type": "integer", "minimum": 0},
        "required": True,
    }
}


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    """Say what Litestar cannot: no parameter is null, 204 has no body, and when to come back."""
    for operation in (one for path in document["paths"].values() for one in path.values()):
        for parameter in operation.get("parameters", ()):
            schema = parameter["schema"]
            real = [one for one in schema.get("oneOf", ()) if one != {"type": "null"}]
            if len(real) == 1:
                others = {name: value for name, value in schema.items() if name != "oneOf"}
                parameter["schema"] = real[0] | others
        operation["responses"].get("204", {}).pop("content", None)
        for status in {"429", "503"} & operation["responses"].keys():
            operation["responses"][status]["headers"] = RETRY_AFTER
    return document


@litestar_get("/api/openapi.json", opt={"public": True}, include_in_schema=False, sync_to_thread=True)
def openapi_document() -> Response[bytes]:
    """The OpenAPI document."""
    return Response(openapi_json(), media_type="application/vnd.oai.openapi+json;version=3.1")


@litestar_get("/api/docs", opt={"public": True}, include_in_schema=False, sync_to_thread=True)
def docs_page(request: AnyRequest) -> Response[Any]:
    """Swagger UI from our own files."""
    return render(request, "api_docs.html")


class FormToken(msgspec.Struct, kw_only=True):
    """What a browser sends back in ``X-CSRFToken`` with each change."""

    token: str


@get("/csrf-token", opt={"public": True}, summary="Token for changes by a browser")
def form_token(request: AnyRequest) -> Response[FormToken]:
    """Return a token bound to the session, or signed out to a cookie that comes with it."""
    token = csrf_token(request)
    cookie = new_form_cookie(request)
    return Response(FormToken(token=token), cookies=[cookie] if cookie else [])
