"""The one table from refusals to answers (RFC 9457): problem details under ``/api``, pages elsewhere.

``marketplace/errors.py`` knows no HTTP; everything that maps it to a status is here. A ``type`` is
stable: ``/problems/<code>`` is a small page that explains it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, InternalServerException, ValidationException
from litestar.types import ExceptionHandlersMap
from sqlalchemy.exc import DataError, IntegrityError

from marketplace.catalogues import N_, translate
from marketplace.errors import (
    AccountSuspendedError,
    ConflictError,
    FieldError,
    InvalidCursorError,
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
from marketplace.web.limit_texts import limit_sentence, refused_headers
from marketplace.web.problem_kinds import OF_STATUS, Kind, kind_of, type_of

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
    statement_id: str | msgspec.UnsetType = msgspec.UNSET
    """Of ``account_suspended``: the statement of reasons, ``GET /me/sanctions/{id}`` (rules E5)."""


class UnknownHostError(MarketplaceError):
    """The request names a host that is not us (security.md R-03)."""

    code = "unknown_host"


class UnreadableBodyError(MarketplaceError):
    """The body is no JSON that everybody reads alike; ``message`` says what is wrong with it."""

    code = "malformed_request"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


_STATUSES: tuple[tuple[type[MarketplaceError], int], ...] = (
    (InvalidCursorError, 400),
    (InvalidInputError, 422),
    (NotFoundError, 404),
    (NotAllowedError, 403),
    (NotSignedInError, 401),
    (ConflictError, 409),
    (TooLargeError, 413),
    (TooManyRequestsError, 429),
    (UnavailableError, 503),
    (UnknownHostError, 400),
    (UnreadableBodyError, 400),
)


@dataclass(frozen=True)
class Refusal:
    """An exception as an answer, in English and without HTTP rendering."""

    status: int
    code: str
    detail: str = ""
    errors: tuple[FieldError, ...] = ()
    reasons: tuple[str, ...] = ()
    statement_id: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    limit: TooManyRequestsError | None = None

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
        return _of_http(error)
    if isinstance(error, IntegrityError):
        return Refusal(409, "conflict")
    if isinstance(error, DataError):
        return Refusal(422, "invalid_input", N_("A value is outside of what can be stored."))
    return Refusal(500, "internal_error")


def _of_http(error: HTTPException) -> Refusal:
    if fault := _mistaken_for_ours(error):
        return Refusal(422, "invalid_input", errors=(fault,))
    status = error.status_code if error.status_code in OF_STATUS else 500
    code = OF_STATUS.get(status, "internal_error")
    allow = [(name.lower(), value) for name, value in (error.headers or {}).items()]
    return Refusal(status, code, headers=tuple(allow))


def _of_marketplace(error: MarketplaceError) -> Refusal:
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return Refusal(500, "internal_error")
    headers: tuple[tuple[str, str], ...] = ()
    if isinstance(error, TooManyRequestsError):
        return Refusal(status, error.code, headers=refused_headers(error), limit=error)
    if isinstance(error, UnavailableError):
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
        str(error.statement_id) if isinstance(error, AccountSuspendedError) else "",
        headers,
    )


_IN_BODY = re.compile(r"(.*) - at `\$\.data\.(.*)`", re.DOTALL)
_UNKNOWN = re.compile(r"unknown field `(.*)`")
_MISSING = re.compile(r"missing required field `(.*)`|Missing required \w+ parameter '(.*)' for")


def _of_validation(error: ValidationException) -> Refusal:
    """Name the field of each fault that the schema found; 400 when there was no body at all."""
    extra = error.extra if isinstance(error.extra, list) else []
    pairs = [(str(fault.get("key", "")), str(fault.get("message", ""))) for fault in extra]
    if ("data", "'data'") in pairs:
        return Refusal(HTTPStatus.BAD_REQUEST, "malformed_request", N_("The body is missing."))
    faults = tuple(_schema_fault(name, message) for name, message in pairs or [("", error.detail)])
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_input", errors=faults)


def _mistaken_for_ours(error: HTTPException) -> FieldError | None:
    """Return the fault of a field of the body that is called like a dependency, such as ``language``.

    Litestar 2.25 compares names only and takes such a fault for one of our own.
    """
    if isinstance(error, InternalServerException) and isinstance(error.__cause__, msgspec.ValidationError):
        found = _IN_BODY.fullmatch(str(error.__cause__))
        return _schema_fault(found[2], found[1]) if found else None
    return None


def _schema_fault(name: str, message: str) -> FieldError:
    path = "" if name == "data" else name
    if unknown := _UNKNOWN.search(message):
        return FieldError(f"{path}.{unknown[1]}".strip("."), "unknown", N_("There is no such field."))
    if missing := _MISSING.search(message):
        field = f"{path}.{missing[1] or missing[2]}".strip(".")
        return FieldError(field, "required", N_("This is required."))
    return FieldError(path or "body", "invalid", N_("Not valid: %(reason)s."), (("reason", message),))


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


def advice_of(refusal: Refusal, language: str) -> str:
    """Return the sentence that says what is wrong or what to do, in ``language``."""
    if refusal.limit is not None:
        return limit_sentence(language, refusal.limit)
    return translate(language, refusal.detail or refusal.kind.advice)


def to_problem(refusal: Refusal, language: str, request_id: str) -> Problem:
    """Return the problem details of a refusal in the language of the request."""
    kind = refusal.kind
    return Problem(
        type=type_of(refusal.code, refusal.status),
        title=translate(language, kind.title),
        status=refusal.status,
        code=refusal.code,
        detail=advice_of(refusal, language),
        instance=f"urn:uuid:{request_id}" if request_id else "",
        errors=[
            ProblemError(field=fault.field, code=fault.code, message=translated_fault(fault, language))
            for fault in refusal.errors
        ]
        if refusal.errors or refusal.status == HTTPStatus.UNPROCESSABLE_ENTITY
        else msgspec.UNSET,
        reasons=list(refusal.reasons) if refusal.reasons else msgspec.UNSET,
        statement_id=refusal.statement_id or msgspec.UNSET,
    )


def wants_json(request: AnyRequest) -> bool:
    """Programs get problem details, people get pages."""
    path = request.scope["path"]
    if path.startswith("/api/") or path in {"/livez", "/readyz", "/metrics", "/csp-reports"}:
        return True
    accept = request.headers.get("accept", "")
    return "text/html" not in accept and "json" in accept


PageRenderer = Callable[[AnyRequest, Refusal], Response[Any]]


def answer(request: AnyRequest, error: Exception, page: PageRenderer) -> Response[Any]:
    """Return the answer to a request that was refused or failed."""
    refusal = to_refusal(error)
    if refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, UnavailableError):
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
