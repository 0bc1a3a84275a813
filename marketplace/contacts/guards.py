"""Who may enter the routes of contacts that both sides use, and which requests never disclose."""

from __future__ import annotations

from litestar.handlers import BaseRouteHandler

from marketplace.accounts.models import Role
from marketplace.catalogues import N_
from marketplace.errors import NotAllowedError, NotSignedInError
from marketplace.web.identity import Connection, member_of


async def requires_either_side(connection: Connection, _: BaseRouteHandler) -> None:
    """Let recruiters and candidates in: the two sides of a thread."""
    member = member_of(connection)
    if member is None:
        raise NotSignedInError
    if member.role not in {Role.RECRUITER, Role.CANDIDATE}:
        raise NotAllowedError("role_not_allowed", N_("This page is for recruiters and candidates."))


requires_either_side.is_role_guard = True  # type: ignore[attr-defined]  # read by web/guards.py


async def refuses_speculation(connection: Connection, _: BaseRouteHandler) -> None:
    """Refuse what no person asked for: a HEAD, a prefetch, a prerender (D7).

    Opening a profile is recorded for the candidate to read, and a copy is handed out once, so a
    browser that only tries its luck must neither leave a trace nor take the copy away.
    """
    purposes = " ".join(
        connection.headers.get(name, "") for name in ("sec-purpose", "purpose", "x-purpose", "x-moz")
    ).lower()
    is_head = connection.scope["state"].get("is_head", False)
    if is_head or "prefetch" in purposes or "prerender" in purposes or "preview" in purposes:
        raise NotAllowedError("speculative_request", N_("Open this page yourself; it is recorded."))
