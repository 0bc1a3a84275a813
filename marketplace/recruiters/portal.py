"""Pages of recruiters: signing up, where the registration stands, professional profile, mandate."""

from typing import Any

from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from marketplace import reference
from marketplace.accounts.models import Role
from marketplace.catalogues import N_
from marketplace.errors import InvalidInputError, TooLargeError
from marketplace.ports import Ports
from marketplace.rate_limits.quotas import Quota
from marketplace.recruiters import forms, professional_data, queries, review_queries
from marketplace.recruiters.api import MANDATE_BODY_BYTES
from marketplace.recruiters.registration import register_recruiter
from marketplace.terms.queries import required_documents
from marketplace.web.guards import requires_recruiter
from marketplace.web.identity import Member, member_of
from marketplace.web.language import country_name
from marketplace.web.pages import render, see_other
from marketplace.web.portal import FormData, form_again, form_post, page_get

AnyRequest = Request[Any, Any, Any]
Page = Response[Any]


@page_get("/recruiter/sign-up", opt={"public": True})
def sign_up_page(request: AnyRequest, ports: NamedDependency[Ports], language: NamedDependency[str]) -> Page:
    """The form to register (B1); who is signed in goes on to their portal."""
    member = member_of(request)
    if member is not None:
        return see_other(member.home)
    return _sign_up(request, ports, language, {}, [])


@form_post("/recruiter/sign-up", opt={"public": True, "quota": Quota.SIGN_UP})
def sign_up(
    request: AnyRequest,
    form: NamedDependency[FormData],
    ports: NamedDependency[Ports],
    language: NamedDependency[str],
) -> Page:
    """Register: the same page follows whether or not the address is known (A5, B1)."""
    registration, unread = forms.read_sign_up(form, language)
    try:
        with ports.db.transaction() as session:
            register_recruiter(session, ports.clock.now(), ports.settings, registration, unread=unread)
    except InvalidInputError as refused:
        declared = form.values_of("declarations")
        return _sign_up(request, ports, language, form, declared, **form_again(request, refused))
    return see_other("/check-your-mail")


def _sign_up(
    request: AnyRequest,
    ports: Ports,
    language: str,
    form: Any,
    declared: list[str],
    status: int = 200,
    errors: dict[str, str] | None = None,
) -> Page:
    with ports.db.reading() as session:
        documents = required_documents(session, Role.RECRUITER, language, ports.clock.today())
    return render(
        request, "recruiters/sign_up.html", status,
        form=form, declared=declared, errors=errors or {}, documents=documents,
        countries=_countries(language), minimum_password=ports.settings.password_min_length,
    )  # fmt: skip


@page_get("/recruiter", guards=[requires_recruiter])
def home(request: AnyRequest, ports: NamedDependency[Ports], member: NamedDependency[Member]) -> Page:
    """An active recruiter searches; others see where they stand and what comes next (B3)."""
    with ports.db.reading() as session:
        facts = queries.recruiter_facts(session, member.account_id)
    if facts.capabilities.may_search:
        return see_other("/recruiter/search")
    return _home(request, ports, member)


@form_post("/recruiter/mandate", guards=[requires_recruiter], request_max_body_size=MANDATE_BODY_BYTES)
def attach_mandate(
    request: AnyRequest,
    form: NamedDependency[FormData],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
) -> Page:
    """Attach the mandate of a recruiter who works on behalf of the company (B1)."""
    upload = form.file("file")
    content = upload.file.read() if upload is not None else b""
    try:
        with ports.db.transaction() as session:
            professional_data.attach_mandate(
                session,
                ports.clock.now(),
                ports.settings,
                ports.files,
                ports.reader,
                member.account_id,
                content,
            )
    except TooLargeError as refused:
        megabytes = refused.limit_bytes // 1024 // 1024
        message = N_("This file is too large: %(megabytes)s MB at most.")
        fault = InvalidInputError.of("file", refused.code, message, megabytes=megabytes)
        return _home(request, ports, member, **form_again(request, fault))
    except InvalidInputError as refused:
        return _home(request, ports, member, **form_again(request, refused))
    return see_other("/recruiter", N_("Your mandate is attached. An admin will read it."))


@form_post("/recruiter/company", guards=[requires_recruiter])
def resubmit(
    request: AnyRequest,
    form: NamedDependency[FormData],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
) -> Page:
    """Submit a refused company again, corrected (B3)."""
    try:
        with ports.db.transaction() as session:
            facts = queries.recruiter_facts(session, member.account_id)
            given = forms.read_company(form, facts.company_country)
            professional_data.resubmit_company(session, ports.clock.now(), member.account_id, given)
    except InvalidInputError as refused:
        return _home(request, ports, member, form=form, **form_again(request, refused))
    return see_other("/recruiter", N_("Your company is submitted again. You will get a mail."))


def _home(request: AnyRequest, ports: Ports, member: Member, status: int = 200, **context: Any) -> Page:
    with ports.db.transaction() as session:
        facts = queries.recruiter_facts(session, member.account_id)
        refusal = review_queries.last_refusal(session, facts.recruiter_id)
    values = {"facts": facts, "last_refusal": refusal, "form": {}, **context}
    return render(request, "recruiters/home.html", status, **values)


@page_get("/recruiter/profile", guards=[requires_recruiter])
def profile_page(request: AnyRequest, ports: NamedDependency[Ports], member: NamedDependency[Member]) -> Page:
    """One's own professional data (A7)."""
    return _profile(request, ports, member)


@form_post("/recruiter/profile", guards=[requires_recruiter])
def correct_profile(
    request: AnyRequest,
    form: NamedDependency[FormData],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
) -> Page:
    """Correct the job title; ask for another work country (A7, B1)."""
    try:
        with ports.db.transaction() as session:
            professional_data.update_professional_data(
                session,
                ports.clock.now(),
                ports.settings,
                member.account_id,
                job_title=form.text("job_title"),
                work_country=form.text("work_country"),
            )
    except InvalidInputError as refused:
        return _profile(request, ports, member, form=form, **form_again(request, refused))
    return see_other("/recruiter/profile", N_("Your changes are saved."))


@form_post("/recruiter/profile/confirm", guards=[requires_recruiter])
def confirm_profile(ports: NamedDependency[Ports], member: NamedDependency[Member]) -> Page:
    """Confirm that the data are still right (A7)."""
    with ports.db.transaction() as session:
        professional_data.confirm_data(session, ports.clock.now(), member.account_id)
    return see_other("/recruiter/profile", N_("Thank you: your data are confirmed."))


def _profile(request: AnyRequest, ports: Ports, member: Member, status: int = 200, **context: Any) -> Page:
    with ports.db.reading() as session:
        facts = queries.recruiter_facts(session, member.account_id)
    values = {"facts": facts, "countries": _countries(member.language), "form": {}, **context}
    return render(request, "recruiters/profile.html", status, **values)


def _countries(language: str) -> list[tuple[str, str]]:
    return [(code, country_name(code, language)) for code in reference.TERRITORY]


ROUTES: list[HTTPRouteHandler] = [
    sign_up_page,
    sign_up,
    home,
    attach_mandate,
    resubmit,
    profile_page,
    correct_profile,
    confirm_profile,
]
