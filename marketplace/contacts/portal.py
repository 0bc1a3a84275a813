"""Pages of recruiters about one candidate: profile, CV, contact, address, copy (rules D3, D4, D7)."""

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
    openings_portal,
    retention,
    threads_portal,
)
from marketplace.contacts.api import copy_response
from marketplace.contacts.asking_recruiters import asking_recruiter
from marketplace.contacts.gate import gate
from marketplace.contacts.guards import refuses_speculation
from marketplace.contacts.models import OpeningState
from marketplace.contacts.opening_queries import OpeningView
from marketplace.contacts.policy import cautions_for
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


ROUTES: list[HTTPRouteHandler] = [
    profile_page,
    cv_page,
    contact_form,
    reveal_form,
    download_form,
    copy_file,
    *threads_portal.ROUTES,
    *openings_portal.ROUTES,
    *candidate_portal.ROUTES,
    *duties_portal.ROUTES,
]
