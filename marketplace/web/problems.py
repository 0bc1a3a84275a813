"""The one table from refusals to answers (RFC 9457): problem details under ``/api``, pages elsewhere.

``marketplace/errors.py`` knows no HTTP; everything that maps it to a status is here. A ``type`` is
stable: ``/problems/<code>`` is a small page that explains it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap
from sqlalchemy.exc import DataError, IntegrityError

from marketplace.catalogues import N_, translate
from marketplace.errors import (
    ConflictError,
    FieldError,
    InvalidInputError,
    MarketplaceError,
    NotAllowedError,
    NotFoundError,
    NotSignedInError,
    TooLargeError,
    TooManyRequestsError,
    UnavailableError,
)
from marketplace.web.language import language_of

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
AnyRequest = Request[Any, Any, Any]


class ProblemError(msgspec.Struct, kw_only=True):
    """What is wrong with one field of the request."""

    field: str
    code: str
    message: str


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Problem details as in RFC 9457; ``instance`` is the id of the request."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    instance: str = ""
    errors: list[ProblemError] | msgspec.UnsetType = msgspec.UNSET
    reasons: list[str] | msgspec.UnsetType = msgspec.UNSET


@dataclass(frozen=True)
class Kind:
    """A row of the table: status, fixed title, what a person can do."""

    status: int
    title: str
    advice: str


KINDS: dict[str, Kind] = {
    "malformed_request": Kind(400, N_("The request cannot be read"), N_("Check that it is complete and well formed.")),
    "unknown_host": Kind(400, N_("Unknown address"), N_("Use the address the service is known by.")),
    "not_signed_in": Kind(401, N_("You are not signed in"), N_("Sign in and try again.")),
    "not_allowed": Kind(403, N_("This is not allowed"), N_("Your account does not give access to this.")),
    "role_not_allowed": Kind(403, N_("This is not allowed"), N_("This page is for another kind of account.")),
    "password_change_required": Kind(403, N_("Choose a new password first"), N_("Your password is a temporary one.")),
    "terms_required": Kind(403, N_("Accept the documents first"), N_("A document has a new version that needs your agreement.")),
    "cross_site_request": Kind(403, N_("This request came from another site"), N_("Open the page on this site and try again.")),
    "form_expired": Kind(403, N_("Please try again"), N_("The page had been open for too long, or you signed in meanwhile. Nothing was changed.")),
    "json_required": Kind(403, N_("Wrong kind of body"), N_("Send the body in the format the documentation names.")),
    "contact_not_allowed": Kind(403, N_("You may not contact this candidate now"), N_("The reasons say what stands against it.")),
    "not_found": Kind(404, N_("Page not found"), N_("It does not exist, or it is not for you to see.")),
    "method_not_allowed": Kind(405, N_("This cannot be done here"), N_("The address exists, but not for this kind of request.")),
    "conflict": Kind(409, N_("No longer possible"), N_("The state has changed meanwhile. Look at it again.")),
    "too_large": Kind(413, N_("Too large"), N_("Send less data.")),
    "invalid_input": Kind(422, N_("Something is not right yet"), N_("Correct the fields named and send it again.")),
    "too_many_requests": Kind(429, N_("Too many requests"), N_("Wait a little and try again.")),
    "internal_error": Kind(500, N_("Something went wrong"), N_("It is our fault, and it has been recorded. Please try again later.")),
    "unavailable": Kind(503, N_("Not available at the moment"), N_("Please try again in a few seconds. Nothing you sent was lost.")),
    "search_unavailable": Kind(503, N_("Search is not available at the moment"), N_("Everything else works. Please try again in a few seconds.")),
}  # fmt: skip

_OF_STATUS = {
    400: "malformed_request", 401: "not_signed_in", 403: "not_allowed", 404: "not_found",
    405: "method_not_allowed", 409: "conflict", 413: "too_large", 422: "invalid_input",
    429: "too_many_requests", 503: "unavailable",
}  # fmt: skip


class UnknownHostError(MarketplaceError):
    """The request names a host that is not us (security.md R-03)."""

    code = "unknown_host"


_STATUSES: tuple[tuple[type[MarketplaceError], int], ...] = (
    (InvalidInputError, 422),
    (NotFoundError, 404),
    (NotAllowedError, 403),
    (NotSignedInError, 401),
    (ConflictError, 409),
    (TooLargeError, 413),
    (TooManyRequestsError, 429),
    (UnavailableError, 503),
    (UnknownHostError, 400),
)


def kind_of(code: str, status: int) -> Kind:
    """Return the row of ``code``; a feature's own code without a row reads like its status."""
    return KINDS.get(code) or KINDS[_OF_STATUS.get(status, "internal_error")]


@dataclass(frozen=True)
class Refusal:
    """An exception as an answer, in English and without HTTP rendering."""

    status: int
    code: str
    detail: str = ""
    errors: tuple[FieldError, ...] = ()
    reasons: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def kind(self) -> Kind:
        return kind_of(self.code, self.status)


def to_refusal(error: Exception) -> Refusal:
    """Return what an exception means to the caller; what is unknown says nothing of itself."""
    if isinstance(error, MarketplaceError):
        return _of_marketplace(error)
    if isinstance(error, ValidationException):
        return _of_validation(error)
    if isinstance(error, HTTPException):
        status = error.status_code if error.status_code in _OF_STATUS else 500
        code = _OF_STATUS.get(status, "internal_error")
        allow = [(name.lower(), value) for name, value in (error.headers or {}).items()]
        return Refusal(status, code, headers=tuple(allow))
    if isinstance(error, IntegrityError):
        return Refusal(409, "conflict")
    if isinstance(error, DataError):
        return Refusal(422, "invalid_input", N_("A value is outside of what can be stored."))
    return Refusal(500, "internal_error")


