"""The page a suspended member meets; the admins' pages are in ``admin/sanctions_portal.py``."""

from typing import Any

from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from marketplace.accounts.models import Role
from marketplace.candidates.services import live_opt_in
from marketplace.moderation import queries
from marketplace.ports import Ports
from marketplace.web.guards import requires_member
from marketplace.web.identity import Member
from marketplace.web.pages import SUSPENDED_PAGE, render, see_other
from marketplace.web.portal import page_get


@page_get(SUSPENDED_PAGE, guards=[requires_member], opt={"while_suspended": True, "while_unsettled": True})
def statement_page(
    request: Request[Any, Any, Any], ports: NamedDependency[Ports], member: NamedDependency[Member]
) -> Response[Any]:
    """The statement of reasons, signing out and a candidate's withdrawal (E5, C2); who is free goes home."""
    if member.suspended_by is None:
        return see_other(member.home)
    with ports.db.transaction() as session:
        statement = queries.own_sanction(session, member.account_id, member.suspended_by)
        is_candidate = member.role is Role.CANDIDATE
        has_opt_in = is_candidate and live_opt_in(session, member.account_id) is not None
    return render(request, "moderation/statement.html", statement=statement, has_opt_in=has_opt_in)


ROUTES: list[HTTPRouteHandler] = [statement_page]
