"""Pages of admins on retention: legal holds; what becomes due and what was purged (rules B5, F2)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from marketplace import certificates, retention
from marketplace.admin.guards import requires_admin
from marketplace.catalogues import N_
from marketplace.errors import ConflictError, InvalidInputError
from marketplace.ports import Ports
from marketplace.recruiters import holds
from marketplace.web.identity import Member
from marketplace.web.pages import render, see_other
from marketplace.web.portal import FormData, form_again, form_post, page_get

AnyRequest = Request[Any, Any, Any]
Page = Response[Any]

RUNS = 50


@page_get("/admin/retention", guards=[requires_admin])
def retention_page(
    request: AnyRequest, ports: NamedDependency[Ports], days: Annotated[str, QueryParameter()] = ""
) -> Page:
    """What becomes due, and the certificates of what was purged (F2); unknown days show the shortest."""
    choices = {str(number): number for number in retention.FORECAST_DAYS}
    chosen = choices.get(days, retention.FORECAST_DAYS[0])
    forecasts = retention.forecast(ports, chosen)
    with ports.db.reading() as session:
        runs = certificates.newest_runs(session, RUNS)
    return render(
        request, "admin/retention.html",
        forecasts=forecasts, days=chosen, choices=retention.FORECAST_DAYS, runs=runs,
    )  # fmt: skip


@page_get("/admin/holds", guards=[requires_admin])
def holds_page(request: AnyRequest, ports: NamedDependency[Ports]) -> Page:
    """Legal holds, and the form to place one (B5)."""
    return _holds(request, ports)


@form_post("/admin/holds", guards=[requires_admin])
def place_hold(
    request: AnyRequest,
    form: NamedDependency[FormData],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
) -> Page:
    """Place a hold on the recruiter with an address (B5)."""
    try:
        with ports.db.transaction() as session:
            recruiter_id = holds.recruiter_by_address(session, form.text("email"))
            holds.place_hold(
                session,
                ports.clock.now(),
                member.account_id,
                recruiter_id,
                form.text("reason"),
                _day(form.text("ends_on")),
            )
    except InvalidInputError as refused:
        return _holds(request, ports, form=form, **form_again(request, refused))
    except ConflictError as refused:
        return see_other("/admin/holds", refused.message)
    return see_other("/admin/holds", N_("The hold is placed."))


@form_post("/admin/holds/{hold_id:uuid}/lift", guards=[requires_admin])
def lift_hold(
    ports: NamedDependency[Ports], member: NamedDependency[Member], hold_id: FromPath[UUID]
) -> Page:
    """End a hold before its day (B5)."""
    with ports.db.transaction() as session:
        holds.lift_hold(session, ports.clock.now(), member.account_id, hold_id)
    return see_other("/admin/holds", N_("The hold is lifted."))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInputError.of("ends_on", "invalid_date", N_("Write the date as YYYY-MM-DD.")) from None


def _holds(request: AnyRequest, ports: Ports, status: int = 200, **context: Any) -> Page:
    with ports.db.reading() as session:
        found = holds.holds(session, ports.clock.now())
    return render(request, "admin/holds.html", status, **{"holds": found, "form": {}, **context})


ROUTES: list[HTTPRouteHandler] = [retention_page, holds_page, place_hold, lift_hold]
