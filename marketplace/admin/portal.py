"""Pages of admins: what waits, the company queue with its evidence, allowed and denied domains.

No rule is here: a page shows what ``recruiters/review_queries.py`` found, a form calls one use case.
"""

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from marketplace.admin.api import Cursor
from marketplace.admin.guards import requires_admin
from marketplace.catalogues import N_
from marketplace.contacts.duty_queries import overdue_count
from marketplace.errors import InvalidInputError
from marketplace.ports import Ports
from marketplace.recruiters import domain_queries, queries, review_queries, reviews
from marketplace.recruiters.lifecycle import CompanyState
from marketplace.recruiters.models import MANDATE
from marketplace.web.headers import file_headers
from marketplace.web.identity import Member
from marketplace.web.pages import render, see_other
from marketplace.web.portal import FormData, form_again, form_post, page_get

AnyRequest = Request[Any, Any, Any]
Page = Response[Any]

PAGE_SIZE = 25
COMPANY = "company"
"""Which form of a company's page came back: the company's own, or that of a recruiter's id."""


@page_get("/admin", guards=[requires_admin])
def overview(request: AnyRequest, ports: NamedDependency[Ports]) -> Page:
    """What waits, and the way to the longest waiting."""
    with ports.db.transaction() as session:
        counts = review_queries.waiting_counts(session)
        waiting = review_queries.companies_page(session, CompanyState.PENDING_REVIEW, size=1).companies
        recruiters = review_queries.recruiters_to_review(session)
        overdue = overdue_count(session, ports.clock.today())
    return render(
        request, "admin/overview.html",
        counts=counts, recruiters=recruiters, next_company=waiting[0].id if waiting else None,
        overdue_duties=overdue,
    )  # fmt: skip


@page_get("/admin/companies", guards=[requires_admin])
def companies_page(
    request: AnyRequest,
    ports: NamedDependency[Ports],
    wanted: Annotated[str, QueryParameter(name="state")] = "",
    cursor: Cursor = None,
) -> Page:
    """The queue, those that wait first (B3); an unknown state shows all."""
    chosen = CompanyState(wanted) if wanted in set(CompanyState) else None
    with ports.db.transaction() as session:
        page = review_queries.companies_page(session, chosen, size=PAGE_SIZE, cursor=cursor)
    values = {"state": chosen.value} if chosen else {}
    more = (
        f"/admin/companies?{urlencode({**values, 'cursor': page.next_cursor})}" if page.next_cursor else None
    )
    return render(
        request, "admin/companies.html",
        companies=page.companies, state=chosen.value if chosen else None, next_href=more,
        paged=cursor is not None,
    )  # fmt: skip


@page_get("/admin/companies/{company_id:uuid}", guards=[requires_admin])
def company_page(request: AnyRequest, ports: NamedDependency[Ports], company_id: FromPath[UUID]) -> Page:
    """One company: evidence, decision, recruiters, history (B3)."""
    return _company(request, ports, company_id)


@form_post("/admin/companies/{company_id:uuid}/decision", guards=[requires_admin])
def decide_company(
    request: AnyRequest,
    form: NamedDependency[FormData],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    company_id: FromPath[UUID],
) -> Page:
    """Verify or refuse, then on to the next that waits (B3)."""
    reason = form.text("reason")
    try:
        with ports.db.transaction() as session:
            state = reviews.decide_company(
                session, ports.clock.now(), member.account_id, company_id, form.text("decision"), reason
            )
            name = review_queries.company_evidence(session, company_id).company.legal_name
            waiting = review_queries.companies_page(session, CompanyState.PENDING_REVIEW, size=1).companies
    except InvalidInputError as refused:
        again = form_again(request, refused)
        return _company(request, ports, company_id, subject=COMPANY, reason=reason, **again)
    verified = state is CompanyState.VERIFIED
    message = N_("%(company)s is verified.") if verified else N_("%(company)s is refused.")
    target = f"/admin/companies/{waiting[0].id}" if waiting else "/admin/companies"
    return see_other(target, message, company=name)


