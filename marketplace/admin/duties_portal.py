"""Page of admins on deletion duties: who is late, by how much, how often reminded (rules D4)."""

from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter

from marketplace.admin.api import PAGE_SIZE_MAX
from marketplace.admin.duties_api import days_overdue, duties_page
from marketplace.admin.guards import requires_admin
from marketplace.contacts.models import DutyState
from marketplace.ports import Ports
from marketplace.web.identity import Member
from marketplace.web.pages import render
from marketplace.web.portal import page_get

OVERDUE, ALL = "", "all"
"""What the page shows beside the states themselves: what is late first of all, or everything."""


@page_get("/admin/deletion-duties", guards=[requires_admin])
def deletion_duties_page(
    request: Request[Any, Any, Any],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    wanted: Annotated[str, QueryParameter(name="state")] = OVERDUE,
    cursor: FromQuery[str | None] = None,
) -> Response[Any]:
    """Overdue duties, the latest first; or those of a state, or all (D4)."""
    shown = wanted if wanted in {*DutyState, ALL} else OVERDUE
    state = DutyState(shown) if shown in set(DutyState) else None
    with ports.db.transaction() as session:
        lines, more = duties_page(
            session,
            ports,
            member,
            is_overdue=shown == OVERDUE,
            state=state,
            cursor=cursor,
            size=PAGE_SIZE_MAX,
        )
    today = ports.clock.today()
    chosen = {"state": shown} if shown else {}
    return render(
        request, "admin/deletion_duties.html",
        lines=[(line, days_overdue(line, today)) for line in lines], shown=shown,
        first_href=f"/admin/deletion-duties?{urlencode(chosen)}" if cursor else None,
        next_href=f"/admin/deletion-duties?{urlencode({**chosen, 'cursor': more})}" if more else None,
    )  # fmt: skip


ROUTES: list[HTTPRouteHandler] = [deletion_duties_page]
