"""Who may enter a route. What a member may do there is for the policies to decide.

Each route has a role guard from here or ``opt={"public": True}``; :func:`unguarded` lists those
that have neither, and the application refuses to start with one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from litestar import Litestar
from litestar.handlers import BaseRouteHandler
from litestar.routes import BaseRoute, HTTPRoute
from litestar.types import Guard

from marketplace.accounts.models import Role
from marketplace.errors import AccountSuspendedError, NotAllowedError, NotSignedInError
from marketplace.web.identity import Connection, member_of

UNSETTLED = {"change_password": "password_change_required", "accept_terms": "terms_required"}
"""What ``Member.next`` asks for, and the code a member meets who has not done it."""


async def requires_member(connection: Connection, _: BaseRouteHandler) -> None:
    """Let any signed-in member in; raise :class:`NotSignedInError` otherwise."""
    if member_of(connection) is None:
        raise NotSignedInError


def requires_role(role: Role) -> Guard:
    """Return the guard that lets members of ``role`` in and answers 403 to the others."""

    async def guard(connection: Connection, _: BaseRouteHandler) -> None:
        member = member_of(connection)
        if member is None:
            raise NotSignedInError
        if member.role is not role:
            raise NotAllowedError("role_not_allowed", "This page is not for your kind of account.")

    guard.__name__ = f"requires_{role.value}"
    guard.is_role_guard = True  # type: ignore[attr-defined]
    return guard


requires_recruiter = requires_role(Role.RECRUITER)
requires_candidate = requires_role(Role.CANDIDATE)
requires_admin = requires_role(Role.ADMIN)
requires_member.is_role_guard = True  # type: ignore[attr-defined]


async def requires_settled(connection: Connection, handler: BaseRouteHandler) -> None:
    """Stop a member who is suspended, or must first change the password or accept the terms (A2, A3, E5).

    What stays open to them says so: ``while_suspended``, ``while_unsettled``.
    """
    member = member_of(connection)
    if member is None or handler.opt.get("public"):
        return
    if member.suspended_by is not None and not handler.opt.get("while_suspended"):
        raise AccountSuspendedError(member.suspended_by)
    if member.next is None or handler.opt.get("while_unsettled"):
        return
    raise NotAllowedError(UNSETTLED[member.next], "Something has to be done first.")


def is_guarded(handler: BaseRouteHandler) -> bool:
    """Whether a route has a role guard or says that it is public."""
    if handler.opt.get("public"):
        return True
    guards: Any = handler.resolve_guards()
    return any(
        getattr(guard, "is_role_guard", getattr(getattr(guard, "func", None), "is_role_guard", False))
        for guard in guards
    )


def unguarded(app: Litestar) -> Iterator[str]:
    """Yield ``METHOD path`` of each route that nobody decided about (security.md Z-01)."""
    for route in app.routes:
        for method, handler in _handlers(route):
            if not is_guarded(handler):
                yield f"{method} {route.path}"


def _handlers(route: BaseRoute) -> Iterator[tuple[str, BaseRouteHandler]]:
    if isinstance(route, HTTPRoute):
        for method, (handler, _) in route.route_handler_map.items():
            if method != "OPTIONS":
                yield method, handler
        return
    yield "ASGI", route.route_handler  # type: ignore[attr-defined]
