"""Pages of recruiters about those they wrote to: the list, one thread, one more message (rules D3)."""

from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from marketplace.catalogues import N_
from marketplace.contacts import messages
from marketplace.contacts.gate import gate
from marketplace.contacts.schemas import cursor_of, position_of
from marketplace.errors import InvalidInputError
from marketplace.ports import Ports
from marketplace.web.guards import requires_recruiter
from marketplace.web.identity import Member
from marketplace.web.pages import render, see_other
from marketplace.web.portal import FormData, errors_by_field, form_post, page_get

AnyRequest = Request[Any, Any, Any]


@page_get("/recruiter/contacts", guards=[requires_recruiter])
def contacts_page(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    cursor: FromQuery[str | None] = None,
) -> Response[Any]:
    """Own contacts, newest first."""
    with ports.db.transaction() as session:
        page = messages.recruiter_contacts(
            session, ports.clock.now(), ports.settings, member.account_id, position_of(cursor)
        )
    return render(
        request,
        "contacts/recruiter_contacts.html",
        contacts=page.rows,
        next_cursor=cursor_of(page.after),
        is_first=cursor is None,
    )


@page_get("/recruiter/contacts/{contact_id:uuid}", guards=[requires_recruiter])
def thread_page(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    contact_id: FromPath[UUID],
) -> Response[Any]:
    """One contact with its messages."""
    return _thread_page(request, ports, member, contact_id)


@form_post("/recruiter/contacts/{contact_id:uuid}/messages", guards=[requires_recruiter])
def message_form(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    language: NamedDependency[str],
    contact_id: FromPath[UUID],
    form: NamedDependency[FormData],
) -> Response[Any]:
    """Write once more."""
    now = ports.clock.now()
    try:
        with gate(ports.db, now) as session:
            messages.write_as_recruiter(
                session, now, ports.settings, member.account_id, contact_id, form.text("message")
            )
    except InvalidInputError as error:
        errors = errors_by_field(error, language)
        return _thread_page(request, ports, member, contact_id, 422, errors, form.text("message"))
    return see_other(f"/recruiter/contacts/{contact_id}", N_("Your message was sent."))


def _thread_page(
    request: AnyRequest,
    ports: Ports,
    member: Member,
    contact_id: UUID,
    status: int = 200,
    errors: dict[str, str] | None = None,
    message: str = "",
) -> Response[Any]:
    now = ports.clock.now()
    with ports.db.transaction() as session:
        thread = messages.recruiter_thread(session, now, ports.settings, member.account_id, contact_id)
    return render(
        request,
        "contacts/recruiter_thread.html",
        status,
        thread=thread,
        contact=thread.contact,
        errors=errors or {},
        message=message,
        message_max=ports.settings.message_max_characters,
    )


ROUTES: list[HTTPRouteHandler] = [
    contacts_page,
    thread_page,
    message_form,
]
