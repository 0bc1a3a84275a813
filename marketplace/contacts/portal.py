"""Pages of recruiters: an opened profile, the text of a CV, contacts, openings, downloaded copies."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.orm import Session

from marketplace.catalogues import N_, translate
from marketplace.contacts import (
    candidate_portal,
    disclosures,
    downloads,
    duties_portal,
    forms,
    ledger_queries,
    messages,
    opening_queries,
    openings,
    retention,
)
from marketplace.contacts.api import copy_response
from marketplace.contacts.asking_recruiters import asking_recruiter
from marketplace.contacts.gate import gate
from marketplace.contacts.guards import refuses_speculation
from marketplace.contacts.models import OpeningState
from marketplace.contacts.opening_queries import OpeningView
from marketplace.contacts.policy import cautions_for
from marketplace.contacts.schemas import cursor_of, position_of
from marketplace.errors import InvalidInputError
from marketplace.ports import Ports
from marketplace.rate_limits.quotas import Quota
from marketplace.search.facets import FACETS
from marketplace.web.guards import requires_recruiter
from marketplace.web.identity import Member
from marketplace.web.pages import render, see_other
from marketplace.web.portal import FormData, errors_by_field, form_post, page_get

AnyRequest = Request[Any, Any, Any]


@page_get(
    "/recruiter/candidates/{candidate_id:uuid}",
    guards=[requires_recruiter, refuses_speculation],
    opt={"quota": Quota.OPENING},
)
def profile_page(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    language: NamedDependency[str],
    candidate_id: FromPath[UUID],
    job_country: FromQuery[str | None] = None,
    q: FromQuery[str] = "",
    back: FromQuery[str] = "",
) -> Response[Any]:
    """An opened profile with what may follow; recorded for the candidate to read (D3, D7)."""
    now = ports.clock.now()
    with gate(ports.db, now) as session:
        opened = disclosures.open_profile(
            session, now, ports.settings, member.account_id, candidate_id, job_country
        )
        own = _open_openings(session, opened.recruiter.recruiter_id)
        done = ledger_queries.seen_or_contacted(session, opened.recruiter.recruiter_id, [candidate_id])
    cautioned = {
        opening.id for opening in own if cautions_for(opened.candidate, opening.job_country, opening.start_on)
    }
    return render(
        request,
        "contacts/profile.html",
        opened=opened,
        card=opened.profile.card,
        reasons=[forms.REASONS[reason] for reason in opened.contact.shown],
        options=_options(own, language, cautioned),
        acts=[act.value for act in done.get(candidate_id, ())],
        values={"opening_id": str(own[0].id) if own else forms.NEW},
        delete_by_on=retention.delete_by(now.date(), ports.settings.deletion_months),
        withdrawal_days=ports.settings.withdrawal_deletion_days,
        education=_education(opened.profile.card.education_level, language),
        handed_on=_handed_on(opened.job_country, q, back),
        back=back,
        message_max=ports.settings.message_max_characters,
    )


@page_get(
    "/recruiter/candidates/{candidate_id:uuid}/cv",
    guards=[requires_recruiter, refuses_speculation],
    opt={"quota": Quota.CV_TEXT},
)
def cv_page(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    candidate_id: FromPath[UUID],
    job_country: FromQuery[str | None] = None,
    q: FromQuery[str] = "",
    back: FromQuery[str] = "",
) -> Response[Any]:
    """The text of a CV without contact details, the words of the search marked (D7)."""
    now = ports.clock.now()
    with gate(ports.db, now) as session:
        read = disclosures.read_cv_text(
            session, now, ports.settings, member.account_id, candidate_id, job_country, q
        )
    return render(
        request,
        "contacts/cv_text.html",
        read=read,
        found=sum(span.match for span in read.spans),
        candidate_id=candidate_id,
        job_country=job_country,
        q=q,
        handed_on=_handed_on(job_country, q, back),
        back=back,
    )


def _education(level: int | None, language: str) -> str:
    """Return an education level as the facet of the search calls it."""
    return FACETS["education_level"].label(str(level), language) if level else ""


def _handed_on(job_country: str | None, q: str, back: str) -> str:
    """Return what the pages about one candidate hand on: the words, and the search to go back to.

    ``back`` is only ever the query of the search page, so that no link leads elsewhere.
    """
    kept = {"job_country": job_country, "q": q, "back": back}
    return urlencode({name: value for name, value in kept.items() if value})


@form_post(
    "/recruiter/candidates/{candidate_id:uuid}/contacts",
    guards=[requires_recruiter],
    opt={"quota": Quota.CONTACT},
)
def contact_form(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    language: NamedDependency[str],
    candidate_id: FromPath[UUID],
    form: NamedDependency[FormData],
) -> Response[Any]:
    """Contact a candidate about an opening, chosen or made with it (D3).

    A form that comes back is a page of its own, so that correcting it opens no profile again.
    """
    now = ports.clock.now()
    try:
        with gate(ports.db, now) as session:
            if form.text("opening_id") == forms.NEW:
                opening_id = forms.opening_from(session, now, member.account_id, form).id
            else:
                opening_id = forms.chosen_opening(form.text("opening_id"), "opening_id")
            made = messages.request_contact(
                session,
                now,
                ports.settings,
                member.account_id,
                candidate_id,
                opening_id=opening_id,
                message=form.text("message"),
            )
    except InvalidInputError as error:
        with ports.db.transaction() as session:
            recruiter = asking_recruiter(session, member.account_id)
            own = _open_openings(session, recruiter.recruiter_id)
        return render(
            request,
            "contacts/contact_form.html",
            422,
            candidate_id=candidate_id,
            options=_options(own, language, set()),
            values=dict(form),
            errors=errors_by_field(error, language),
            message_max=ports.settings.message_max_characters,
        )
    flash = N_("Your message is on its way. The candidate can accept, refuse or answer.")
    if made.cautions:
        flash = N_("Your message is on its way. Mind that the right to work ends before the opening starts.")
    return see_other(f"/recruiter/contacts/{made.id}", flash)


@form_post(
    "/recruiter/candidates/{candidate_id:uuid}/email-reveals",
    guards=[requires_recruiter],
    opt={"quota": Quota.EMAIL_REVEAL},
)
def reveal_form(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    candidate_id: FromPath[UUID],
    form: NamedDependency[FormData],
) -> Response[Any]:
    """Reveal the e-mail address: an act of its own, recorded (D3)."""
    now = ports.clock.now()
    chosen = forms.chosen_opening(form.text("reveal_opening_id"), "reveal_opening_id")
    with gate(ports.db, now) as session:
        recruiter = asking_recruiter(session, member.account_id)
        opening = openings.own_open_opening(session, recruiter.recruiter_id, chosen)
        email = disclosures.reveal_email(
            session, now, ports.settings, member.account_id, candidate_id, opening
        )
    return render(request, "contacts/email.html", email=email, opening=opening, candidate_id=candidate_id)


@form_post(
    "/recruiter/candidates/{candidate_id:uuid}/cv-downloads",
    guards=[requires_recruiter],
    opt={"quota": Quota.CV_DOWNLOAD},
)
def download_form(
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    candidate_id: FromPath[UUID],
    form: NamedDependency[FormData],
) -> Response[Any]:
    """Take a marked copy, the duty having been explained; the file follows at once (D4)."""
    chosen = forms.chosen_opening(form.text("download_opening_id"), "download_opening_id")
    if not form.checked("understood"):
        raise InvalidInputError.of(
            "understood", "required", N_("Confirm that you will delete the copy by the day given.")
        )
    now = ports.clock.now()
    with gate(ports.db, now) as session:
        taken = downloads.download_cv(
            session,
            now,
            ports.settings,
            member.account_id,
            member.session_id,
            candidate_id,
            opening_id=chosen,
        )
    return see_other(f"/recruiter/downloads/{taken.id}/file")


@page_get("/recruiter/downloads/{download_id:uuid}/file", guards=[requires_recruiter, refuses_speculation])
def copy_file(
    ports: NamedDependency[Ports], member: NamedDependency[Member], download_id: FromPath[UUID]
) -> Response[bytes]:
    """The marked PDF, once (U-08)."""
    return copy_response(ports, member, download_id)


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


def _open_openings(session: Session, recruiter_id: UUID) -> tuple[OpeningView, ...]:
    return opening_queries.openings(session, recruiter_id, state=OpeningState.OPEN).rows


def _options(own: tuple[OpeningView, ...], language: str, cautioned: set[UUID]) -> list[tuple[str, str]]:
    """Return the openings to choose from; one that starts after the right to work ends says so (D2)."""
    warning = translate(language, N_("warning: starts after the right to work ends"))
    return [
        (
            str(opening.id),
            f"{opening.title} – {opening.company}" + (f" ({warning})" if opening.id in cautioned else ""),
        )
        for opening in own
    ]


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
    profile_page,
    cv_page,
    contact_form,
    reveal_form,
    download_form,
    copy_file,
    contacts_page,
    thread_page,
    message_form,
    openings_page,
    opening_form,
    opening_page,
    change_form,
    opening_state_form,
    *candidate_portal.ROUTES,
    *duties_portal.ROUTES,
]
