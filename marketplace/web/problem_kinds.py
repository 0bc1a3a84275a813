"""What each problem type is called and advises; ``/problems/<code>`` shows it.

A feature's code belongs here when people or programs are meant to tell it apart; a code without a
row reads like its status.
"""

from __future__ import annotations

from dataclasses import dataclass

from marketplace.catalogues import N_


@dataclass(frozen=True)
class Kind:
    """A row of the table: status, fixed title, what a person can do."""

    status: int
    title: str
    advice: str


KINDS: dict[str, Kind] = {
    "malformed_request": Kind(
        400, N_("The request cannot be read"),
        N_("Check that it is complete and well formed."),
    ),
    "cursor_invalid": Kind(
        400, N_("This page marker is not valid"),
        N_("Start again from the first page."),
    ),
    "cursor_expired": Kind(
        400, N_("This page marker has expired"),
        N_("Start again from the first page."),
    ),
    "unknown_host": Kind(
        400, N_("Unknown address"),
        N_("Use the address the service is known by."),
    ),
    "not_signed_in": Kind(
        401, N_("You are not signed in"),
        N_("Sign in and try again."),
    ),
    "not_allowed": Kind(
        403, N_("This is not allowed"),
        N_("Your account does not give access to this."),
    ),
    "role_not_allowed": Kind(
        403, N_("This is not allowed"),
        N_("This page is for another kind of account."),
    ),
    "password_change_required": Kind(
        403, N_("Choose a new password first"),
        N_("Your password is a temporary one."),
    ),
    "terms_required": Kind(
        403, N_("Accept the documents first"),
        N_("A document has a new version that needs your agreement."),
    ),
    "account_suspended": Kind(
        403, N_("Your account is suspended"),
        N_("The statement of reasons says why, until when, and how to object."),
    ),
    "cross_site_request": Kind(
        403, N_("This request came from another site"),
        N_("Open the page on this site and try again."),
    ),
    "form_expired": Kind(
        403, N_("Please try again"),
        N_("The page had been open for too long, or you signed in meanwhile. Nothing was changed."),
    ),
    "json_required": Kind(
        403, N_("Wrong kind of body"),
        N_("Send the body in the format the documentation names."),
    ),
    "contact_not_allowed": Kind(
        403, N_("You may not contact this candidate now"),
        N_("The reasons say what stands against it."),
    ),
    "not_found": Kind(
        404, N_("Not found"),
        N_("It does not exist, or it is not for you to see."),
    ),
    "method_not_allowed": Kind(
        405, N_("This cannot be done here"),
        N_("The address exists, but not for this kind of request."),
    ),
    "conflict": Kind(
        409, N_("No longer possible"),
        N_("The state has changed meanwhile. Look at it again."),
    ),
    "too_large": Kind(
        413, N_("Too large"),
        N_("Send less data."),
    ),
    "invalid_input": Kind(
        422, N_("Something is not right yet"),
        N_("Correct the fields named and send it again."),
    ),
    "window_exceeded": Kind(
        422, N_("There are no further pages"),
        N_("Narrow the search to see other results."),
    ),
    "too_many_requests": Kind(
        429, N_("Too many requests"),
        N_("Wait a little and try again."),
    ),
    "internal_error": Kind(
        500, N_("Something went wrong"),
        N_("It is our fault, and it has been recorded. Please try again later."),
    ),
    "unavailable": Kind(
        503, N_("Not available at the moment"),
        N_("Please try again in a few seconds. Nothing you sent was lost."),
    ),
    "search_unavailable": Kind(
        503, N_("Search is not available at the moment"),
        N_("Everything else works. Please try again in a few seconds."),
    ),
}  # fmt: skip

OF_STATUS = {
    400: "malformed_request", 401: "not_signed_in", 403: "not_allowed", 404: "not_found",
    405: "method_not_allowed", 409: "conflict", 413: "too_large", 422: "invalid_input",
    429: "too_many_requests", 503: "unavailable",
}  # fmt: skip


def kind_of(code: str, status: int) -> Kind:
    """Return the row of ``code``; a feature's own code without a row reads like its status."""
    return KINDS.get(code) or KINDS[OF_STATUS.get(status, "internal_error")]


def type_of(code: str, status: int) -> str:
    """Return the address of the problem type: always one that is served."""
    return f"/problems/{code if code in KINDS else OF_STATUS.get(status, 'internal_error')}"
