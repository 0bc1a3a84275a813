"""Pages of recruiters about their openings: make, change, close, reopen (rules D3)."""

from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from marketplace.catalogues import N_
from marketplace.contacts import forms, opening_queries, openings
from marketplace.contacts.asking_recruiters import asking_recruiter
from marketplace.contacts.models import OpeningState
from marketplace.contacts.schemas import cursor_of, position_of
from marketplace.errors import InvalidInputError
from marketplace.ports import Ports
from marketplace.web.guards import requires_recruiter
from marketplace.web.identity import Member
from marketplace.web.pages import render, see_other
from marketplace.web.portal import FormData, errors_by_field, form_post, page_get

AnyRequest = Request[Any, Any, Any]


@page_get("/recruiter/openings", guards=[requires_recruiter])
def openings_page(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    cursor: FromQuery[str | None] = None,
) -> Response[Any]:
    """Own openings, newest first, and the form of a new one."""
    return _openings_page(request, ports, member, cursor)


@form_post("/recruiter/openings", guards=[requires_recruiter])
def opening_form(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    language: NamedDependency[str],
    form: NamedDependency[FormData],
) -> Response[Any]:
    """Create an opening (D3)."""
    try:
        with ports.db.transaction() as session:
            forms.opening_from(session, ports.clock.now(), member.account_id, form)
    except InvalidInputError as error:
        errors = errors_by_field(error, language)
        return _openings_page(request, ports, member, None, 422, errors, dict(form))
    return see_other("/recruiter/openings", N_("The opening was created."))


@page_get("/recruiter/openings/{opening_id:uuid}", guards=[requires_recruiter])
def opening_page(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    opening_id: FromPath[UUID],
) -> Response[Any]:
    """The form that changes an opening."""
    with ports.db.transaction() as session:
        opening = openings.own_opening(session, member.account_id, opening_id)
    values = {
        "title": opening.title,
        "company": opening.company,
        "job_country": opening.job_country,
        "start_on": opening.start_on.isoformat(),
    }
    return render(request, "contacts/opening.html", opening_id=opening_id, values=values)


@form_post("/recruiter/openings/{opening_id:uuid}", guards=[requires_recruiter])
def change_form(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    language: NamedDependency[str],
    opening_id: FromPath[UUID],
    form: NamedDependency[FormData],
) -> Response[Any]:
    """Change an opening (D3)."""
    try:
        with ports.db.transaction() as session:
            openings.change_opening(
                session, ports.clock.now(), member.account_id, opening_id, forms.change_from(form)
            )
    except InvalidInputError as error:
        errors = errors_by_field(error, language)
        return render(
            request, "contacts/opening.html", 422, opening_id=opening_id, values=dict(form), errors=errors
        )
    return see_other("/recruiter/openings", N_("The opening was changed."))


@form_post("/recruiter/openings/{opening_id:uuid}/state", guards=[requires_recruiter])
def opening_state_form(
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    opening_id: FromPath[UUID],
    form: NamedDependency[FormData],
) -> Response[Any]:
    """Close or reopen an opening (D3)."""
    with ports.db.transaction() as session:
        opening = openings.change_opening(
            session, ports.clock.now(), member.account_id, opening_id, forms.state_from(form)
        )
    closed = opening.state is OpeningState.CLOSED
    return see_other(
        "/recruiter/openings", N_("The opening was closed.") if closed else N_("The opening is open again.")
    )


def _openings_page(
    request: AnyRequest,
    ports: Ports,
    member: Member,
    cursor: str | None,
    status: int = 200,
    errors: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
) -> Response[Any]:
    with ports.db.transaction() as session:
        recruiter = asking_recruiter(session, member.account_id)
        page = opening_queries.openings(session, recruiter.recruiter_id, after=position_of(cursor))
    defaults = {"company": recruiter.company_name, "job_country": recruiter.work_country}
    return render(
        request,
        "contacts/openings.html",
        status,
        openings=page.rows,
        next_cursor=cursor_of(page.after),
        is_first=cursor is None,
        errors=errors or {},
        values=values or defaults,
        may_open=recruiter.is_active and recruiter.is_company_verified,
    )


ROUTES: list[HTTPRouteHandler] = [
    openings_page,
    opening_form,
    opening_page,
    change_form,
    opening_state_form,
]
