"""The error tree of the marketplace. It knows no HTTP; ``web/problems.py`` maps it.

MarketplaceError
├── InvalidInputError        parsed and wrong: field errors, nothing stored            (422)
│   └── InvalidCursorError       a page marker that is not ours, or is too old         (400)
├── NotFoundError            unknown, foreign or hidden: all the same answer           (404)
├── NotAllowedError          known and refused: a code and reasons                     (403)
│   ├── ContactNotAllowedError   refused by the contact decision (rules D3)
│   └── AccountSuspendedError    a sanction is in force: which one (rules E5)
├── NotSignedInError         no live session                                           (401)
├── ConflictError            the state no longer allows it                             (409)
├── TooLargeError            more bytes than the rule allows                           (413)
├── TooManyRequestsError     a quota is used up: when to come back                     (429)
└── UnavailableError         a dependency is away: retry later                         (503)
    └── SearchUnavailableError   the search engine does not answer
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field.

    ``field`` is the dotted path in the request, ``code`` is stable for programs, ``message`` is an
    English sentence that is a key of the catalogues, with ``values`` to interpolate (``%(name)s``).
    """

    field: str
    code: str
    message: str
    values: tuple[tuple[str, str | int], ...] = ()


class MarketplaceError(Exception):
    """Base of everything the product refuses on purpose."""

    code: str = "error"


class InvalidInputError(MarketplaceError):
    """The input was understood and is wrong; carries one :class:`FieldError` a fault."""

    code = "invalid_input"

    def __init__(self, errors: Sequence[FieldError], code: str | None = None) -> None:
        super().__init__("; ".join(f"{error.field}: {error.code}" for error in errors))
        self.errors: tuple[FieldError, ...] = tuple(errors)
        if code is not None:
            self.code = code

    @classmethod
    def of(cls, field: str, code: str, message: str, **values: str | int) -> InvalidInputError:
        """Return an error about a single field."""
        return cls([FieldError(field, code, message, tuple(values.items()))])


class InvalidCursorError(InvalidInputError):
    """A page marker that cannot be read: ``cursor_invalid``, or ``cursor_expired`` (rules E2)."""

    def __init__(self, message: str, code: str = "cursor_invalid") -> None:
        super().__init__([FieldError("cursor", code, message)], code)


class NotFoundError(MarketplaceError):
    """Unknown, foreign and hidden look the same (security.md Z-02)."""

    code = "not_found"


class NotAllowedError(MarketplaceError):
    """The caller is known and may not; ``code`` and ``reasons`` say why."""

    code = "not_allowed"

    def __init__(self, code: str, message: str = "", reasons: Iterable[str] = ()) -> None:
        super().__init__(message or code)
        self.code = code
        self.message = message
        self.reasons: tuple[str, ...] = tuple(reasons)


class ContactNotAllowedError(NotAllowedError):
    """The contact decision refused for reasons on the recruiter's side (rules D3)."""

    def __init__(self, reasons: Iterable[str]) -> None:
        super().__init__("contact_not_allowed", "You may not contact this candidate now.", reasons)


class AccountSuspendedError(NotAllowedError):
    """The member is suspended; ``statement_id`` is the sanction whose statement says why (rules E5)."""

    def __init__(self, statement_id: UUID) -> None:
        super().__init__("account_suspended")
        self.statement_id = statement_id


class NotSignedInError(MarketplaceError):
    """There is no live session."""

    code = "not_signed_in"


class ConflictError(MarketplaceError):
    """The state does not allow it (any more)."""

    code = "conflict"

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code
        self.message = message


class TooLargeError(MarketplaceError):
    """More bytes than the rule allows."""

    code = "too_large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"more than {limit_bytes} bytes")
        self.limit_bytes = limit_bytes


class TooManyRequestsError(MarketplaceError):
    """A quota is used up: ``limit`` acts in ``seconds``; ``retry_after`` is in whole seconds."""

    code = "too_many_requests"

    def __init__(self, quota: str, limit: int, retry_after: int, seconds: int = 0) -> None:
        super().__init__(f"quota {quota} of {limit} used up")
        self.quota = quota
        self.limit = limit
        self.retry_after = max(1, retry_after)
        self.seconds = seconds


class UnavailableError(MarketplaceError):
    """A dependency is away; ``retry_after`` is in whole seconds."""

    code = "unavailable"

    def __init__(self, dependency: str, retry_after: int = 5) -> None:
        super().__init__(f"{dependency} is not available")
        self.dependency = dependency
        self.retry_after = retry_after


class SearchUnavailableError(UnavailableError):
    """The search engine does not answer; everything that does not search keeps working."""

    code = "search_unavailable"

    def __init__(self, retry_after: int = 5, reason: str = "") -> None:
        """``reason`` is for the operator at the command line; members are told to come back later."""
        super().__init__("search", retry_after)
        if reason:
            self.args = (f"search is not available: {reason}",)
