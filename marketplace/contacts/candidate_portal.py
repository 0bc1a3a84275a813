"""Pages of candidates about who wrote to them: read, answer, accept, refuse, block (rules C8)."""

from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from marketplace.candidates import exclusions
from marketplace.catalogues import N_
from marketplace.contacts import messages
from marketplace.contacts.messages import Answer
from marketplace.contacts.models import ContactState
from marketplace.contacts.schemas import cursor_of, position_of
from marketplace.errors import InvalidInputError
from marketplace.ports import Ports
from marketplace.web.guards import requires_candidate
from marketplace.web.identity import Member
from marketplace.web.pages import render, see_other
from marketplace.web.portal import FormData, errors_by_field, form_post, page_get

AnyRequest = Request[Any, Any, Any]


@page_get("/candidate/contacts", guards=[requires_candidate])
def contacts_page(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    cursor: FromQuery[str | None] = None,
) -> Response[Any]:
    """Who wrote, newest first."""
    with ports.db.transaction() as session:
        page = messages.candidate_contacts(session, member.account_id, position_of(cursor))
    return render(
        request,
        "contacts/candidate_contacts.html",
        contacts=page.rows,
        next_cursor=cursor_of(page.after),
        is_first=cursor is None,
    )


@page_get("/candidate/contacts/{contact_id:uuid}", guards=[requires_candidate])
def thread_page(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    contact_id: FromPath[UUID],
) -> Response[Any]:
    """One contact with its messages, and what can be done about it."""
    return _thread_page(request, ports, member, contact_id)


@form_post("/candidate/contacts/{contact_id:uuid}/messages", guards=[requires_candidate])
def message_form(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    language: NamedDependency[str],
    contact_id: FromPath[UUID],
    form: NamedDependency[FormData],
) -> Response[Any]:
    """Answer in words."""
    try:
        with ports.db.transaction() as session:
            messages.write_as_candidate(
                session,
                ports.clock.now(),
                ports.settings,
                member.account_id,
                contact_id,
                form.text("message"),
            )
    except InvalidInputError as error:
        errors = errors_by_field(error, language)
        return _thread_page(request, ports, member, contact_id, 422, errors, form.text("message"))
    return see_other(f"/candidate/contacts/{contact_id}", N_("Your message was sent."))


@form_post("/candidate/contacts/{contact_id:uuid}/answer", guards=[requires_candidate])
def answer_form(
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    contact_id: FromPath[UUID],
    form: NamedDependency[FormData],
) -> Response[Any]:
    """Accept or refuse (C8)."""
    try:
        answer = Answer(form.text("answer"))
    except ValueError:
        raise InvalidInputError.of("answer", "invalid", N_("Accept or refuse.")) from None
    with ports.db.transaction() as session:
        state = messages.answer_contact(session, ports.clock.now(), member.account_id, contact_id, answer)
    accepted = state is ContactState.ACCEPTED
    return see_other(
        f"/candidate/contacts/{contact_id}",
        N_("You accepted. The recruiter was told.")
        if accepted
        else N_("You refused. The recruiter was told."),
    )


@form_post("/candidate/contacts/{contact_id:uuid}/blocks", guards=[requires_candidate])
def block_form(
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    contact_id: FromPath[UUID],
    form: NamedDependency[FormData],
) -> Response[Any]:
    """Block the recruiter, or the whole company (C8): from now on you do not exist for them."""
    whom = form.text("whom")
    if whom not in {"recruiter", "company"}:
        raise InvalidInputError.of("whom", "invalid", N_("Block the recruiter or the company."))
    with ports.db.transaction() as session:
        recruiter_id, company_id = messages.counterpart(session, member.account_id, contact_id)
        exclusions.block(
            session,
            ports.clock.now(),
            member.account_id,
            recruiter_id=recruiter_id if whom == "recruiter" else None,
            company_id=company_id if whom == "company" else None,
        )
    return see_other(f"/candidate/contacts/{contact_id}", N_("Blocked: they cannot see you any more."))


def _thread_page(
    request: AnyRequest,
    ports: Ports,
    member: Member,
    contact_id: UUID,
    status: int = 200,
    errors: dict[str, str] | None = None,
    message: str = "",
) -> Response[Any]:
    with ports.db.transaction() as session:
        thread = messages.candidate_thread(session, ports.clock.now(), member.account_id, contact_id)
    return render(
        request,
        "contacts/candidate_thread.html",
        status,
        thread=thread,
        contact=thread.contact,
        errors=errors or {},
        message=message,
        message_max=ports.settings.message_max_characters,
    )


ROUTES: list[HTTPRouteHandler] = [contacts_page, thread_page, message_form, answer_form, block_form]