@form_post("/admin/recruiters/{recruiter_id:uuid}/review", guards=[requires_admin])
def review_recruiter(
    request: AnyRequest,
    form: NamedDependency[FormData],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
    recruiter_id: FromPath[UUID],
) -> Page:
    """Approve or refuse what is to be reviewed of one recruiter (B1, B2)."""
    reason = form.text("reason")
    with ports.db.reading() as session:
        company_id = queries.recruiter_facts_by_id(session, recruiter_id).company_id
    try:
        with ports.db.transaction() as session:
            reviews.review_recruiter(
                session, ports.clock.now(), member.account_id, recruiter_id, form.text("decision"), reason
            )
    except InvalidInputError as refused:
        again = form_again(request, refused)
        return _company(request, ports, company_id, subject=str(recruiter_id), reason=reason, **again)
    return see_other(f"/admin/companies/{company_id}", N_("Your decision is recorded."))


def _company(request: AnyRequest, ports: Ports, company_id: UUID, status: int = 200, **context: Any) -> Page:
    with ports.db.transaction() as session:
        evidence = review_queries.company_evidence(session, company_id)
    values = {"subject": "", "reason": "", **context}
    return render(
        request, "admin/company.html", status,
        company=evidence.company, history=evidence.history, similar=evidence.similar, **values,
    )  # fmt: skip


@page_get("/admin/recruiters/{recruiter_id:uuid}/mandate", guards=[requires_admin])
def mandate(ports: NamedDependency[Ports], recruiter_id: FromPath[UUID]) -> Response[bytes]:
    """The mandate of a recruiter who works on behalf of a company, as a download (B1)."""
    with ports.db.reading() as session:
        key = queries.mandate_key(session, recruiter_id)
    return Response(
        ports.files.get(key), media_type="application/pdf", headers=file_headers(f"{MANDATE}.pdf")
    )


@page_get("/admin/domains", guards=[requires_admin])
def domains_page(request: AnyRequest, ports: NamedDependency[Ports]) -> Page:
    """Domains and addresses that admins allow or deny (B2)."""
    return _domains(request, ports)


@form_post("/admin/domains", guards=[requires_admin])
def set_domain(
    request: AnyRequest,
    form: NamedDependency[FormData],
    ports: NamedDependency[Ports],
    member: NamedDependency[Member],
) -> Page:
    """Allow or deny a domain or one address (B2)."""
    try:
        with ports.db.transaction() as session:
            reviews.set_domain_rule(
                session,
                ports.clock.now(),
                member.account_id,
                form.text("pattern"),
                form.text("verdict"),
                form.text("reason"),
            )
    except InvalidInputError as refused:
        return _domains(request, ports, form=form, **form_again(request, refused))
    return see_other("/admin/domains", N_("The rule is saved."))


@form_post("/admin/domains/{rule_id:uuid}/remove", guards=[requires_admin])
def remove_domain(
    ports: NamedDependency[Ports], member: NamedDependency[Member], rule_id: FromPath[UUID]
) -> Page:
    """Take a rule back (B2)."""
    with ports.db.transaction() as session:
        reviews.remove_domain_rule(session, ports.clock.now(), member.account_id, rule_id)
    return see_other("/admin/domains", N_("The rule is removed."))


def _domains(request: AnyRequest, ports: Ports, status: int = 200, **context: Any) -> Page:
    with ports.db.reading() as session:
        rules = domain_queries.domain_rules(session)
    return render(request, "admin/domains.html", status, **{"rules": rules, "form": {}, **context})


ROUTES: list[HTTPRouteHandler] = [
    overview,
    companies_page,
    company_page,
    decide_company,
    review_recruiter,
    mandate,
    domains_page,
    set_domain,
    remove_domain,
]