def _of_marketplace(error: MarketplaceError) -> Refusal:
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
    if status == 500:
        return Refusal(500, "internal_error")
    headers: tuple[tuple[str, str], ...] = ()
    if isinstance(error, TooManyRequestsError):
        headers = (
            ("retry-after", str(error.retry_after)),
            ("ratelimit", f'"{error.quota}";r=0;t={error.retry_after}'),
            ("ratelimit-policy", f'"{error.quota}";q={error.limit}'),
        )
    elif isinstance(error, UnavailableError):
        headers = (("retry-after", str(error.retry_after)),)
    elif isinstance(error, NotSignedInError):
        headers = (("www-authenticate", "Bearer"),)
    message = getattr(error, "message", "")
    return Refusal(
        status,
        error.code,
        message if message != error.code else "",
        getattr(error, "errors", ()),
        getattr(error, "reasons", ()),
        headers,
    )


def _of_validation(error: ValidationException) -> Refusal:
    """Name the field of each fault that the schema found (422, or 400 when nothing was sent)."""
    faults: list[FieldError] = []
    extra = error.extra if isinstance(error.extra, list) else []
    for fault in extra:
        name, message = str(fault.get("key", "")), str(fault.get("message", ""))
        if name == "data" and message == "'data'":
            return Refusal(400, "malformed_request", N_("The body is missing."))
        inner = message.rpartition(" - at `$.")[2].rstrip("`") if " - at `$." in message else ""
        field = inner or ("" if name == "data" else name)
        text = message.split(" - at `$")[0]
        if (unknown := text.partition("unknown field `")[2].rstrip("`")) != "":
            field, code = f"{field}.{unknown}".strip("."), "unknown"
        elif (missing := text.partition("missing required field `")[2].rstrip("`")) != "":
            field, code = f"{field}.{missing}".strip("."), "required"
        elif text.startswith("Missing required"):
            code = "required"
        else:
            code = "invalid"
        faults.append(FieldError(field or "body", code, text))
    return Refusal(422, "invalid_input", errors=tuple(faults))


def translated_fault(fault: FieldError, language: str) -> str:
    """Return the sentence of a field error in ``language``."""
    return translate(language, fault.message, **dict(fault.values))


def errors_by_field(error: InvalidInputError, language: str) -> dict[str, str]:
    """Return field → sentence, for a form that is shown again."""
    found: dict[str, str] = {}
    for fault in error.errors:
        sentence = translated_fault(fault, language)
        found[fault.field] = f"{found[fault.field]} {sentence}" if fault.field in found else sentence
    return found


def to_problem(refusal: Refusal, language: str, request_id: str) -> Problem:
    """Return the problem details of a refusal in the language of the request."""
    kind = refusal.kind
    return Problem(
        type=f"/problems/{refusal.code if refusal.code in KINDS else _OF_STATUS.get(refusal.status, 'internal_error')}",
        title=translate(language, kind.title),
        status=refusal.status,
        code=refusal.code,
        detail=translate(language, refusal.detail or kind.advice),
        instance=f"urn:uuid:{request_id}" if request_id else "",
        errors=[
            ProblemError(field=fault.field, code=fault.code, message=translated_fault(fault, language))
            for fault in refusal.errors
        ]
        if refusal.status == 422
        else msgspec.UNSET,
        reasons=list(refusal.reasons) if refusal.reasons else msgspec.UNSET,
    )


def wants_json(request: AnyRequest) -> bool:
    """Programs get problem details, people get pages."""
    path = request.scope["path"]
    if path.startswith("/api/") or path in {"/livez", "/readyz", "/csp-reports"}:
        return True
    accept = request.headers.get("accept", "")
    return "text/html" not in accept and "json" in accept


PageRenderer = Callable[[AnyRequest, Refusal], Response[Any]]


def answer(request: AnyRequest, error: Exception, page: PageRenderer) -> Response[Any]:
    """Return the answer to a request that was refused or failed."""
    refusal = to_refusal(error)
    if refusal.status >= 500 and not isinstance(error, UnavailableError):
        log.error(
            "request.failed", request_id=request_id_of(request), error=type(error).__name__, exc_info=error
        )
    elif isinstance(error, IntegrityError | DataError):
        log.warning(
            "request.refused_by_database", request_id=request_id_of(request), error=type(error).__name__
        )
    request.scope["state"]["problem"] = refusal.code
    if not wants_json(request):
        return page(request, refusal)
    problem = to_problem(refusal, language_of(request), request_id_of(request))
    return Response(
        content=msgspec.json.encode(problem),
        status_code=refusal.status,
        media_type=MEDIA_TYPE,
        headers=dict(refusal.headers),
    )


def request_id_of(request: AnyRequest) -> str:
    """Return the id under which the request stands in the log."""
    return str(request.scope["state"].get("request_id", ""))


def exception_handlers(page: PageRenderer) -> ExceptionHandlersMap:
    """Return Litestar's map: every exception goes through :func:`answer`."""

    def handle(request: AnyRequest, error: Exception) -> Response[Any]:
        return answer(request, error, page)

    return {HTTPException: handle, Exception: handle}


def sign_in_address(request: AnyRequest) -> str:
    """Return the sign-in page that leads back here afterwards."""
    if request.method not in {"GET", "HEAD"}:
        return "/sign-in"
    path, query = request.scope["path"], request.scope["query_string"].decode("latin-1")
    target = f"{path}?{query}" if query else path
    return f"/sign-in?next={quote(target, safe='')}" if target != "/" else "/sign-in"
